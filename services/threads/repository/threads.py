"""How threads are opened, changed and read."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic.alias_generators import to_camel
from pydantic_core import to_json

from services.threads.domain.access import Rights, rights
from services.threads.domain.participants import opening, refuse_more_than, seating
from services.threads.repository import participants, views
from services.threads.repository.access import standings
from shared.contracts.model import Event
from shared.contracts.principal import Principal
from shared.contracts.threads.access import State, ThreadNotFound
from shared.contracts.threads.participants import NewParticipant
from shared.contracts.threads.threads import (
    BookingHasAThread,
    OpenThread,
    Thread,
    ThreadArchived,
    ThreadChanged,
    ThreadFacts,
    ThreadOpened,
    ThreadRestored,
)
from shared.database.connections import Connection, Database, once_more
from shared.database.idempotency import claim
from shared.identifiers import new_id
from shared.outbox.outbox import emission, emit

_OPEN = """
    INSERT INTO threads (id, workspace_id, creator_id, kind, booking_id, title, ref, client_name, status, description, issue_id,
        issue_description, is_private, guest_access_allowed, max_participants, settings)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"""

_BEGIN = "INSERT INTO activity (thread_id, workspace_id, participant_count) VALUES ($1, $2, $3)"

_LOCK = f"""
    SELECT {views.COLUMNS}, t.version, clock_timestamp() AS now FROM threads t JOIN activity a ON a.thread_id = t.id
    WHERE t.id = $1 AND t.deleted_at IS NULL FOR UPDATE OF t, a"""

_MOVE = "UPDATE activity SET at = greatest(at, $2), archived = $3, participant_count = $4 WHERE thread_id = $1"

type Rule = Callable[[ThreadFacts, Rights], dict[str, Any]]
"""The fields that will be others. Raises the refusal that stands against the change."""


class Threads:
    def __init__(self, database: Database, on_commit: Callable[[], None]) -> None:
        self._database, self._on_commit = database, on_commit

    async def open(self, request: OpenThread, caller: Principal) -> Thread:
        """Raises `BookingHasAThread`, `RequestIsInvalid`, `MadeBefore`, `KeyWasUsedForAnother`."""
        entries = opening(request, caller)
        workspace_id, thread_id = caller.workspace_id, new_id()

        async def attempt() -> Thread:
            async with self._database.workspace(workspace_id) as connection:
                await claim(connection, request, caller, thread_id)
                await _insert(connection, thread_id, request, caller)
                await connection.execute(_BEGIN, thread_id, workspace_id, len(entries))
                added = await participants.add(connection, workspace_id, thread_id, entries)
                thread = await views.thread(connection, thread_id)
                await _tell(connection, workspace_id, thread_id, ThreadOpened(entity_id=thread_id, version=1, thread=thread), *added)
                return thread

        thread = await once_more(attempt)
        self._on_commit()
        return thread

    async def get(self, thread_id: UUID, caller: Principal) -> Thread:
        """Raises `ThreadNotFound`."""
        async with self._database.workspace(caller.workspace_id) as connection:
            ((gate, part),) = await standings(connection, [(thread_id, caller)])
            if gate is None or not rights(caller, gate, part).sees:
                raise ThreadNotFound
            return await views.thread(connection, thread_id)

    async def change(self, thread_id: UUID, caller: Principal, rule: Rule, sent: Sequence[NewParticipant] | None = None) -> Thread:
        """Apply a rule to a thread, and replace its participants where they are sent, under its lock. Raises what the rule raises."""

        async def attempt() -> Thread:
            async with self._database.workspace(caller.workspace_id) as connection:
                row = await connection.fetchrow(_LOCK, thread_id)
                if row is None:
                    raise ThreadNotFound
                ((_, part),) = await standings(connection, [(thread_id, caller)])
                before = views.facts_of(row)
                fields = rule(before, rights(caller, before, part))
                await _change(connection, caller.workspace_id, row, before, fields, sent)
                return await views.thread(connection, thread_id)

        thread = await once_more(attempt)
        self._on_commit()
        return thread


async def _insert(connection: Connection, thread_id: UUID, request: OpenThread, caller: Principal) -> None:
    try:
        await connection.execute(
            _OPEN,
            thread_id,
            caller.workspace_id,
            caller.user_id,
            request.kind.value,
            request.booking_id,
            request.title,
            request.ref,
            request.client_name,
            request.status.value,
            request.description,
            request.issue_id,
            request.issue_description,
            request.is_private,
            request.guest_access_allowed,
            request.max_participants,
            to_json(request.settings).decode(),
        )
    except asyncpg.UniqueViolationError as taken:
        raise BookingHasAThread from taken


async def _change(
    connection: Connection,
    workspace_id: UUID,
    row: asyncpg.Record,
    before: ThreadFacts,
    fields: Mapping[str, Any],
    sent: Sequence[NewParticipant] | None,
) -> None:
    count, told = row["participant_count"], list[Event]()
    most, named = fields.get("max_participants", before.max_participants), "maxParticipants"
    if sent is not None:
        seated = seating(await participants.seats(connection, before.id, sent), sent, before.creator_id)
        count, named = seated.count, "participants"
        refuse_more_than(most, count, named)
        told = await participants.reseat(connection, workspace_id, before.id, seated, row["now"])
    elif "max_participants" in fields:
        refuse_more_than(most, count, named)
    if not fields and not told:
        return
    after = before.model_copy(update={**fields, "archived": fields.get("state", before.state) is State.ARCHIVED, "updated_at": row["now"]})
    facts = _events(before, after, list(fields), row["version"])
    if facts:
        await _write(connection, before.id, fields, facts[-1].version, row["now"])
    await connection.execute(_MOVE, before.id, row["now"], after.archived, count)
    await _tell(connection, workspace_id, before.id, *facts, *told)


async def _write(connection: Connection, thread_id: UUID, fields: Mapping[str, Any], version: int, now: datetime) -> None:
    """The columns are those of `domain.changes`, never a request's own words."""
    columns = {name: to_json(value).decode() if name == "settings" else value for name, value in fields.items()}
    if "state" in fields:
        columns["archived_at"] = now if fields["state"] is State.ARCHIVED else None
    columns |= {"version": version, "updated_at": now}
    assignments = ", ".join(f"{name} = ${place}" for place, name in enumerate(columns, start=2))
    await connection.execute(f"UPDATE threads SET {assignments} WHERE id = $1", thread_id, *columns.values())


def _events(before: ThreadFacts, after: ThreadFacts, fields: Sequence[str], version: int) -> list[Event]:
    """Each event has a version of its own: readers ignore what is not newer than what they have."""
    archival = after.archived != before.archived
    changed = [to_camel(name) for name in fields if name != "state" or not archival]
    told: list[Event] = []
    if changed:
        told.append(ThreadChanged(entity_id=after.id, version=version + 1, thread=after, changed=changed))
    if archival:
        event = ThreadArchived if after.archived else ThreadRestored
        told.append(event(entity_id=after.id, version=version + len(told) + 1, thread_id=after.id))
    return told


async def _tell(connection: Connection, workspace_id: UUID, thread_id: UUID, *events: Event) -> None:
    await emit(connection, *(emission(event, workspace_id, thread_id) for event in events))
