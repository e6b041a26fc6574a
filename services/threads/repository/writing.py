"""What every change of a thread does: lock it, move its activity, tell what happened."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.threads.repository import views
from shared.contracts.model import Event
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.threads.access import ThreadNotFound
from shared.contracts.threads.audit import ActionAudited
from shared.database.connections import Connection
from shared.identifiers import new_id
from shared.outbox.outbox import emission, emit

_LOCK = f"""
    SELECT {views.COLUMNS}, t.version, clock_timestamp() AS now FROM threads t JOIN activity a ON a.thread_id = t.id
    WHERE t.id = $1 AND t.deleted_at IS NULL FOR UPDATE OF t, a"""

_MOVE = """
    UPDATE activity SET at = greatest(at, $2), archived = $3, participant_count = $4, revision = revision + 1 WHERE thread_id = $1"""

_TOUCH = "UPDATE activity SET revision = revision + 1 WHERE thread_id = $1"


async def lock(connection: Connection, thread_id: UUID) -> asyncpg.Record:
    """A thread's row, with `views.COLUMNS`, its version and the time, until the transaction ends. Raises `ThreadNotFound`."""
    row = await connection.fetchrow(_LOCK, thread_id)
    if row is None:
        raise ThreadNotFound
    return row


async def move(connection: Connection, thread_id: UUID, at: datetime, count: int, *, archived: bool) -> None:
    """Something happened in the thread: it goes to the front of the lists, and its views are others."""
    await connection.execute(_MOVE, thread_id, at, archived, count)


async def touch(connection: Connection, thread_id: UUID) -> None:
    """The thread's views are others; its place in the lists is not."""
    await connection.execute(_TOUCH, thread_id)


async def tell(connection: Connection, workspace_id: UUID, thread_id: UUID, *events: Event) -> None:
    await emit(connection, *(emission(event, workspace_id, thread_id) for event in events))


async def tell_audit(
    connection: Connection,
    caller: Principal,
    permission: Permission,
    thread_id: UUID,
    details: Mapping[str, Any],
    *,
    reason: str | None = None,
) -> None:
    """Somebody did to a thread what their permission alone allows. It belongs to them, not to the thread: readers of that do not get it."""
    event = audited(caller.user_id, permission, thread_id, details, reason=reason)
    await emit(connection, emission(event, caller.workspace_id, caller.user_id))


def audited(
    user_id: UUID, permission: Permission, thread_id: UUID, details: Mapping[str, Any], *, reason: str | None = None
) -> ActionAudited:
    return ActionAudited(
        entity_id=new_id(),
        version=1,
        actor_id=user_id,
        action=permission.value,
        target_kind="thread",
        target_id=thread_id,
        reason=reason,
        details=dict(details),
    )
