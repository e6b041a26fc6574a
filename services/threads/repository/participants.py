"""Those who take part in threads, a row each."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from services.threads.domain.participants import Entry, Seat, Seating
from services.threads.repository.views import PARTICIPANT, participant_of
from shared.contracts.model import Event
from shared.contracts.principal import Role
from shared.contracts.threads.participants import NewParticipant, ParticipantAdded, ParticipantChanged, ParticipantRemoved, ParticipantRole
from shared.database.connections import Connection
from shared.identifiers import new_id

_SEATS = """
    SELECT id, user_id, role, participant_role, name, contact, version, left_at IS NOT NULL AS has_left FROM participants
    WHERE thread_id = $1 AND (left_at IS NULL OR user_id = ANY($2::uuid[])) ORDER BY joined_at, id"""

_SITTING = "SELECT user_id FROM participants WHERE thread_id = $1 AND user_id = ANY($2::uuid[]) AND left_at IS NULL"

_ADD = f"""
    INSERT INTO participants AS p (workspace_id, thread_id, id, role, participant_role, name, contact, contact_key, user_id)
    SELECT $1, $2, * FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::uuid[])
    RETURNING {PARTICIPANT}, p.version"""

_REMOVE = f"""
    UPDATE participants p SET left_muted = (status = 'muted'), status = 'removed', left_at = $2, deleted_at = $2, updated_at = $2,
        version = version + 1
    WHERE id = ANY($1::uuid[])
    RETURNING {PARTICIPANT}, p.version"""

# Contacts may go round within a list, and each is there once: what one who stays leaves to another is let go before it is taken.
_LET_GO = "UPDATE participants SET contact = NULL, contact_key = NULL WHERE id = ANY($1::uuid[])"

_CHANGE = f"""
    UPDATE participants p SET role = new.role, participant_role = new.participant_role, name = new.name, contact = new.contact,
        contact_key = new.contact_key, user_id = new.user_id, updated_at = $2, version = version + 1,
        status = CASE WHEN left_at IS NULL THEN status ELSE 'active' END,
        joined_at = CASE WHEN left_at IS NULL THEN joined_at ELSE $2 END,
        can_send_messages = left_at IS NOT NULL OR can_send_messages, can_invite_others = left_at IS NULL AND can_invite_others,
        can_see_history = left_at IS NOT NULL OR can_see_history, left_at = NULL, deleted_at = NULL,
        left_muted = false
    FROM unnest($1::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::uuid[])
        AS new (id, role, participant_role, name, contact, contact_key, user_id)
    WHERE p.id = new.id RETURNING {PARTICIPANT}, p.version"""


async def seats(connection: Connection, thread_id: UUID, sent: Sequence[NewParticipant]) -> list[Seat]:
    """Those who take part, and those of `sent` who once did."""
    rows = await connection.fetch(_SEATS, thread_id, [one.user_id for one in sent if one.user_id])
    return [_seat(row) for row in rows]


async def sitting(connection: Connection, thread_id: UUID, user_ids: Sequence[UUID]) -> set[UUID]:
    """Those of some users who take part."""
    rows = await connection.fetch(_SITTING, thread_id, user_ids)
    return {row["user_id"] for row in rows}


async def add(connection: Connection, workspace_id: UUID, thread_id: UUID, entries: Sequence[Entry]) -> list[Event]:
    if not entries:
        return []
    ids = [new_id() for _ in entries]
    rows = await connection.fetch(_ADD, workspace_id, thread_id, ids, *_columns(entries))
    return events(ParticipantAdded, thread_id, rows)


async def reseat(connection: Connection, workspace_id: UUID, thread_id: UUID, seating: Seating, now: datetime) -> list[Event]:
    """Write a seating, and tell it."""
    removed = await connection.fetch(_REMOVE, [seat.id for seat in seating.removed], now) if seating.removed else []
    if let_go := _passed_on(seating):
        await connection.execute(_LET_GO, let_go)
    changed = await _change(connection, seating.changed, now)
    returned = await _change(connection, seating.returned, now)
    return [
        *events(ParticipantRemoved, thread_id, removed),
        *events(ParticipantChanged, thread_id, changed),
        *events(ParticipantAdded, thread_id, returned),
        *await add(connection, workspace_id, thread_id, seating.added),
    ]


def _passed_on(seating: Seating) -> list[UUID]:
    """Those who stay, whose contact is another's in the end."""
    taken = {entry.key for _, entry in (*seating.changed, *seating.returned)} | {entry.key for entry in seating.added}
    return [seat.id for seat, entry in seating.changed if seat.entry.key != entry.key and seat.entry.key in taken]


async def _change(connection: Connection, seated: Sequence[tuple[Seat, Entry]], now: datetime) -> list[asyncpg.Record]:
    if not seated:
        return []
    return await connection.fetch(_CHANGE, [seat.id for seat, _ in seated], now, *_columns([entry for _, entry in seated]))


type _Texts = list[str] | list[str | None]


def _columns(entries: Sequence[Entry]) -> tuple[_Texts, _Texts, _Texts, _Texts, _Texts, list[UUID | None]]:
    return (
        [one.role.value for one in entries],
        [one.participant_role.value for one in entries],
        [one.name for one in entries],
        [one.contact for one in entries],
        [one.key for one in entries],
        [one.user_id for one in entries],
    )


def _seat(row: asyncpg.Record) -> Seat:
    entry = Entry(Role(row["role"]), ParticipantRole(row["participant_role"]), row["name"], row["contact"], row["user_id"])
    return Seat(row["id"], entry, row["has_left"], row["version"])


def events(
    event: type[ParticipantAdded] | type[ParticipantChanged] | type[ParticipantRemoved], thread_id: UUID, rows: Sequence[asyncpg.Record]
) -> list[Event]:
    return [event(entity_id=row["id"], version=row["version"], thread_id=thread_id, participant=participant_of(row)) for row in rows]
