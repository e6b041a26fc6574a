"""The outbox is written in the transaction of the change, by whoever may, and kept for a week."""

from contextlib import suppress
from uuid import UUID, uuid4

import asyncpg
import pytest

from shared.credentials import STORING_SERVICES, database_role
from shared.database.connections import Database, as_role
from shared.identifiers import new_id
from shared.messaging.context import NO_CONTEXT, current_context
from shared.outbox import rows
from shared.outbox.outbox import LONGEST, EventIsTooLong, emission, emit
from tests.servers import Servers
from tests.service.outbox.stage import Said, Stage

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def said(number: int = 1) -> Said:
    return Said(entity_id=new_id(), version=1, number=number)


async def as_messages(stage: Stage) -> Database:
    role = database_role("messages")
    database = Database(as_role(stage.postgres_url, role, stage.credentials.postgres[role]), "messages", connections=1)
    await database.open()
    return database


def test_an_emission_has_the_trace_of_its_request() -> None:
    current_context.set(NO_CONTEXT._replace(trace=TRACE))
    assert emission(said(), None, uuid4()).trace == TRACE
    current_context.set(NO_CONTEXT._replace(trace="a\r\nNats-Msg-Id: forged"))
    assert emission(said(), None, uuid4()).trace == ""
    current_context.set(NO_CONTEXT)


def test_an_event_over_256_kib_is_refused() -> None:
    class Long(Said):
        text: str

    fits = Long(entity_id=new_id(), version=1, number=1, text="")
    room = LONGEST - len(fits.model_dump_json(by_alias=True))
    emission(fits.model_copy(update={"text": "x" * room}), None, uuid4())
    with pytest.raises(EventIsTooLong):
        emission(fits.model_copy(update={"text": "x" * (room - 1) + "ü"}), None, uuid4())


async def test_what_is_rolled_back_was_never_said(stage: Stage) -> None:
    database = await as_messages(stage)
    with suppress(RuntimeError):
        async with database.workspace(stage.workspace) as connection:
            await emit(connection, emission(said(), stage.workspace, uuid4()))
            raise RuntimeError
    await database.close()
    assert await stage.unpublished() == 0


@pytest.mark.parametrize("workspace", [uuid4(), UUID(int=0)])
async def test_an_event_of_another_workspace_cannot_be_said(stage: Stage, workspace: UUID) -> None:
    database = await as_messages(stage)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.workspace(stage.workspace) as connection:
            await emit(connection, emission(said(), workspace, uuid4()))
    await database.close()


async def test_an_event_of_the_installation_is_said_from_anywhere(stage: Stage) -> None:
    database = await as_messages(stage)
    async with database.installation() as connection:
        await emit(connection, emission(said(), None, uuid4()))
    await database.close()
    assert await stage.unpublished() == 1


@pytest.mark.parametrize(
    "statement",
    ["SELECT * FROM outbox", "UPDATE outbox SET data = ''", "DELETE FROM outbox", "SELECT * FROM inbox", "SELECT * FROM parked"],
)
async def test_requests_only_ever_add_to_the_outbox(stage: Stage, statement: str) -> None:
    database = await as_messages(stage)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.workspace(stage.workspace) as connection:
            await connection.execute(statement)
    await database.close()


async def test_published_events_are_kept_for_seven_days_and_inbox_rows_for_eight(stage: Stage) -> None:
    await stage.say(1, 2, 3, 4, 5)
    async with stage.admin() as connection:
        await connection.execute(
            """UPDATE outbox SET stream_seq = id, published_at = now() - CASE WHEN id < 3 THEN interval '7 days 1 minute'
               ELSE interval '6 days 23 hours' END WHERE id < 5"""
        )
        await connection.execute(
            """INSERT INTO inbox (consumer, event_id, applied_at) SELECT 'any', gen_random_uuid(), now() - days * interval '1 day'
               FROM unnest(ARRAY[7.9, 8.1]) AS days"""
        )
        background = stage.background()
        await background.open()
        assert [await rows.forget(background), await rows.forget(background)] == [3, 0]
        await background.close()
        assert [row[0] for row in await connection.fetch("SELECT id FROM outbox ORDER BY id")] == [3, 4, 5]
        assert await connection.fetchval("SELECT count(*) FROM inbox") == 1


async def test_the_event_with_the_highest_sequence_is_kept_for_ever(stage: Stage) -> None:
    """By it a store that was rolled back is known, after a quiet week too."""
    await stage.say(1, 2)
    async with stage.admin() as connection:
        await connection.execute("UPDATE outbox SET stream_seq = id, published_at = now() - interval '1 year'")
        background = stage.background()
        await background.open()
        await rows.forget(background)
        await background.close()
        assert [row[0] for row in await connection.fetch("SELECT id FROM outbox")] == [2]


@pytest.mark.parametrize("service", STORING_SERVICES)
async def test_every_storing_service_has_the_tables_as_declared(servers: Servers, service: str) -> None:
    connection = await asyncpg.connect(servers.postgres_url)
    found = await connection.fetch(
        "SELECT relname, relrowsecurity FROM pg_class WHERE relnamespace = $1::regnamespace AND relname = ANY($2) ORDER BY 1",
        service,
        ["inbox", "outbox", "parked"],
    )
    await connection.close()
    assert [tuple(row) for row in found] == [("inbox", True), ("outbox", True), ("parked", True)]
