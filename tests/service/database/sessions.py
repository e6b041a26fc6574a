"""Sessions of the services' roles, and what the database refuses them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg

from shared.database.connections import as_role
from tests.servers import Servers

type Session = asyncpg.Connection[asyncpg.Record]

REFUSED = asyncpg.InsufficientPrivilegeError


@asynccontextmanager
async def signed_in(servers: Servers, role: str) -> AsyncIterator[Session]:
    session = await asyncpg.connect(as_role(servers.postgres_url, role, servers.credentials.postgres[role]))
    try:
        yield session
    finally:
        await session.close()


@asynccontextmanager
async def inside(session: Session, workspace_id: UUID | None) -> AsyncIterator[None]:
    """A transaction that sees one workspace, or none; it is undone."""
    transaction = session.transaction()
    await transaction.start()
    try:
        if workspace_id is not None:
            await session.execute("SELECT set_config('app.workspace', $1, true)", str(workspace_id))
        yield
    finally:
        await transaction.rollback()


async def is_refused(session: Session, statement: str) -> bool:
    try:
        async with session.transaction():
            await session.execute(statement)
    except REFUSED:
        return True
    return False
