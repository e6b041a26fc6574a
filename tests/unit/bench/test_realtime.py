"""Clients that count what they are told: frames as they come, when the last of a group has each message, and what grows."""

from typing import Any, override

import pytest

from services.gateway.realtime.frames import frame
from tests.bench.realtime import wire
from tests.bench.realtime.following import Follower, Group
from tests.bench.realtime.soak import Soaked
from tests.bench.realtime.wire import PING, PONG, TEXT, Incoming, masked

SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
LONG = frame("messagePosted", {"seq": 2, "content": "x" * 70_000}).ws
SHORT, MIDDLE = frame("ready", {}).ws, frame("messagePosted", {"seq": 1, "content": "x" * 500}).ws


class Seeing(Incoming):
    def __init__(self, *, whole: bool = False) -> None:
        super().__init__(b"", whole=whole)
        self.seen: list[tuple[int, int, bytes]] = []

    @override
    def frame(self, data: bytearray | bytes, opcode: int, begin: int, end: int) -> None:
        self.seen.append((opcode, end - begin, bytes(data[begin : begin + 9])))

    @override
    def not_switched(self, answer: bytes) -> None:
        raise AssertionError(answer)


class Written:
    """As much of a transport as is written to."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data


def come(protocol: Incoming, data: bytes) -> None:
    wire._SPACE[: len(data)] = data
    protocol.buffer_updated(len(data))


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("size", [1, 3, 24, 100, 1_000, 100_000])
def test_frames_are_seen_once_each_in_whatever_pieces_they_come(size: int, whole: bool) -> None:
    seeing, data = Seeing(whole=whole), SWITCH + SHORT + MIDDLE + LONG + SHORT
    for begin in range(0, len(data), size):
        come(seeing, data[begin : begin + size])
    lengths = [len(SHORT) - 2, len(MIDDLE) - 4, len(LONG) - 10, len(SHORT) - 2]
    assert seeing.seen == [(TEXT, length, b'{"type":"') for length in lengths]


async def test_a_message_is_there_when_the_last_of_a_group_has_it() -> None:
    group = Group()
    followers = group.followers = [Follower(group, "/", "token", witness=not place) for place in range(3)]
    for follower in followers:
        come(follower, SWITCH + SHORT)
    group.begin()
    for follower in followers[:2]:
        come(follower, MIDDLE + LONG)
    assert group.at == [0.0, 0.0]
    come(followers[2], MIDDLE)
    await group.reached(1)
    assert group.at[0] > 0 == group.at[1]
    come(followers[2], LONG)
    await group.reached(2)
    assert sorted(group.at) == group.at
    assert not group.unwanted


@pytest.mark.parametrize("seq", [1, 3])
async def test_a_message_that_is_missing_or_doubled_is_noticed(seq: int) -> None:
    group = Group()
    group.followers = [Follower(group, "/", "token", witness=True)]
    come(group.followers[0], SWITCH + SHORT + MIDDLE + frame("messagePosted", {"seq": seq}).ws)
    assert group.unwanted == {"out of order": 1}


async def test_a_ping_is_answered_and_a_close_is_counted() -> None:
    group, written = Group(), Written()
    follower = Follower(group, "/", "token", witness=False)
    transport: Any = written
    follower.connection_made(transport)
    written.data = b""
    come(follower, SWITCH + SHORT + bytes([PING, 0]) + b"\x88\x02" + (4408).to_bytes(2))
    assert written.data == masked(PONG, b"")
    assert group.unwanted == {"closed with 4408": 1}


def test_what_grows_is_the_end_over_the_beginning() -> None:
    soaked = Soaked(200, 50, told=[0.01, 0.02], megabytes=[100.0] * 50 + [900.0] + [110.0] * 50)
    assert soaked.growth == pytest.approx(0.1)
    assert [check.met for check in soaked.checks()] == [True, True, False, True]
