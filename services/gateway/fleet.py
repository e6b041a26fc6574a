"""What the gateway knows of the processes behind it: whether they are ready, and what they measure."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Iterable
from typing import Any
from urllib.parse import urlsplit

from nats.aio.client import Client
from nats.errors import Error as NatsError
from prometheus_client import generate_latest
from pydantic import Field

from shared.application import Dependency
from shared.contracts.model import View
from shared.credentials import STORING_SERVICES
from shared.messaging.discovery import Instance, discover, this_process

READINESS_PATIENCE = 1.5  # seconds: a service asks its own dependencies for up to one
METRICS_PATIENCE = 0.5
MOST_BYTES = 4 * 1024 * 1024  # of one process's metrics


class State(View):
    """How something is."""

    ok: bool
    detail: str | None = Field(None, exclude_if=lambda detail: detail is None)


class Readiness(View):
    """Ready means that every request can be answered."""

    ready: bool
    dependencies: dict[str, State]
    services: dict[str, State]


class Shared[T]:
    """One run of some work for all who ask while it runs: strangers cannot make it run a thousand times at once."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._work = work
        self._running: asyncio.Task[T] | None = None

    async def __call__(self) -> T:
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._work())
        return await asyncio.shield(self._running)


async def readiness(client: Client | None, own: dict[str, Dependency]) -> Readiness:
    """Of the installation, from what the services tell of themselves."""
    try:
        found = await discover(client, READINESS_PATIENCE, STORING_SERVICES) if client and client.is_connected else []
    except (NatsError, OSError):
        found = []
    services = {name: _service([instance for instance in found if instance.name == name]) for name in STORING_SERVICES}
    dependencies = {name: State(ok=dependency.ok, detail=dependency.detail) for name, dependency in own.items()}
    for instance in found:
        for name, dependency in instance.dependencies.items():
            if dependencies.get(name, State(ok=True)).ok:
                detail = dependency.notice if dependency.ok else f"{instance.name}: {dependency.detail or 'not ready'}"
                dependencies[name] = State(ok=dependency.ok, detail=detail)
    dependencies.setdefault("postgres", State(ok=False, detail="no service that uses it answers"))
    ready = all(dependency.ok for dependency in own.values() if dependency.needed) and all(state.ok for state in services.values())
    return Readiness(ready=ready, dependencies=dependencies, services=services)


def _service(instances: list[Instance]) -> State:
    """One that is ready is enough."""
    if any(instance.ready for instance in instances):
        return State(ok=True)
    broken = [
        f"{name}: {dependency.detail or 'not ready'}"
        for instance in instances
        for name, dependency in instance.dependencies.items()
        if dependency.needed and not dependency.ok
    ]
    return State(ok=False, detail="; ".join(broken) or "does not answer")


async def all_metrics(client: Client | None) -> bytes:
    """This process's metrics and those of every other that answers in time, each sample labelled with its process."""
    try:
        found = await discover(client, METRICS_PATIENCE) if client and client.is_connected else []
    except (NatsError, OSError):
        found = []
    names: dict[str, set[str]] = defaultdict(set)
    for instance in found:
        if instance.metrics_url and instance.process != this_process():
            names[instance.metrics_url].add(instance.name)
    own = "+".join(sorted({"gateway"} | {instance.name for instance in found if instance.process == this_process()}))
    texts = await asyncio.gather(*(_fetch(url) for url in names))
    return merged([(own, generate_latest().decode()), *zip(_labels(names), texts, strict=True)]).encode()


def _labels(names: dict[str, set[str]]) -> list[str]:
    """A process is called by its services; where several run the same, by its address too."""
    joined = {url: "+".join(sorted(services)) for url, services in names.items()}
    times = Counter(joined.values())
    return [name if times[name] == 1 else f"{name}@{urlsplit(url).netloc}" for url, name in joined.items()]


async def _fetch(url: str) -> str:
    """The metrics at an address; nothing where they do not come in time, or are too many."""
    address = urlsplit(url)
    try:
        async with asyncio.timeout(1):
            reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=MOST_BYTES)
            try:
                writer.write(f"GET {address.path} HTTP/1.0\r\nHost: {address.netloc}\r\n\r\n".encode())
                head = await reader.readuntil(b"\r\n\r\n")
                body = await _bounded(reader) if b" 200 " in head.partition(b"\r\n")[0] else b""
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return ""
    return body.decode(errors="replace")


async def _bounded(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while chunk := await reader.read(65_536):
        body += chunk
        if len(body) > MOST_BYTES:
            return b""
    return body


def merged(texts: Iterable[tuple[str, str]]) -> str:
    """Several processes' metrics as one text: a family's samples stand together, below one HELP and TYPE."""
    heads: dict[str, list[str]] = {}
    samples: dict[str, list[str]] = defaultdict(list)
    for process, text in texts:
        label, family, known = f'process="{process}"', "", set(heads)
        for line in text.splitlines():
            if line.startswith("# "):
                family = line.split(" ", 3)[2]
                if family not in known:
                    heads.setdefault(family, []).append(line)
            elif line:
                samples[family].append(_labelled(line, label))
    return "".join(f"{line}\n" for family, head in heads.items() for line in (*head, *samples[family]))


def _labelled(sample: str, label: str) -> str:
    name, brace, rest = sample.partition("{")
    if brace and " " not in name:
        return f"{name}{{{label},{rest}" if not rest.startswith("}") else f"{name}{{{label}{rest}"
    name, _, value = sample.partition(" ")
    return f"{name}{{{label}}} {value}"
