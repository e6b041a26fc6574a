"""The stream of events, as a gateway reads it: what is new as it comes, and pages of what was.

JetStream republishes each event, with its sequence, to all gateways at once; so none needs a consumer, nor the right to make one. What
plain NATS loses on the way is missed in the sequence, and read from the stream.
"""

import asyncio
from collections import deque
from typing import NamedTuple

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.errors import Error as StreamError
from pydantic_core import to_json

from services.gateway.realtime.cursors import stream_identity
from shared.contracts.refusals import ServiceIsUnavailable
from shared.identifiers import new_id
from shared.messaging.connection import close, connect, inbox_prefix
from shared.messaging.streams import EVENTS, LIVE_SUBJECTS, REPLAYING, SUBJECTS

PATIENCE = 3.0  # seconds for a page
LOOK_AGAIN = 2.0  # seconds without an event, until the stream's end is compared
MOST, MOST_BYTES = 500, 4 * 1024 * 1024
MOST_WAITING = 20_000
"""Events that wait to be taken; of more the newest are let go, and read from the stream later."""

_DIRECT = f"$JS.API.DIRECT.GET.{EVENTS}"


class StreamIsAnother(Exception):
    """The stream was lost and made anew: sequences mean something else."""


class Extent(NamedTuple):
    """What the stream holds: sequences from `first` to `last`."""

    identity: str
    first: int
    last: int


class Page(NamedTuple):
    """Events in their order; all up to `reached` are among them or gone."""

    messages: list[Msg]
    reached: int


def seq_of(message: Msg) -> int:
    assert message.headers is not None
    return int(message.headers["Nats-Sequence"])


class Feed:
    """On a connection of its own: what others wait for is not behind a flood of events."""

    def __init__(self) -> None:
        self._client: Client | None = None
        self._waiting: deque[Msg] = deque()
        self._came = asyncio.Event()
        self.identity = ""
        self.head = 0
        """Of what `next` has given."""
        self._last = 0
        """Up to where there is something to read, as far as is known."""

    async def open(self, url: str, password: str | None) -> None:
        async def again() -> None:
            self._came.set()

        self._client = await connect(url, "gateway", password, name="gateway events", on_reconnect=again)
        await self._client.subscribe(LIVE_SUBJECTS, cb=self._take)

    async def close(self) -> None:
        if self._client is not None:
            await close(self._client)

    @property
    def client(self) -> Client:
        assert self._client is not None
        return self._client

    async def begin(self, back: int) -> None:
        """Set out `back` events before the stream's end. Waits until there is a stream that is whole."""
        while (extent := await self._whole()) is None:
            await asyncio.sleep(0.5)
        self._waiting.clear()
        self._last = extent.last
        self.identity, self.head = extent.identity, max(extent.first - 1, extent.last - back, 0)

    async def next(self) -> list[Msg]:
        """What comes after `head`, in order, none missing; empty now and then. Raises `StreamIsAnother`, `ServiceIsUnavailable`."""
        if not self._waiting and self.head < self._last:
            return await self._behind()
        if not self._waiting:
            self._came.clear()
            try:
                async with asyncio.timeout(LOOK_AGAIN):
                    await self._came.wait()
            except TimeoutError:
                return await self._behind()
            if not self._waiting:  # the connection was away
                return await self._behind()
        taken: list[Msg] = []
        while self._waiting and len(taken) < MOST:
            seq = seq_of(self._waiting[0])
            if seq <= self.head:
                self._waiting.popleft()
            elif seq == self.head + 1:
                taken.append(self._waiting.popleft())
                self.head = seq
            else:
                return taken or await self._behind()
        return taken

    async def page(self, after: int, most: int = MOST, most_bytes: int = MOST_BYTES) -> Page:
        """The events after a sequence, as many as fit."""
        replies: asyncio.Queue[Msg] = asyncio.Queue()
        inbox = f"{inbox_prefix('gateway')}.page{new_id().hex}"
        subscription = await self.client.subscribe(inbox, cb=replies.put)
        asked = to_json({"seq": after + 1, "batch": most, "max_bytes": most_bytes, "next_by_subj": SUBJECTS})
        found: list[Msg] = []
        try:
            async with asyncio.timeout(PATIENCE):
                await self.client.publish(_DIRECT, asked, reply=inbox)
                while "Status" not in ((message := await replies.get()).headers or {}):
                    found.append(message)
        except (TimeoutError, NatsError, OSError) as error:
            raise ServiceIsUnavailable from error
        finally:
            await subscription.unsubscribe()
        if (message.headers or {}).get("Status") not in ("204", "404"):
            raise ServiceIsUnavailable
        return Page(found, seq_of(found[-1]) if found else after)

    async def extent(self) -> Extent:
        """Raises `ServiceIsUnavailable`."""
        try:
            info = await self.client.jetstream(timeout=PATIENCE).stream_info(EVENTS)
        except (NatsError, StreamError, OSError, TimeoutError) as error:
            raise ServiceIsUnavailable from error
        if REPLAYING in (info.config.metadata or {}) or info.created is None:
            raise ServiceIsUnavailable
        return Extent(stream_identity(info.created), info.state.first_seq, info.state.last_seq)

    async def _whole(self) -> Extent | None:
        try:
            return await self.extent()
        except ServiceIsUnavailable:
            return None

    async def _behind(self) -> list[Msg]:
        """What the stream has beyond the head; it is asked where nothing came for a while, or something is missing."""
        extent = await self.extent()
        if extent.identity != self.identity or extent.last < self.head:
            raise StreamIsAnother
        self._last = extent.last
        if extent.last == self.head:
            return []
        page = await self.page(self.head)
        self.head = page.reached if page.messages else extent.last
        return page.messages

    async def _take(self, message: Msg) -> None:
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(message)
        self._came.set()
