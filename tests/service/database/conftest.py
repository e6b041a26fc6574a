"""The database as its admin sees it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest_asyncio

from tests.servers import Servers
from tests.service.database.sessions import Session


@pytest_asyncio.fixture(loop_scope="session")
async def admin(servers: Servers) -> AsyncIterator[Session]:
    session = await asyncpg.connect(servers.postgres_url)
    yield session
    await session.close()


@pytest_asyncio.fixture(loop_scope="session")
async def partition(admin: Session) -> str:
    """This month's partition of messages."""
    today = datetime.now(UTC).date()
    await admin.execute("SELECT messages.make_partition($1)", today)
    return f"messages.messages_{today:%Y_%m}"
