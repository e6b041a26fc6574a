"""What the role of messages sees and changes: the rows of one workspace, through the tables that are its own."""

from collections.abc import AsyncIterator
from typing import NamedTuple
from uuid import UUID

import pytest
import pytest_asyncio

from shared.credentials import background_role, database_role
from shared.identifiers import new_id
from tests.servers import Servers
from tests.service.database.sessions import REFUSED, Session, inside, signed_in

INSERT = "INSERT INTO messages.heads (thread_id, workspace_id) VALUES ($1, $2)"


class Workspace(NamedTuple):
    """A workspace that has a row in a table of messages."""

    id: UUID
    thread_id: UUID


@pytest_asyncio.fixture(loop_scope="session")
async def messages(servers: Servers) -> AsyncIterator[Session]:
    async with signed_in(servers, database_role("messages")) as session:
        yield session


@pytest_asyncio.fixture(loop_scope="session")
async def workspace(admin: Session) -> AsyncIterator[Workspace]:
    one = Workspace(new_id(), new_id())
    await admin.execute("INSERT INTO messages.heads (thread_id, workspace_id) VALUES ($1, $2)", one.thread_id, one.id)
    yield one
    await admin.execute("DELETE FROM messages.heads WHERE workspace_id = $1", one.id)


async def _threads(session: Session) -> set[UUID]:
    return {row["thread_id"] for row in await session.fetch("SELECT thread_id FROM messages.heads")}


@pytest.mark.parametrize("table", ["threads.threads", "threads.participants", "identity.users", "identity.user_sessions"])
async def test_messages_cannot_read_what_belongs_to_another_service(messages: Session, table: str) -> None:
    with pytest.raises(REFUSED):
        await messages.fetch(f"SELECT * FROM {table}")


@pytest.mark.parametrize("statement", ["SELECT * FROM {}", "INSERT INTO {} DEFAULT VALUES", "DELETE FROM {}"])
async def test_messages_cannot_reach_a_partition_directly(messages: Session, partition: str, workspace: Workspace, statement: str) -> None:
    async with inside(messages, workspace.id):
        with pytest.raises(REFUSED):
            await messages.execute(statement.format(partition))


async def test_messages_sees_the_rows_of_its_workspace(messages: Session, workspace: Workspace) -> None:
    async with inside(messages, workspace.id):
        assert await _threads(messages) == {workspace.thread_id}


async def test_messages_sees_no_row_of_another_workspace(messages: Session, workspace: Workspace) -> None:
    async with inside(messages, new_id()):
        assert await _threads(messages) == set()


async def test_messages_sees_nothing_after_the_workspace_of_a_transaction_is_gone(messages: Session, workspace: Workspace) -> None:
    async with inside(messages, workspace.id):
        pass
    assert await _threads(messages) == set()


async def test_messages_writes_nothing_without_a_workspace(messages: Session, workspace: Workspace) -> None:
    with pytest.raises(REFUSED):
        await messages.execute(INSERT, new_id(), workspace.id)


async def test_messages_writes_nothing_into_another_workspace(messages: Session, workspace: Workspace) -> None:
    async with inside(messages, new_id()):
        with pytest.raises(REFUSED):
            await messages.execute(INSERT, new_id(), workspace.id)


async def test_messages_changes_nothing_of_another_workspace(messages: Session, workspace: Workspace) -> None:
    async with inside(messages, new_id()):
        changed = await messages.execute("UPDATE messages.heads SET last_seq = 7 WHERE thread_id = $1", workspace.thread_id)
    assert changed == "UPDATE 0"


async def test_messages_cannot_move_a_row_to_another_workspace(messages: Session, workspace: Workspace) -> None:
    async with inside(messages, workspace.id):
        with pytest.raises(REFUSED):
            await messages.execute("UPDATE messages.heads SET workspace_id = $1", new_id())


async def test_the_background_role_sees_every_workspace(servers: Servers, workspace: Workspace) -> None:
    async with signed_in(servers, background_role("messages")) as session:
        assert workspace.thread_id in await _threads(session)
