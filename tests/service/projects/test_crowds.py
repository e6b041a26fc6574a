"""Many who change one project at once."""

import asyncio

from shared.contracts.principal import Principal
from shared.contracts.projects.columns import CREATE_COLUMN, LIST_COLUMNS
from tests.service.projects.conftest import Service

CROWD = 20
"""More than the service has connections."""


async def test_a_crowd_at_one_project_keeps_nobody_from_another(service: Service, owner: Principal) -> None:
    crowded, other = await service.begin(owner), await service.begin(owner)
    async with service.database.transaction():  # as a replica that is slow with its change
        await service.database.execute("SELECT FROM projects.heads WHERE project_id = $1 FOR UPDATE", crowded.id)
        crowd = [
            asyncio.create_task(service.ask(CREATE_COLUMN, owner, project_id=crowded.id, name=f"No. {number}", status="TODO"))
            for number in range(CROWD)
        ]
        await asyncio.sleep(0.2)
        await service.ask(CREATE_COLUMN, owner, project_id=other.id, name="Elsewhere", status="TODO")
        assert not any(one.done() for one in crowd)
    await asyncio.gather(*crowd)
    there = (await service.ask(LIST_COLUMNS, owner, project_id=crowded.id)).columns
    assert sorted(column.position for column in there) == list(range(3 + CROWD))
