"""Who types in which thread: said by those who may post there, told to those who see it, and over by itself."""

import asyncio
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import structlog

from services.gateway.realtime.frames import Frame, frame
from services.gateway.realtime.happenings import Happening
from services.gateway.realtime.kinds import Scope
from services.gateway.realtime.transient.notices import TYPING, Notices
from services.gateway.routing import Call
from shared.contracts.gateway.typing import MOST_SHOWN, GetTyping, SetTyping, Typist, Typists
from shared.contracts.model import Nothing
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.refusals import PermissionIsMissing, ServiceIsUnavailable
from shared.contracts.threads.access import CHECK_ACCESS, CheckAccess, Right
from shared.valkey import OptionalValkey

log = structlog.get_logger()

LASTS = 5.5
"""Seconds from when somebody said it last; what is over is seen within LOOK."""
LOOK = 0.25
PAUSE = 2.0
"""Seconds in which one user's typing in one thread is announced once."""

_NOW = "local time = redis.call('TIME') local now = time[1] * 1000 + math.floor(time[2] / 1000) "
_TYPES = f"""{_NOW}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[3]) and 1 or 0
"""
_WHO = f"{_NOW} return redis.call('ZRANGE', KEYS[1], '(' .. now, '+inf', 'BYSCORE', 'LIMIT', 0, ARGV[1])"
_LEFT = f"""{_NOW}
local left = {{}}
for i, key in ipairs(KEYS) do left[i] = math.max(0, (redis.call('ZSCORE', key, ARGV[i]) or 0) - now) end
return left
"""

type Key = tuple[UUID, UUID]
"""A thread and a user."""


class Tells(Protocol):
    """What of the hub is needed here."""

    async def tell(self, scope: Scope, workspace_id: UUID, key: UUID, frame: Frame, *, but: UUID | None = None) -> None: ...


@dataclass(slots=True)
class _Typing:
    """Somebody who was announced here. until: of the loop's clock. posted: they have, and it is over."""

    workspace_id: UUID
    name: str
    until: float
    posted: bool = False

    def member(self, user_id: UUID) -> str:
        return f"{user_id} {self.name}"


