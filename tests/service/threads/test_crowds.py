"""Many who change one thread at once."""

import asyncio

import pytest

from shared.contracts.principal import Principal
from shared.contracts.threads.access import Right
from tests.service.neighbours import principal
from tests.service.threads.conftest import Service

CROWD = 20
"""More than the service has connections."""


@pytest.fixture
def owner() -> Principal:
    return principal()


async def test_a_crowd_at_one_thread_keeps_nobody_from_another(threads: Service, owner: Principal) -> None:
    crowded, other = await threads.open(owner), await threads.open(owner)
    async with threads.database.transaction():  # as a replica that is slow with its change
        await threads.database.execute("SELECT FROM threads.activity WHERE thread_id = $1 FOR UPDATE", crowded.id)
        renamed = [asyncio.create_task(threads.change(crowded, owner, title=f"No. {number}")) for number in range(CROWD // 2)]
        people = [principal(workspace_id=owner.workspace_id) for _ in range(CROWD // 2)]
        joined = [asyncio.create_task(threads.invite(crowded, owner, person)) for person in people]
        await asyncio.sleep(0.2)
        assert (await threads.change(other, owner, title="Elsewhere")).title == "Elsewhere"
        assert (await threads.access(other, owner, Right.POST)).thread_id == other.id
        assert not any(one.done() for one in (*renamed, *joined))
    await asyncio.gather(*renamed, *joined)
    assert (await threads.get(crowded, owner)).participant_count == 1 + len(people)
