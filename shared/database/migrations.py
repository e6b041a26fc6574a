"""Roles, schemas and their migrations: safe when several start them at once."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.ddl.postgresql import PostgresqlImpl
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Executable, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from shared.credentials import STORING_SERVICES, Credentials, background_role, database_role
from shared.database.versions import SERVICES, wanted_version

OWNER = "atrium_owner"
_LOCK = 0x6174_7269_756D  # "atrium"
_PATIENCE = 120.0


async def migrate(admin_url: str, credentials: Credentials | None, report: Callable[[str], None]) -> None:
    """Bring roles and all schemas up to date, as an admin of the server.

    `credentials` gives the roles their passwords; without, roles keep those they have (then someone else sets them).
    """
    async with _alone(admin_url):
        await _make_roles(admin_url, credentials)
        engine = _engine(admin_url)
        try:
            for service in STORING_SERVICES:
                async with engine.connect() as connection:
                    before = await connection.run_sync(_version, service)
                    await connection.run_sync(_upgrade, service)
                    await connection.commit()
                    after = await connection.run_sync(_version, service)
                if before != after:
                    report(f"{service}: {before or 'nothing'} → {after}")
        finally:
            await engine.dispose()


async def outdated(url: str) -> dict[str, tuple[str | None, str | None]]:
    """The services whose schema is not the code's: service to (version found, version wanted)."""
    engine = _engine(url)
    try:
        async with engine.connect() as connection:
            found = {service: await connection.run_sync(_version, service) for service in STORING_SERVICES}
    finally:
        await engine.dispose()
    wanted = {service: wanted_version(service) for service in STORING_SERVICES}
    return {service: (found[service], wanted[service]) for service in STORING_SERVICES if found[service] != wanted[service]}


class _Scripts(PostgresqlImpl):
    """Alembic's PostgreSQL, with `op.execute("…")` sent as it is: several statements at once, and no `:name` taken for a parameter."""

    __dialect__ = "postgresql"

    def execute(self, sql: Executable | str, execution_options: dict[str, Any] | None = None) -> None:
        if not isinstance(sql, str):
            super().execute(sql, execution_options)
            return
        assert self.connection is not None
        self.connection.connection.dbapi_connection.run_async(lambda connection: connection.execute(sql))  # type: ignore[union-attr]


def run_environment(service: str) -> None:
    """The body of every service's Alembic `env.py`."""
    from alembic import context  # it exists only while Alembic runs

    connection: Connection = context.config.attributes["connection"]
    context.configure(connection=connection, version_table="schema_version", version_table_schema=service)
    with context.begin_transaction():
        context.run_migrations()


@asynccontextmanager
async def _alone(admin_url: str) -> AsyncIterator[None]:
    """Hold the migration lock. It is polled: waiting inside the server would deadlock with CREATE INDEX CONCURRENTLY."""
    connection = await asyncpg.connect(admin_url, timeout=10)
    try:
        deadline = time.monotonic() + _PATIENCE
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
            if time.monotonic() > deadline:
                raise TimeoutError("another migration has been running for two minutes")
            await asyncio.sleep(0.1)
        yield
    finally:
        await connection.close(timeout=5)


async def _make_roles(admin_url: str, credentials: Credentials | None) -> None:
    connection = await asyncpg.connect(admin_url, timeout=10)
    try:
        async with connection.transaction():
            await _make_role(connection, OWNER, None)
            await connection.execute(f"GRANT {OWNER} TO CURRENT_USER")
            await connection.execute(f"REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO {OWNER}")
            for service in STORING_SERVICES:
                for role in (database_role(service), background_role(service)):
                    await _make_role(connection, role, credentials.postgres[role] if credentials else None)
                await connection.execute(
                    f"CREATE SCHEMA IF NOT EXISTS {service} AUTHORIZATION {OWNER};"
                    f"GRANT USAGE ON SCHEMA {service} TO {database_role(service)}, {background_role(service)}"
                )
    finally:
        await connection.close(timeout=5)


async def _make_role(connection: "asyncpg.Connection[asyncpg.Record]", role: str, password: str | None) -> None:
    if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role):
        await connection.execute(f"CREATE ROLE {role} {'NOLOGIN' if role == OWNER else 'LOGIN'} NOSUPERUSER NOCREATEDB NOCREATEROLE")
    if password is not None:
        await connection.execute(f"ALTER ROLE {role} PASSWORD '{password}'")  # generated hexadecimal digits


def _config(service: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SERVICES / service / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _upgrade(connection: Connection, service: str) -> None:
    connection.execute(text(f"SET ROLE {OWNER}"))
    config = _config(service)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _version(connection: Connection, service: str) -> str | None:
    if connection.scalar(text("SELECT to_regclass(:name)"), {"name": f"{service}.schema_version"}) is None:
        return None
    return MigrationContext.configure(
        connection, opts={"version_table": "schema_version", "version_table_schema": service}
    ).get_current_revision()


def _engine(url: str) -> AsyncEngine:
    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(url, timeout=10)

    return create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
