"""Whoever a gateway needs is away: live connections stay, nobody is told what is not theirs, and nothing is missing afterwards."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import websockets

from shared.identifiers import new_id
from tests.faults.bursts import begun_thread, burst
from tests.faults.following import Follower, all_is_told, following
from tests.faults.house import House, eventually
from tests.faults.load import running_load
from tests.installed import installed
from tests.system.people import PASSWORD, Person, expect, refusal

MANY = 300
AWAY = 3.0
UNAVAILABLE = (503, "service_is_unavailable")


async def outsider(house: House) -> Person:
    """Somebody of the workspace who sees none of its threads."""
    body = {"email": f"{new_id().hex}@faults.example", "password": PASSWORD, "name": "Grace Hopper"}
    return Person(house.http, expect(await house.http.post("/api/auth/register", json=body), 201))


@asynccontextmanager
async def all_following(house: House) -> AsyncIterator[tuple[list[Follower], Follower]]:
    """Everybody of the house, and one who sees nothing. None of them was ever away at the end, nor told anything twice."""
    async with following([*house.people, await outsider(house)], [house.url]) as (*followers, stranger):
        yield followers, stranger
    assert stranger.told == []
    assert [(follower.returns, follower.doubles, follower.resets) for follower in (*followers, stranger)] == [(1, [], [])] * (
        len(followers) + 1
    )


@pytest.mark.parametrize("hangs", [False, True], ids=["killed", "frozen"])
async def test_while_threads_is_away_events_wait_for_its_word_on_who_sees_them(hangs: bool, house: House) -> None:
    thread, threads = await begun_thread(house), house.programs["threads"]
    async with all_following(house) as (followers, _):
        threads.freeze() if hangs else threads.kill()
        await burst(house, thread, MANY)
        await eventually(house.all_is_published, "all is in the stream")
        await asyncio.sleep(AWAY)
        assert [follower.told for follower in followers] == [[]] * len(followers)
        threads.thaw() if hangs else await threads.start()
        await eventually(lambda: all(follower.newest.get(thread["id"]) == MANY for follower in followers), "all is told")
        assert all(follower.of(thread) == [*range(2, MANY + 1)] for follower in followers)


async def test_without_identity_open_sockets_live_on_and_new_ones_are_refused(house: House) -> None:
    thread, person = await begun_thread(house), house.people[0]
    async with all_following(house) as (followers, _):
        house.programs["identity"].kill()
        await burst(house, thread, MANY)
        await eventually(lambda: all(follower.newest.get(thread["id"]) == MANY for follower in followers), "all is told")
        assert refusal(await person.get("/api/collab/events")) == UNAVAILABLE
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(f"{house.url.replace('http', 'ws')}/api/collab/ws", additional_headers=person.bearer, proxy=None)
        assert refused.value.response.status_code == UNAVAILABLE[0]
        await house.programs["identity"].start()
        async with following([person], [house.url]):
            pass


async def test_without_valkey_posts_over_sockets_go_on(house: House) -> None:
    thread = await house.opened_thread()
    async with all_following(house) as (followers, _):
        house.programs["Valkey"].kill()
        for number in range(5):
            await followers[0].say({"type": "post", "id": number, "threadId": thread["id"], "content": f"Message {number}"})
        await all_is_told(followers, {thread["id"]: 5})
        assert followers[0].refusals == []


async def test_without_nats_sockets_stay_and_have_everything_when_it_is_back(house: House) -> None:
    async with all_following(house) as (followers, _):
        async with running_load(house) as load:
            house.programs["NATS"].kill()
            await asyncio.sleep(AWAY)
            await house.programs["NATS"].start()
            await load.goes_on()
        await all_is_told(followers, load.newest)
    await load.adds_up()


async def test_an_event_stream_goes_on_from_its_last_id_with_another_gateway_in_its_place(house: House) -> None:
    """`curl -N`, killed with its gateway, and started again as a browser would."""
    person, thread = house.people[0], await house.opened_thread()
    async with Curl(house, person) as curl:
        await eventually(lambda: b"event: ready" in curl.shown, "it is ready")
        await person.say(thread, "Before")
        await eventually(lambda: b"Before" in curl.shown, "it is told")
        last = curl.last_id
        house.programs["gateway"].kill()
        assert await curl.ended() != 0
    await house.programs["gateway"].start()
    await eventually(house.is_well, "all is well")
    await person.say(thread, "Meanwhile")
    async with Curl(house, person, last) as curl:
        await eventually(lambda: b"Meanwhile" in curl.shown, "it is told what it missed")
        await person.say(thread, "After")
        await eventually(lambda: b"After" in curl.shown, "it is told what is new")
    assert b"Before" not in curl.shown
    assert [curl.shown.count(word) for word in (b'"seq":2,', b'"seq":3,')] == [1, 1]


class Curl:
    """`curl -N` that follows the event stream."""

    def __init__(self, house: House, person: Person, last_id: str | None = None) -> None:
        self._command = [installed("curl", "apt install curl"), "-sN", "-H", f"Authorization: Bearer {person.access_token}"]
        self._command += ["-H", f"Last-Event-ID: {last_id}"] if last_id else []
        self._command += [f"{house.url}/api/collab/events?types=messagePosted"]
        self.shown = b""

    async def __aenter__(self) -> "Curl":
        self._process = await asyncio.create_subprocess_exec(*self._command, stdout=asyncio.subprocess.PIPE)
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reading

    @property
    def last_id(self) -> str:
        return [line.removeprefix(b"id: ") for line in self.shown.splitlines() if line.startswith(b"id: ")][-1].decode()

    async def ended(self) -> int:
        return await self._process.wait()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while piece := await self._process.stdout.read(65536):
            self.shown += piece
