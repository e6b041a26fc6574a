"""The log of what admins and auditors did. Nothing in it is changed or taken out."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic_core import from_json, to_json

from shared.contracts.audit import Audited
from shared.contracts.identity.audit import ActionAudited, AuditEntry
from shared.contracts.principal import Principal
from shared.database.connections import Connection, Database, committed, once_more
from shared.database.history import SYSTEM_ACTOR
from shared.identifiers import new_id, time_of
from shared.outbox.outbox import emission, emit

_ADD = """
    INSERT INTO audit_log (id, workspace_id, at, service, actor_id, action, target_kind, target_id, reason, details)
    VALUES ($1, $2, coalesce($3, clock_timestamp()), $4, $5, $6, $7, $8, $9, $10::text::jsonb) ON CONFLICT (id) DO NOTHING"""

# Each of these has an index of its own, in whose order it reads.
_FILTERS = {"actor_id": "actor_id = {}", "action": "action = {}", "target_id": "target_id = {}"}

_PAGE = """
    SELECT id, at, service, actor_id, action, target_kind, target_id, reason, details FROM audit_log
    WHERE workspace_id = $1 AND (at, id) < ($2, $3){filters} ORDER BY at DESC, id DESC LIMIT $4"""

_READ_LATELY = """
    SELECT EXISTS (SELECT FROM audit_log WHERE workspace_id = $1 AND actor_id = $2 AND action = $3 AND at > now() - interval '1 hour')"""

OPERATOR = UUID(SYSTEM_ACTOR)
READ = "audit:log:read"


class Audit:
    def __init__(self, database: Database, on_commit: Callable[[], None]) -> None:
        self._database, self._on_commit = database, on_commit

    async def page(self, workspace_id: UUID, filters: Mapping[str, object], before: tuple[datetime, UUID], count: int) -> list[AuditEntry]:
        """The newest first."""
        conditions = "".join(f" AND {_FILTERS[name].format(f'${place}')}" for place, name in enumerate(filters, start=5))
        statement = _PAGE.format(filters=conditions)
        async with self._database.reading(workspace_id) as connection:
            rows = await connection.fetch(statement, workspace_id, *before, count, *filters.values())
        return [_entry(row) for row in rows]

    async def note_reading(self, by: Principal, filters: Mapping[str, object]) -> None:
        """Once an hour a reader, so that reading does not bury what is read."""

        async def attempt() -> bool:
            async with self._database.workspace(by.workspace_id) as connection:
                if await connection.fetchval(_READ_LATELY, by.workspace_id, by.user_id, READ):
                    return False
                details = {name: str(value) for name, value in filters.items()}
                await audit(connection, by.workspace_id, by.user_id, READ, "workspace", by.workspace_id, details=details)
                return True

        if await once_more(attempt):
            self._on_commit()

    async def note_operator(self, workspace_id: UUID, action: str, user_id: UUID, details: Mapping[str, Any]) -> None:
        """What the operator did to somebody's account."""

        async def attempt() -> None:
            async with self._database.workspace(workspace_id) as connection:
                await audit(connection, workspace_id, OPERATOR, action, "user", user_id, details=details)

        await committed(attempt, self._on_commit)


async def audit(
    connection: Connection,
    workspace_id: UUID,
    actor_id: UUID,
    action: str,
    target_kind: str,
    target_id: UUID,
    *,
    reason: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write down what somebody did in identity, in the transaction that does it. `action` is named as a permission is."""
    entry = ActionAudited(
        entity_id=new_id(),
        version=1,
        actor_id=actor_id,
        action=action,
        target_kind=target_kind,
        target_id=target_id,
        reason=reason,
        details=dict(details or {}),
    )
    await keep(connection, workspace_id, entry)
    await emit(connection, emission(entry, workspace_id, target_id))


async def keep(connection: Connection, workspace_id: UUID | None, entry: Audited) -> None:
    """An entry that comes again changes nothing."""
    await connection.execute(
        _ADD,
        entry.entity_id,
        workspace_id,
        time_of(entry.entity_id),
        type(entry).owner,
        entry.actor_id,
        entry.action[:128],
        entry.target_kind[:64],
        entry.target_id,
        entry.reason,
        to_json(entry.details).decode(),
    )


def _entry(row: asyncpg.Record) -> AuditEntry:
    return AuditEntry(**{**row, "details": from_json(row["details"])})
