"""What every change in a project does: lock its head, see who asks, write, tell what happened."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.projects.domain.access import Standing
from services.projects.repository.access import standing
from shared.contracts.model import Event
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.projects.access import ProjectNotFound
from shared.contracts.projects.audit import ActionAudited
from shared.database.connections import Connection, Database, committed
from shared.database.turns import Turns
from shared.identifiers import new_id
from shared.outbox.outbox import emission, emit

_LOCK = "SELECT clock_timestamp() AS now FROM heads WHERE project_id = $1 FOR UPDATE"


@dataclass(frozen=True, slots=True)
class Inside:
    """A transaction that holds a project's head, for one who is a member of it."""

    connection: Connection
    caller: Principal
    standing: Standing
    now: datetime
    reason: str | None = None

    @property
    def project_id(self) -> UUID:
        return self.standing.project_id

    async def tell(self, *events: Event) -> None:
        await emit(self.connection, *(emission(event, self.caller.workspace_id, self.project_id) for event in events))

    async def insert(self, table: str, columns: str, fields: Mapping[str, Any]) -> asyncpg.Record:
        """A new row of the project; the names are ours, never a request's own words."""
        placed = {"workspace_id": self.caller.workspace_id, "project_id": self.project_id, **fields}
        return await insert(self.connection, table, columns, placed)

    async def update(self, table: str, columns: str, row_id: UUID, fields: Mapping[str, Any]) -> asyncpg.Record:
        """The row in its next version."""
        assignments = ", ".join(f"{name} = ${place}" for place, name in enumerate(fields, start=3))
        row = await self.connection.fetchrow(
            f"UPDATE {table} SET {assignments}, updated_at = $2, version = version + 1 WHERE id = $1 RETURNING {columns}",
            row_id,
            self.now,
            *fields.values(),
        )
        assert row is not None, "it was read under the same lock"
        return row

    async def delete(self, table: str, columns: str, row_id: UUID) -> asyncpg.Record:
        return await self.update(table, columns, row_id, {"deleted_at": self.now})

    async def audit(self, details: Mapping[str, Any]) -> None:
        """It belongs to who did it, not to the project: those who follow that do not get it."""
        event = ActionAudited(
            entity_id=new_id(),
            version=1,
            actor_id=self.caller.user_id,
            action=Permission.PROJECT_UPDATE.value,
            target_kind="project",
            target_id=self.project_id,
            reason=self.reason,
            details=dict(details),
        )
        await emit(self.connection, emission(event, self.caller.workspace_id, self.caller.user_id))


class Changing:
    """One change of a project at a time."""

    def __init__(self, database: Database, on_commit: Callable[[], None], turns: Turns) -> None:
        self.database, self.on_commit, self._turns = database, on_commit, turns

    async def within[T](
        self, project_id: UUID, caller: Principal, work: Callable[[Inside], Awaitable[T]], *, reason: str | None = None
    ) -> T:
        """Raises `ProjectNotFound` where there is none for the caller, and what `work` raises."""

        async def attempt() -> T:
            async with self.database.workspace(caller.workspace_id, actor=caller.user_id, reason=reason) as connection:
                now = await lock(connection, project_id)
                return await work(Inside(connection, caller, await standing(connection, project_id, caller), now, reason))

        async with self._turns.of(project_id):
            return await committed(attempt, self.on_commit)


async def lock(connection: Connection, project_id: UUID) -> datetime:
    """Hold a project's head until the transaction ends; the time by then. Raises `ProjectNotFound`."""
    now: datetime | None = await connection.fetchval(_LOCK, project_id)
    if now is None:
        raise ProjectNotFound
    return now


async def insert(connection: Connection, table: str, columns: str, fields: Mapping[str, Any]) -> asyncpg.Record:
    places = ", ".join(f"${place}" for place in range(1, len(fields) + 1))
    row = await connection.fetchrow(f"INSERT INTO {table} ({', '.join(fields)}) VALUES ({places}) RETURNING {columns}", *fields.values())
    assert row is not None
    return row
