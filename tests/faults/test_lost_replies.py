"""A kill between the commit of a post and its reply: the writer cannot know, and asks again with the same `clientMessageId`."""

import pytest

from tests.faults.holding import commits_held
from tests.faults.house import House
from tests.faults.load import running_load


@pytest.mark.parametrize("name", ["messages", "NATS", "gateway", "PostgreSQL"])
async def test_a_post_whose_reply_is_lost_is_one_message_and_the_answer_to_the_same_key(house: House, name: str) -> None:
    async with running_load(house) as load:
        async with commits_held(house):
            house.programs[name].kill()
        await house.programs[name].restart()
        await load.goes_on()
    assert load.replayed, "a post was committed and not answered"
    await load.adds_up()
