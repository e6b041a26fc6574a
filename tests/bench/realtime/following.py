"""Clients that are told what is posted, and see when: each message of a group of them, until the last one has it."""

import asyncio
import re
from collections import Counter
from time import perf_counter
from typing import override

from tests.bench.realtime.wire import CLOSE, PING, PONG, TEXT, Incoming, handshake, masked

_POSTED, _READY, _REPLY = b'{"type":"messagePosted"', b'{"type":"ready"', b'{"type":"reply"'
_UNWANTED = (b'{"type":"refused"', b'{"type":"reset"')
_SEQ, _MARK = re.compile(rb'"seq":(\d+)'), re.compile(rb"mark(\d{12})")

PATIENCE = 60.0


class Group:
    """Followers who are told the same in the same order, so that the place of a message among all is enough to know it by.

    One of them, the witness, reads what it is told: which message has which place, and that none is missing or doubled.
    """

    def __init__(self) -> None:
        self.followers: list[Follower] = []
        self.unwanted: Counter[str] = Counter()
        self.marks: list[int] = []
        """Of the messages, in their order."""
        self.at: list[float] = []
        """When the last follower had each."""
        self.bytes = 0
        """Of all frames that the witness was told."""
        self._missing: list[int] = []
        self._seq = 0
        self._awaited: tuple[int, asyncio.Future[None]] | None = None

    def begin(self) -> None:
        """Count messages anew. Whatever was posted before has reached all."""
        self.marks, self.at, self._missing, self.bytes = [], [], [], 0
        for follower in self.followers:
            follower.begin()

    async def reached(self, messages: int) -> None:
        """Until all have so many. Raises `TimeoutError`."""
        while len(self._missing) < messages or self._missing[messages - 1]:
            waiting = asyncio.get_running_loop().create_future()
            self._awaited = messages, waiting
            async with asyncio.timeout(PATIENCE):
                await waiting

    def came(self, first: int, until: int, now: float) -> None:
        """These reached one more of the followers."""
        missing = self._missing
        if until > len(missing):
            more = until - len(missing)
            missing += [len(self.followers)] * more
            self.at += [0.0] * more
        for place in range(first, until):
            missing[place] -= 1
            if not missing[place]:
                self.at[place] = now
        if self._awaited is not None and self._awaited[0] <= until and not missing[self._awaited[0] - 1]:
            if not self._awaited[1].done():
                self._awaited[1].set_result(None)
            self._awaited = None

    def read(self, text: bytes) -> None:
        """What the witness was told."""
        seq, mark = _SEQ.search(text), _MARK.search(text)
        assert seq is not None, "a message has a place in its thread"
        if self._seq and int(seq[1]) != self._seq + 1:
            self.unwanted["out of order"] += 1
        self._seq = int(seq[1])
        self.bytes += len(text)
        self.marks.append(int(mark[1]) if mark else -1)

    def lost(self, why: str) -> None:
        self.unwanted[why] += 1


class Follower(Incoming):
    """One client, by one socket."""

    def __init__(self, group: Group, path: str, token: str, *, witness: bool) -> None:
        super().__init__(handshake(path, token), whole=witness)
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self.renewed: asyncio.Future[None] = self.ready
        self._group, self._witness = group, witness
        self._messages = self._told = 0
        self._closing = False

    def begin(self) -> None:
        self._messages = self._told = 0

    def renew(self, token: str) -> asyncio.Future[None]:
        """Sign in anew on the open socket."""
        self.renewed = asyncio.get_running_loop().create_future()
        self.write(masked(TEXT, b'{"type":"auth","id":1,"token":"%b"}' % token.encode()))
        return self.renewed

    def leave(self) -> None:
        self._closing = True
        self.abort()

    @override
    def frame(self, data: bytearray | bytes, opcode: int, begin: int, end: int) -> None:
        if opcode == TEXT:
            if data.startswith(_POSTED, begin):
                self._messages += 1
                if self._witness:
                    self._group.read(bytes(data[begin:end]))
            else:
                self._other(data, begin)
        elif opcode == PING:
            self.write(masked(PONG, b""))
        elif opcode == CLOSE:
            self._end(f"closed with {int.from_bytes(data[begin : begin + 2])}")

    @override
    def took(self) -> None:
        if self._messages > self._told:
            self._group.came(self._told, self._messages, perf_counter())
            self._told = self._messages

    @override
    def not_switched(self, answer: bytes) -> None:
        self._end(f"not opened: {answer.partition(b'\r\n')[0].decode()}")

    @override
    def connection_lost(self, error: Exception | None) -> None:
        self._end(f"lost: {error or 'closed'}")

    def _other(self, data: bytearray | bytes, begin: int) -> None:
        if data.startswith(_READY, begin):
            self.ready.set_result(None)
        elif data.startswith(_REPLY, begin):
            self.renewed.set_result(None)
        else:
            self._group.unwanted.update(kind.decode() for kind in _UNWANTED if data.startswith(kind, begin))

    def _end(self, why: str) -> None:
        if not self._closing:
            self._closing = True
            self._group.lost(why)
            for waiting in (self.ready, self.renewed):
                if not waiting.done():
                    waiting.set_exception(ConnectionError(why))
