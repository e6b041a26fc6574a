"""Which services run, and how they are: NATS's own way of asking (ADR-32), so that `nats micro` finds them too."""

import asyncio
import json
import os
import platform
from collections.abc import Awaitable, Callable, Collection

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from pydantic import ValidationError

from shared.application import Dependency
from shared.contracts.model import Model
from shared.identifiers import new_id
from shared.version import VERSION

log = structlog.get_logger()

PING = "$SRV.PING"


class Instance(Model):
    """A running service. `process` is the same for those that share one; `metrics_url` is where that process shows its metrics."""

    name: str
    id: str
    version: str
    process: str
    metrics_url: str | None
    dependencies: dict[str, Dependency]

    @property
    def ready(self) -> bool:
        return all(dependency.ok for dependency in self.dependencies.values() if dependency.needed)


def this_process() -> str:
    return f"{platform.node()}-{os.getpid()}"


class _Metrics:
    """Where this process shows its metrics, once it does."""

    url: str | None = None


def metrics_are_at(url: str | None) -> None:
    _Metrics.url = url


async def announce(client: Client, service: str, health: Callable[[], Awaitable[dict[str, Dependency]]]) -> None:
    """Answer for `service` whoever asks, with its health of that moment."""
    instance = new_id().hex

    async def answer(message: Msg) -> None:
        if not message.reply:
            return
        dependencies = await health()
        metadata = {
            "process": this_process(),
            "metricsUrl": _Metrics.url or "",
            "dependencies": json.dumps({name: dependency.model_dump() for name, dependency in dependencies.items()}),
        }
        pong = {"type": "io.nats.micro.v1.ping_response", "name": service, "id": instance, "version": VERSION, "metadata": metadata}
        await message.respond(json.dumps(pong).encode())

    for subject in (PING, f"{PING}.{service}", f"{PING}.{service}.{instance}"):
        await client.subscribe(subject, cb=answer)


async def discover(client: Client, within: float = 1.0, expected: Collection[str] = ()) -> list[Instance]:
    """The services that answer within so many seconds; where names are expected, no longer than until each is there and ready."""
    found: list[Instance] = []
    missing, complete = set(expected), asyncio.Event()

    async def take(message: Msg) -> None:
        instance = _read(message.data)
        if instance is None:
            return
        found.append(instance)
        if instance.ready:
            missing.discard(instance.name)
        if expected and not missing:
            complete.set()

    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox, cb=take)
    try:
        await client.publish(PING, reply=inbox)
        async with asyncio.timeout(within):
            await complete.wait()
    except TimeoutError:
        pass
    finally:
        await subscription.unsubscribe()
    return found


def _read(answer: bytes) -> Instance | None:
    """None for what is no service of ours."""
    try:
        pong = json.loads(answer)
        metadata = pong["metadata"]
        return Instance(
            name=pong["name"],
            id=pong["id"],
            version=pong["version"],
            process=metadata["process"],
            metrics_url=metadata["metricsUrl"] or None,
            dependencies=json.loads(metadata["dependencies"]),
        )
    except (ValueError, KeyError, TypeError, ValidationError):
        return None
