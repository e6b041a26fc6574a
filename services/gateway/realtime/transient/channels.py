"""The channels of spec 4 (Redis, 2.2), for gateways of other make: what happens in projects, mirrored into Valkey.

One gateway at a time does it, under a lease. How far it is stands in Valkey as well, and moves with what is published in one script: so
each event is published once and in the stream's order, whichever gateway is killed, frozen or cut off in between.
"""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog
from nats.errors import Error as NatsError

from services.gateway.realtime.cursors import Cursor
from services.gateway.realtime.feed import Feed, StreamIsAnother, seq_of
from services.gateway.realtime.frames import Frame
from services.gateway.realtime.happenings import Happening, happening_of
from services.gateway.routing import Call
from shared.contracts.messages.messages import MessageDeleted, MessageEdited, MessagePosted
from shared.contracts.model import Event
from shared.contracts.principal import Principal, Role
from shared.contracts.projects.columns import ColumnChanged
from shared.contracts.projects.files import FileChanged
from shared.contracts.projects.pages import PageChanged
from shared.contracts.projects.tasks import TaskChanged
from shared.contracts.refusals import ServiceIsUnavailable
from shared.contracts.threads.audience import CHECK_AUDIENCE, CheckAudience
from shared.identifiers import FIRST_ID, new_id
from shared.messaging.context import NO_CONTEXT, current_context
from shared.valkey import OptionalValkey

log = structlog.get_logger()

PATIENCE = 2.0
"""Seconds that Valkey is waited for, with up to some MiB of events."""
LEASE = 5.0
PAUSE = 1.0
REMEMBERED = 3_600.0
"""Seconds after which it is not gone on from where it was left: who listened to that has gone."""
MOST_KNOWN = 50_000

_KEYS = ("ws:mirror:lease", "ws:mirror:position")
_LEAD = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return nil end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return redis.call('GET', KEYS[2]) or ''
"""
_PUBLISH = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] or (redis.call('GET', KEYS[2]) or '') ~= ARGV[4] then return 0 end
for i = 6, #ARGV, 2 do redis.call('PUBLISH', ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[5], 'PX', ARGV[3])
return 1
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 1"

_CHATS: set[type[Event]] = {MessagePosted, MessageEdited, MessageDeleted}
_TASKS: set[type[Event]] = {TaskChanged, ColumnChanged}
_EDITED: dict[type[Event], str] = {FileChanged: "file", PageChanged: "page"}


class NotTheMirror(Exception):
    """Another gateway mirrors, or Valkey is away."""


class Channels:
    """Follows the stream on a connection of its own, while it has the lease."""

    def __init__(self, call: Call, redis_url: str | None) -> None:
        self._call, self._valkey = call, OptionalValkey(redis_url, patience=PATIENCE)
        self._token = new_id().hex
        self._chats: dict[UUID, UUID | None] = {}
        self._position = ""
        self._mirroring: asyncio.Task[None] | None = None

    def start(self, nats_url: str, password: str | None) -> None:
        self._mirroring = asyncio.create_task(self._run(nats_url, password), name="gateway channels")

    async def stop(self) -> None:
        if self._mirroring is not None:
            self._mirroring.cancel()
            await asyncio.gather(self._mirroring, return_exceptions=True)
            await self._valkey.run(_RELEASE, _KEYS, [self._token])
        await self._valkey.close()

    async def _run(self, nats_url: str, password: str | None) -> None:
        current_context.set(NO_CONTEXT)
        while True:
            try:
                found = await self._valkey.run(_LEAD, _KEYS, [self._token, int(LEASE * 1000)])
                if found is not None:
                    await self._mirror(found.decode(), nats_url, password)
            except (NotTheMirror, ServiceIsUnavailable, StreamIsAnother, NatsError, OSError, TimeoutError) as reason:
                log.debug("channels_wait", reason=str(reason) or type(reason).__name__)
            except Exception:
                log.exception("channels_failed")
            await asyncio.sleep(PAUSE)

    async def _mirror(self, position: str, nats_url: str, password: str | None) -> None:
        feed = Feed()
        await feed.open(nats_url, password)
        try:
            await self._begin(feed, position)
            log.info("channels_are_mirrored", position=self._position)
            while True:
                messages = await feed.next()
                told = [happening_of(message, seq_of(message), feed.identity) for message in messages]
                await self._publish(await self._of_channels([one for one in told if one is not None]), Cursor(feed.identity, feed.head))
        finally:
            await feed.close()

    async def _begin(self, feed: Feed, position: str) -> None:
        """Where it was left, by whomever; where Valkey has lost that, by this gateway; else at the stream's end."""
        await feed.begin(0)
        left = Cursor.read(position or self._position)
        self._position = position
        if left is not None and left.stream == feed.identity:
            feed.head = min(left.seq, feed.head)
        await self._publish([], Cursor(feed.identity, feed.head))

    async def _publish(self, told: Sequence[tuple[str, bytes]], reached: Cursor) -> None:
        args: list[Any] = [self._token, int(LEASE * 1000), int(REMEMBERED * 1000), self._position, str(reached)]
        done = await self._valkey.run(_PUBLISH, _KEYS, [*args, *(part for one in told for part in one)])
        if not done:
            raise NotTheMirror
        self._position = str(reached)

    async def _of_channels(self, happenings: Sequence[Happening]) -> list[tuple[str, bytes]]:
        """The channel of each that has one, with what is said there."""
        chats = {one.key: one for one in happenings if one.kind.event in _CHATS and one.key not in self._chats}
        if len(self._chats) > MOST_KNOWN:
            self._chats.clear()
        await asyncio.gather(*map(self._find_project, chats.values()))
        channels = ((self._channel(one), one) for one in happenings)
        return [(channel, Frame(one.kind.type, None, one.data).text) for channel, one in channels if channel is not None]

    def _channel(self, happening: Happening) -> str | None:
        event = happening.kind.event
        if event in _CHATS:
            project_id = self._chats[happening.key]
            return None if project_id is None else f"ws:project:{project_id}:chat"
        if event in _TASKS:
            return f"ws:project:{happening.key}:tasks"
        if event in _EDITED:
            kind = _EDITED[event]
            return f"ws:{kind}:{happening.payload[kind]['id']}:edits"
        return None

    async def _find_project(self, happening: Happening) -> None:
        """Whose chat a thread is. That is asked as by somebody who sees nothing."""
        nobody = Principal(user_id=FIRST_ID, session_id=FIRST_ID, workspace_id=happening.workspace_id, role=Role.GUEST, name="", grants=0)
        request = CheckAudience(workspace_id=happening.workspace_id, thread_id=happening.key, callers=[nobody])
        self._chats[happening.key] = (await self._call(CHECK_AUDIENCE, request, None)).project_id
