"""What gateways tell each other: over core NATS, to all that run, this one among them."""

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from pydantic_core import from_json, to_json

log = structlog.get_logger()

TYPING, PRESENCE = "transient.typing", "transient.presence"

type Hears = Callable[[str, Any], Awaitable[None]]


class Notices:
    """Tells all gateways. While NATS is away, this one alone. client: the connection to NATS, once it is there."""

    def __init__(self, client: Callable[[], Client | None]) -> None:
        self._client = client
        self._hears: dict[str, Hears] = {}

    def on(self, subject: str, hears: Hears) -> None:
        """Of a subject, or of all below it (`>`)."""
        self._hears[subject] = hears

    async def start(self) -> None:
        client = self._client()
        assert client is not None
        for subject, hears in self._hears.items():
            await client.subscribe(subject, cb=_heard(hears))

    async def tell(self, subject: str, said: Any) -> None:
        client = self._client()
        try:
            if client is not None and client.is_connected:
                await client.publish(subject, to_json(said))
                return
        except (NatsError, OSError) as away:
            log.debug("notice_stays_here", subject=subject, reason=str(away))
        for pattern, hears in self._hears.items():
            if pattern == subject or (pattern.endswith(">") and subject.startswith(pattern[:-1])):
                await hears(subject, from_json(to_json(said)))


def _heard(hears: Hears) -> Callable[[Msg], Awaitable[None]]:
    async def take(message: Msg) -> None:
        try:
            await hears(message.subject, from_json(message.data))
        except Exception:
            log.exception("notice_failed", subject=message.subject)

    return take
