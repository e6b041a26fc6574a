"""Writers who post through the gateway, each message until it is acknowledged, and the reckoning afterwards."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2

from tests.faults.house import PATIENCE, House, eventually
from tests.faults.reading import Said, all_is_read_and_told_once
from tests.system.people import Json, Person, messages_of

PAUSE = 0.02
"""Seconds between a writer's messages: they are there to be lost, not to be measured."""
TRY_AGAIN = 0.1
NO_ANSWER, ACKNOWLEDGED, UNAVAILABLE = 0, 201, 503
CAME_TOO_SLOWLY = 408  # of a crowd of a thousand, whose own loop sends what it has begun to send seconds later


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request to post, and how it was answered: `status` is NO_ANSWER where the connection broke before that."""

    asked: float
    seconds: float
    status: int
    retry_after: str | None = None
    said: Said | None = None
    replayed: bool = False


async def attempt(person: Person, thread: Json, key: str, content: str) -> Attempt:
    """Ask once."""
    asked = time.monotonic()
    try:
        answer = await person.post(messages_of(thread), {"content": content, "clientMessageId": key})
    except httpx2.TransportError:
        return Attempt(asked, time.monotonic() - asked, NO_ANSWER)
    seconds = time.monotonic() - asked
    if answer.status_code != ACKNOWLEDGED:
        refused = answer.status_code in (UNAVAILABLE, CAME_TOO_SLOWLY)
        assert refused, f"a post was answered with {answer.status_code}: {answer.text}"
        return Attempt(asked, seconds, answer.status_code, answer.headers.get("retry-after"))
    return Attempt(asked, seconds, ACKNOWLEDGED, None, Said.of(answer.json()), answer.headers.get("idempotent-replayed") == "true")


async def until_acknowledged(
    person: Person, thread: Json, key: str, content: str, attempts: list[Attempt], *, pause: float = TRY_AGAIN
) -> tuple[Attempt, Said]:
    """Ask as a client does that has no answer, or is told to come again. attempts: each is put there as it ends."""
    while True:
        one = await attempt(person, thread, key, content)
        attempts.append(one)
        if one.said is not None:
            return one, one.said
        await asyncio.sleep(pause)


@dataclass
class Load:
    """What some writers ask, and what was acknowledged to them: the messages of each thread, by its id. people: by turns."""

    house: House
    threads: Sequence[Json]
    people: Sequence[Person]
    pause: float = PAUSE
    attempts: list[Attempt] = field(default_factory=list)
    acknowledged: dict[str, list[Said]] = field(default_factory=dict)
    _writers: list[asyncio.Task[None]] = field(default_factory=list)
    _heard: dict[int, float] = field(default_factory=dict)
    _ending: bool = False

    def start(self, writers: int) -> None:
        self._writers = [asyncio.create_task(self._write(writer)) for writer in range(writers)]

    async def end(self) -> None:
        """Let each writer's last message be acknowledged."""
        self._ending = True
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*self._writers)

    async def give_up(self) -> None:
        for writer in self._writers:
            writer.cancel()
        await asyncio.gather(*self._writers, return_exceptions=True)

    async def goes_on(self, within: float = PATIENCE) -> None:
        """Every writer has been acknowledged a message that was asked for after now."""
        now = time.monotonic()
        await eventually(lambda: self._all_heard_since(now), "every writer is acknowledged again", within)

    def since(self, moment: float) -> list[Attempt]:
        """What was asked after a moment, and is answered."""
        return [one for one in self.attempts if one.asked >= moment]

    @property
    def replayed(self) -> list[Said]:
        """What was acknowledged to a repeated request alone: the first one's answer was lost."""
        return [one.said for one in self.attempts if one.replayed and one.said is not None]

    @property
    def newest(self) -> dict[str, int]:
        """The number of each thread's newest message."""
        return {thread["id"]: len(self.acknowledged[thread["id"]]) for thread in self.threads}

    async def adds_up(self) -> None:
        """Acknowledged − read = 0, and nothing is there twice."""
        for thread in self.threads:
            await all_is_read_and_told_once(self.house, thread, self.acknowledged[thread["id"]])

    def _all_heard_since(self, moment: float) -> bool:
        for writer in self._writers:
            if writer.done():
                writer.result()
        return all(self._heard.get(writer, 0) >= moment for writer in range(len(self._writers)))

    async def _write(self, writer: int) -> None:
        person = self.people[writer % len(self.people)]
        thread = self.threads[writer % len(self.threads)]
        number = 0
        while not self._ending:
            number += 1
            key = f"{writer}-{number}"
            one, said = await until_acknowledged(person, thread, key, f"Message {number} of writer {writer}", self.attempts)
            self.acknowledged.setdefault(thread["id"], []).append(said)
            self._heard[writer] = one.asked
            await asyncio.sleep(self.pause)


@asynccontextmanager
async def running_load(
    house: House, writers: int = 6, threads: int = 2, people: Sequence[Person] = (), pause: float = PAUSE
) -> AsyncIterator[Load]:
    """Writers at work in threads of their own; at the end each has its last message acknowledged. people: others than the house's."""
    load = Load(house, [await house.opened_thread() for _ in range(threads)], people or house.people, pause)
    load.start(writers)
    try:
        await load.goes_on()
        yield load
        await load.end()
    finally:
        await load.give_up()
