"""How threads are opened, changed and read."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic.alias_generators import to_camel
from pydantic_core import to_json

from services.threads.domain.access import Part, Rights, Standing, rights
from services.threads.domain.participants import direct_key, opening, refuse_more_than, seating
from services.threads.repository import participants, views, writing
from services.threads.repository.access import STANDINGS, part_in, standing_of
from shared.contracts.model import Event
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.threads.access import State
from shared.contracts.threads.participants import NewParticipant, ParticipantsAreTooMany, contact_key
from shared.contracts.threads.threads import (
    SHOWN_PARTICIPANTS,
    BookingHasAThread,
    Kind,
    OpenThread,
    Thread,
    ThreadArchived,
    ThreadChanged,
    ThreadFacts,
    ThreadOpened,
    ThreadRestored,
)
from shared.database.connections import Connection, Database, committed
from shared.database.idempotency import claim
from shared.database.turns import Turns
from shared.identifiers import new_id

_OPEN = """
    INSERT INTO threads (id, workspace_id, creator_id, kind, booking_id, title, ref, client_name, status, description, issue_id,
        issue_description, is_private, guest_access_allowed, max_participants, settings, direct_key)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"""

_BEGIN = "INSERT INTO activity (thread_id, workspace_id, participant_count) VALUES ($1, $2, $3)"

_DIRECT = "SELECT id FROM threads WHERE workspace_id = $1 AND direct_key = $2 AND deleted_at IS NULL"

_LOOK = f"""
    SELECT standing.*, (SELECT revision FROM activity WHERE thread_id = ($1::uuid[])[1]) AS revision
    FROM ({STANDINGS}) AS standing"""

_MOST_TOLD = 20  # names of events in an entry of the audit log

type Rule = Callable[[ThreadFacts, Rights], dict[str, Any]]
"""The fields that will be others. Raises the refusal that stands against the change."""


class Threads:
    def __init__(self, database: Database, on_commit: Callable[[], None], turns: Turns) -> None:
        self._database, self._on_commit, self._turns = database, on_commit, turns

    async def open(self, request: OpenThread, caller: Principal) -> Thread:
        """Raises `BookingHasAThread`, `RequestIsInvalid`, `MadeBefore`, `KeyWasUsedForAnother`, and `asyncpg.UniqueViolationError` where a
        pair has its direct thread already.
        """
        entries = opening(request, caller)
        workspace_id, thread_id = caller.workspace_id, new_id()

        async def attempt() -> Thread:
            async with self._database.workspace(workspace_id, actor=caller.user_id) as connection:
                await claim(connection, request, caller, thread_id)
                await _insert(connection, thread_id, request, caller, direct_key(entries) if request.kind is Kind.DIRECT else None)
                await connection.execute(_BEGIN, thread_id, workspace_id, len(entries))
                added = await participants.add(connection, workspace_id, thread_id, entries)
                thread = await views.thread(connection, thread_id)
                opened = ThreadOpened(entity_id=thread_id, version=1, thread=thread)
                await writing.tell(connection, workspace_id, thread_id, opened, *added)
                return thread

        return await committed(attempt, self._on_commit)

    async def direct(self, request: OpenThread, caller: Principal) -> UUID | None:
        """The direct thread that the two have already."""
        async with self._database.reading(caller.workspace_id) as connection:
            found: UUID | None = await connection.fetchval(_DIRECT, caller.workspace_id, direct_key(opening(request, caller)))
        return found

    async def look(self, thread_id: UUID, caller: Principal) -> tuple[Standing, int]:
        """What decides, read each time, and the revision that is there, in one round trip."""
        async with self._database.reading(caller.workspace_id) as connection:
            row = await connection.fetchrow(_LOOK, [thread_id], [caller.user_id], [contact_key(caller.contact)])
        assert row is not None, "there is a row for each who is asked about"
        return standing_of(row), row["revision"]

    async def view(self, workspace_id: UUID, thread_id: UUID) -> tuple[int, Thread]:
        """A thread that is there, for nobody in particular, and a revision that it is not older than."""
        async with self._database.reading(workspace_id) as connection:
            return await views.thread_at(connection, thread_id)

    async def sitting(self, thread_id: UUID, user_ids: Sequence[UUID], workspace_id: UUID) -> set[UUID]:
        """Those of some users who take part."""
        async with self._database.reading(workspace_id) as connection:
            return await participants.sitting(connection, thread_id, user_ids)

    async def change(
        self,
        thread_id: UUID,
        caller: Principal,
        rule: Rule,
        *,
        sent: Sequence[NewParticipant] | None = None,
        reason: str | None = None,
    ) -> tuple[Thread, Part | None]:
        """Apply a rule to a thread, and replace its participants where they are sent, under its lock. Raises what the rule raises."""

        async def attempt() -> tuple[Thread, Part | None]:
            async with self._database.workspace(caller.workspace_id, actor=caller.user_id, reason=reason) as connection:
                row = await writing.lock(connection, thread_id)
                part = await part_in(connection, thread_id, caller)
                before = views.facts_of(row)
                may = rights(caller, before, part)
                fields = rule(before, may)
                told = await _change(connection, caller.workspace_id, row, before, fields, sent)
                if told and not may.manages:
                    await _audit(connection, caller, before, told, reason)
                return await views.thread(connection, thread_id), part

        async with self._turns.of(thread_id):
            return await committed(attempt, self._on_commit)


async def _audit(connection: Connection, caller: Principal, before: ThreadFacts, told: Sequence[Event], reason: str | None) -> None:
    """A supervisor changed what is not their own."""
    archival = any(isinstance(event, ThreadArchived | ThreadRestored) for event in told)
    permission = Permission.SUPERVISOR_ARCHIVE if archival else Permission.SUPERVISOR_UPDATE
    details = {"did": [event.event_type.split(".")[1] for event in told[:_MOST_TOLD]]}
    await writing.tell_audit(connection, caller, permission, before.id, details, reason=reason)


async def _insert(connection: Connection, thread_id: UUID, request: OpenThread, caller: Principal, pair: str | None) -> None:
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
            pair,
        )
    except asyncpg.UniqueViolationError as taken:
        if pair is not None:
            raise
        raise BookingHasAThread from taken


async def _change(
    connection: Connection,
    workspace_id: UUID,
    row: asyncpg.Record,
    before: ThreadFacts,
    fields: Mapping[str, Any],
    sent: Sequence[NewParticipant] | None,
) -> list[Event]:
    count, told = row["participant_count"], list[Event]()
    most, named = fields.get("max_participants", before.max_participants), "maxParticipants"
    if sent is not None:
        if count > SHOWN_PARTICIPANTS:
            raise ParticipantsAreTooMany
        seated = seating(await participants.seats(connection, before.id, sent), sent, before.creator_id)
        count, named = seated.count, "participants"
        refuse_more_than(most, count, named)
        told = await participants.reseat(connection, workspace_id, before.id, seated, row["now"])
    elif "max_participants" in fields:
        refuse_more_than(most, count, named)
    if not fields and not told:
        return []
    after = before.model_copy(update={**fields, "archived": fields.get("state", before.state) is State.ARCHIVED, "updated_at": row["now"]})
    facts = told_of(before, after, list(fields), row["version"])
    if facts:
        await write_fields(connection, before.id, fields, facts[-1].version, row["now"])
    await writing.move(connection, before.id, row["now"], count, archived=after.archived)
    await writing.tell(connection, workspace_id, before.id, *facts, *told)
    return [*facts, *told]


async def write_fields(connection: Connection, thread_id: UUID, fields: Mapping[str, Any], version: int, now: datetime) -> None:
    """The columns are those of `domain.changes`, never a request's own words."""
    columns = {name: to_json(value).decode() if name == "settings" else value for name, value in fields.items()}
    if "state" in fields:
        columns["archived_at"] = now if fields["state"] is State.ARCHIVED else None
    columns |= {"version": version, "updated_at": now}
    assignments = ", ".join(f"{name} = ${place}" for place, name in enumerate(columns, start=2))
    await connection.execute(f"UPDATE threads SET {assignments} WHERE id = $1", thread_id, *columns.values())


def told_of(before: ThreadFacts, after: ThreadFacts, fields: Sequence[str], version: int) -> list[Event]:
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
