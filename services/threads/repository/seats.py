"""Whose seat is meant: by its id, by an account, or by the contact that is somebody's."""

from dataclasses import replace
from uuid import UUID

from services.threads.domain.membership import Known, Room
from services.threads.repository.views import PARTICIPANT, participant_of
from shared.contracts.identity.directory import Member
from shared.contracts.principal import Principal
from shared.contracts.threads.participants import AddParticipant, Participant, ParticipantRole, contact_key
from shared.database.connections import Connection

_SEAT = f"{PARTICIPANT}, p.left_at, p.left_muted"

# By the seat's id, by the account's, or by the contact that is the account's: who is here comes before one who was here once.
_ONE = f"""
    SELECT * FROM (
        SELECT {PARTICIPANT}, p.left_at FROM participants p WHERE p.thread_id = $1 AND p.id = $2
        UNION ALL SELECT {PARTICIPANT}, p.left_at FROM participants p WHERE p.thread_id = $1 AND p.user_id = $2
        UNION ALL SELECT {PARTICIPANT}, p.left_at FROM participants p
            WHERE p.thread_id = $1 AND p.contact_key = $3 AND p.left_at IS NULL AND p.user_id IS NULL
    ) AS one ORDER BY left_at IS NOT NULL, user_id IS NULL LIMIT 1"""

_USER_OF = "SELECT user_id FROM participants WHERE thread_id = $1 AND id = $2"

_TWIN = f"""
    SELECT {PARTICIPANT} FROM participants p
    WHERE p.thread_id = $1 AND p.contact_key = $2 AND p.left_at IS NULL AND p.user_id IS NULL AND p.id <> $3"""

# Who is here by their account or by a contact comes before one who was here once.
_KNOWN = f"""
    SELECT * FROM (
        SELECT {_SEAT} FROM participants p WHERE p.thread_id = $1 AND p.user_id = $2
        UNION ALL SELECT {_SEAT} FROM participants p WHERE p.thread_id = $1 AND p.contact_key = ANY($3::text[]) AND p.left_at IS NULL
        UNION ALL SELECT {_SEAT} FROM participants p
            WHERE p.thread_id = $1 AND p.contact_key = ANY($3::text[]) AND p.left_at IS NOT NULL AND p.user_id IS NULL
    ) AS known ORDER BY left_at IS NOT NULL, user_id IS NULL, left_at DESC LIMIT 1"""

_OTHERS = """
    SELECT EXISTS (SELECT FROM participants WHERE thread_id = $1 AND id <> $2 AND user_id IS NOT NULL
            AND participant_role = 'moderator' AND left_at IS NULL) AS moderated,
        EXISTS (SELECT FROM participants WHERE thread_id = $1 AND id <> $2 AND user_id IS NOT NULL AND left_at IS NULL) AS peopled"""


def own_contact(participant_id: UUID, caller: Principal) -> str | None:
    """By what else the caller is found, who asks for themself by their account."""
    return caller.contact if participant_id == caller.user_id else None


async def one(connection: Connection, thread_id: UUID, participant_id: UUID, contact: str | None) -> Participant | None:
    row = await connection.fetchrow(_ONE, thread_id, participant_id, contact_key(contact))
    return participant_of(row) if row else None


async def known(connection: Connection, request: AddParticipant, person: Member | None) -> Known | None:
    """The seat that somebody has or had, by whichever of their names."""
    keys = {contact_key(request.contact), contact_key(person.contact) if person else None} - {None}
    row = await connection.fetchrow(_KNOWN, request.thread_id, person.id if person else None, list(keys))
    return Known(participant_of(row), row["left_muted"]) if row else None


async def twin(connection: Connection, seat: Participant, thread_id: UUID, contact: str | None) -> Participant | None:
    """The other seat of somebody who has two: they came by their contact before it was verified to be theirs."""
    row = await connection.fetchrow(_TWIN, thread_id, contact_key(contact), seat.id) if contact else None
    return participant_of(row) if row else None


async def user_of(connection: Connection, thread_id: UUID, participant_id: UUID) -> UUID | None:
    """The account of a seat, whose id may be the account's own."""
    row = await connection.fetchrow(_USER_OF, thread_id, participant_id)
    user_id: UUID | None = row["user_id"] if row else participant_id
    return user_id


async def with_others(connection: Connection, room: Room, found: Participant | None) -> Room:
    """Only where it is about a moderator does it matter who else is there."""
    if found is None or found.participant_role is not ParticipantRole.MODERATOR:
        return room
    others = await connection.fetchrow(_OTHERS, room.thread.id, found.id)
    assert others is not None
    return replace(room, moderated=others["moderated"], peopled=others["peopled"])