class Typing:
    """Valkey has who types, for all gateways; each keeps whom it told of, and tells when that is over."""

    def __init__(self, call: Call, valkey: OptionalValkey, hub: Tells, notices: Notices, lasts: float = LASTS) -> None:
        self._call, self._valkey, self._hub, self._notices, self._lasts = call, valkey, hub, notices, lasts
        self._typing: dict[Key, _Typing] = {}
        self._threads: Counter[UUID] = Counter()
        self._announced: dict[Key, float] = {}
        self._somebody = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        notices.on(f"{TYPING}.>", self._hear)

    def start(self) -> None:
        self._looking = asyncio.create_task(self._look(), name="gateway typing")

    async def stop(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def set(self, request: SetTyping, caller: Principal) -> Nothing:
        """Those may type who may post."""
        if not caller.may(Permission.MESSAGE_SEND):
            raise PermissionIsMissing
        await self._call(CHECK_ACCESS, CheckAccess(thread_id=request.thread_id, right=Right.POST), caller)
        types = _Typing(caller.workspace_id, caller.name, 0)
        key = (request.thread_id, caller.user_id)
        if request.is_typing:
            if await self._begins(key, types):
                await self._announce(key, types, is_typing=True)
        elif await self._ends(key, types):
            await self._announce(key, types, is_typing=False)
        return Nothing()

    async def get(self, request: GetTyping, caller: Principal) -> Typists:
        await self._call(CHECK_ACCESS, CheckAccess(thread_id=request.thread_id, right=Right.READ), caller)
        keys = [_thread_key(request.thread_id)]
        found: list[bytes] | None = await self._valkey.run(_WHO, keys, [MOST_SHOWN + 1])
        if found is None:  # then as far as this gateway was told
            known = [(user_id, one.name) for (thread_id, user_id), one in self._typing.items() if thread_id == request.thread_id]
        else:
            known = [(UUID(user_id), name) for user_id, _, name in (member.decode().partition(" ") for member in found)]
        typists = [Typist(user_id=user_id, name=name) for user_id, name in known if user_id != caller.user_id]
        return Typists(thread_id=request.thread_id, typing=typists[:MOST_SHOWN])

    def posted(self, happening: Happening) -> None:
        """Who has posted types no more. Every gateway sees it, and tells its own."""
        if happening.key in self._threads:
            author_id = happening.payload["message"]["authorId"]
            known = self._typing.get((happening.key, UUID(author_id))) if author_id else None
            if known is not None:
                known.until, known.posted = 0, True

    async def _begins(self, key: Key, types: _Typing) -> bool:
        """Whether it is to be announced: else it lasts longer alone."""
        keys = [_thread_key(key[0]), f"typing:announced:{key[0]}:{key[1]}"]
        lasts, pause = (int(seconds * 1000) for seconds in (self._lasts, PAUSE))
        announced: int | None = await self._valkey.run(_TYPES, keys, [types.member(key[1]), lasts, pause])
        if announced is None:
            return self._begins_here(key)
        return bool(announced)

    def _begins_here(self, key: Key) -> bool:
        """Without Valkey the pause is this gateway's."""
        now = time.monotonic()
        if now - self._announced.get(key, 0) < PAUSE:
            return False
        self._announced = {old: at for old, at in self._announced.items() if now - at < PAUSE} | {key: now}
        return True

    async def _ends(self, key: Key, types: _Typing) -> bool:
        """Whether they typed, as far as anybody knows."""
        client = self._valkey.client
        removed = await self._valkey.ask(lambda: client.zrem(_thread_key(key[0]), types.member(key[1]))) if client else None
        return bool(removed) or key in self._typing

    async def _announce(self, key: Key, types: _Typing, *, is_typing: bool) -> None:
        said = {"userId": key[1], "name": types.name, "isTyping": is_typing}
        await self._notices.tell(f"{TYPING}.{types.workspace_id}.{key[0]}", said)

    async def _hear(self, subject: str, said: Any) -> None:
        workspace_id, thread_id = map(UUID, subject.split(".")[-2:])
        key = (thread_id, UUID(said["userId"]))
        if said["isTyping"]:
            types = _Typing(workspace_id, said["name"], self._now() + self._lasts)
            self._threads[thread_id] += key not in self._typing
            self._typing[key] = types
            self._somebody.set()
            await self._tell(key, types, is_typing=True)
        elif key in self._typing:
            await self._tell_end(key, self._typing[key])

    async def _look(self) -> None:
        """Tell of those whose time is over."""
        while True:
            await self._somebody.wait()
            await asyncio.sleep(LOOK)
            due = {key: types for key, types in self._typing.items() if types.until <= self._now()}
            try:
                await self._settle(due)
            except Exception:
                log.exception("typing_did_not_end")
            if not self._typing:
                self._somebody.clear()

    async def _settle(self, due: dict[Key, _Typing]) -> None:
        """Some may have said it again, in the pause in which that is not announced."""
        for key, types in due.items():
            if types.posted:
                await self._ends(key, types)
        keys, members = [_thread_key(thread_id) for thread_id, _ in due], [types.member(key[1]) for key, types in due.items()]
        left: list[int] | None = await self._valkey.run(_LEFT, keys, members) if due else []
        for (key, types), more in zip(due.items(), left or [0] * len(due), strict=True):
            if self._typing.get(key) is not types:
                continue
            if more > 0:
                types.until = self._now() + more / 1000
            else:
                await self._tell_end(key, types)

    async def _tell_end(self, key: Key, types: _Typing) -> None:
        del self._typing[key]
        self._threads[key[0]] -= 1
        if not self._threads[key[0]]:
            del self._threads[key[0]]
        await self._tell(key, types, is_typing=False)

    async def _tell(self, key: Key, types: _Typing, *, is_typing: bool) -> None:
        data = {"threadId": key[0], "userId": key[1], "name": types.name, "isTyping": is_typing}
        with suppress(ServiceIsUnavailable):  # nobody knows who sees it
            await self._hub.tell(Scope.THREAD, types.workspace_id, key[0], frame("typing", data), but=key[1])

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _thread_key(thread_id: UUID) -> str:
    return f"typing:thread:{thread_id}"
