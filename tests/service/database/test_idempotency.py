"""Keys of requests, as each service's own role keeps them in its transactions."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from shared.contracts.messages.messages import GetMessage
from shared.contracts.principal import Principal
from shared.contracts.refusals import KeyWasUsedForAnother
from shared.credentials import STORING_SERVICES, background_role, database_role
from shared.database.connections import Database, as_role
from shared.database.idempotency import FORGET_KEYS, MadeBefore, claim
from shared.identifiers import new_id
from shared.messaging.context import Context, current_context
from shared.outbox import rows
from tests.servers import Servers
from tests.service.neighbours import principal

EACH_SERVICE = pytest.mark.parametrize("service", STORING_SERVICES)


@asynccontextmanager
async def opened(servers: Servers, service: str, role: str) -> AsyncIterator[Database]:
    database = Database(as_role(servers.postgres_url, role, servers.credentials.postgres[role]), service, connections=4)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def with_key(key: str) -> None:
    current_context.set(Context(float("inf"), "", "", key))


async def make(database: Database, request: GetMessage, caller: Principal, *, fails: bool = False) -> str:
    """The id of what was made, now or before."""
    thing_id = new_id()
    try:
        async with database.workspace(caller.workspace_id) as connection:
            await claim(connection, request, caller, thing_id)
            await asyncio.sleep(0.01)
            if fails:
                raise OverflowError
    except MadeBefore as before:
        return before.thing_id
    return str(thing_id)


@EACH_SERVICE
async def test_the_same_request_again_finds_what_was_made(servers: Servers, service: str) -> None:
    with_key("a key")
    request, caller = GetMessage(message_id=new_id()), principal()
    async with opened(servers, service, database_role(service)) as database:
        made = await make(database, request, caller)
        assert await make(database, request, caller) == made
        with pytest.raises(KeyWasUsedForAnother):
            await make(database, GetMessage(message_id=new_id()), caller)
        assert await make(database, request, principal(workspace_id=caller.workspace_id)) != made
        assert await make(database, request, caller.model_copy(update={"workspace_id": new_id()})) != made


async def test_those_that_come_at_once_wait_for_the_first(servers: Servers) -> None:
    with_key("a key")
    request, caller = GetMessage(message_id=new_id()), principal()
    async with opened(servers, "threads", database_role("threads")) as one, opened(servers, "threads", database_role("threads")) as other:
        made = await asyncio.gather(*(make(database, request, caller) for _ in range(20) for database in (one, other)))
    assert len(set(made)) == 1


async def test_what_failed_leaves_no_key(servers: Servers) -> None:
    with_key("a key")
    request, caller = GetMessage(message_id=new_id()), principal()
    async with opened(servers, "threads", database_role("threads")) as database:
        with pytest.raises(OverflowError):
            await make(database, request, caller, fails=True)
        made = await make(database, GetMessage(message_id=new_id()), caller)
        assert made


async def test_a_request_without_a_key_is_made_each_time(servers: Servers) -> None:
    with_key("")
    request, caller = GetMessage(message_id=new_id()), principal()
    async with opened(servers, "threads", database_role("threads")) as database:
        assert await make(database, request, caller) != await make(database, request, caller)


async def test_a_key_is_of_its_caller_s_workspace_inside_whichever_the_transaction_is(servers: Servers) -> None:
    with_key("a key")
    request, caller, first = GetMessage(message_id=new_id()), principal(), new_id()
    async with opened(servers, "identity", database_role("identity")) as database:
        async with database.workspace(new_id()) as connection:
            await claim(connection, request, caller, first)
        with pytest.raises(MadeBefore) as before:
            async with database.installation() as connection:
                await claim(connection, request, caller, new_id())
        assert before.value.uuid == first


@EACH_SERVICE
async def test_keys_are_reached_through_their_function_alone(servers: Servers, service: str) -> None:
    async with opened(servers, service, database_role(service)) as database, database.workspace(new_id()) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT FROM idempotency_keys")


@EACH_SERVICE
async def test_keys_are_kept_for_thirty_days(servers: Servers, service: str) -> None:
    from services.messages.repository.posts import FORGET_KEYS as FORGET_MESSAGE_KEYS

    caller, admin = principal(), await asyncpg.connect(servers.postgres_url)
    ages = "unnest(ARRAY[29.9, 30.1]) AS days"
    tables = {"idempotency_keys": ("user_id, operation, key, digest, thing_id", "$2, 'made', days, '', ''")}
    statements = [FORGET_KEYS]
    if service == "messages":
        tables["message_keys"] = ("author_id, thread_id, key, digest, message_id", "$2, $2, days, '', $2")
        statements.append(FORGET_MESSAGE_KEYS)
    try:
        for table, (columns, values) in tables.items():
            await admin.execute(
                f"""INSERT INTO {service}.{table} (workspace_id, created_at, {columns})
                    SELECT $1, now() - days * interval '1 day', {values} FROM {ages}""",
                caller.workspace_id,
                caller.user_id,
            )
        async with opened(servers, service, background_role(service)) as database:
            while await rows.forget(database, *statements):
                pass
        for table in tables:
            kept = await admin.fetch(f"SELECT key FROM {service}.{table} WHERE workspace_id = $1", caller.workspace_id)
            assert [row["key"] for row in kept] == ["29.9"]
    finally:
        await admin.close()
