"""Whatever people do: nobody is told what a simple model hides from them, and nothing is missing of what they see all the time."""

import os
from contextlib import AsyncExitStack

import pytest

from tests.system.house import House
from tests.system.people import Json
from tests.system.realtime.followers import Follower, Transport, caught_up, cursor_of, following, marked
from tests.system.realtime.model import Said, Told
from tests.system.realtime.story import ROLES, Story

CASES = int(os.environ.get("FUZZ_CASES", "4"))
STEPS = 60
TYPES = ("messagePosted", "messageEdited", "notePosted")


def check(name: str, frames: list[Json], expected: list[tuple[Said, Told]]) -> None:
    """Against what the model says of each message, which the text names."""
    cursors = [int(frame["cursor"][8:], 16) for frame in frames if frame["type"] != "accessChanged"]
    assert cursors == sorted(set(cursors)), "in order, and none twice"
    told = [(frame["data"]["message"]["threadId"], frame["data"]["message"]["content"]) for frame in frames if frame["type"] in TYPES]
    for said, how in expected:
        count = told.count((said.place.name, said.text))
        assert count in {Told.ALWAYS: (1,), Told.NEVER: (0,), Told.PERHAPS: (0, 1)}[how], f"{name} was told {count} times: {said}, {how}"
    for place in {said.place.name for said, _ in expected}:
        texts = [int(text) for thread, text in told if thread == place]
        assert texts == sorted(texts), "in the order of the thread"


@pytest.mark.parametrize("seed", range(CASES))
async def test_everybody_is_told_what_the_model_shows_and_nothing_else(house: House, seed: int) -> None:
    people = {name: await house.person(role) for name, role in ROLES.items()}
    transports = {name: list(Transport)[(seed + place) % 2] for place, name in enumerate(people)}
    live: dict[str, Follower] = {}
    cursors: list[tuple[int, str]] = []

    async def rest() -> None:
        marks = await marked(house, list(people.values()))
        for name, follower in live.items():
            await caught_up(follower, marks[people[name].id])
        cursors.append((story.model.step, await cursor_of(people["admin"])))

    story = Story(seed, house, people, rest)
    async with AsyncExitStack() as stack:
        for name, person in people.items():
            live[name] = await stack.enter_async_context(following(house, person, transports[name]))
        for _ in range(STEPS):
            await story.go_on()
        await rest()
        for name, follower in live.items():
            check(name, follower.frames[1:], [(said, story.model.live(name, said)) for said in story.model.said])
    await comes_back(house, story, cursors, transports)


async def comes_back(house: House, story: Story, cursors: list[tuple[int, str]], transports: dict[str, Transport]) -> None:
    """Everybody, from some time of the story."""
    for name, person in story.people.items():
        step, cursor = story.random.choice(cursors)
        mark = (await marked(house, [person]))[person.id]
        async with following(house, person, transports[name], cursor) as follower:
            frames = await caught_up(follower, mark)
        later = [said for said in story.model.said if said.step >= step]
        check(f"{name}, from {step} on,", frames[1:], [(said, story.model.resumed(name, said)) for said in later])
        assert {frame["data"]["message"]["content"] for frame in frames if frame["type"] in TYPES} <= {said.text for said in later}
