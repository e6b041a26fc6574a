"""What decides about callers in threads, for all who ask in one turn: 4,500 asks/s take a few hundred statements."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from services.threads.domain.access import Gate, Part, Standing
from services.threads.domain.participants import contact_key
from shared.contracts.principal import Principal
from shared.contracts.threads.access import State
from shared.contracts.threads.participants import ParticipantRole, ParticipantStatus
from shared.contracts.threads.threads import Kind
from shared.database.connections import Connection, Database

# Who is both a user and a contact of a thread takes part as the user. Each lookup is by a unique index, whatever the sizes.
STANDINGS = """
    SELECT t.kind, t.project_id, t.state, t.is_private, t.guest_access_allowed, t.creator_id,
        coalesce(u.participant_role, c.participant_role) AS participant_role, coalesce(u.status, c.status) AS status,
        coalesce(u.can_send_messages, c.can_send_messages) AS can_send_messages,
        coalesce(u.can_invite_others, c.can_invite_others) AS can_invite_others,
        coalesce(u.can_see_history, c.can_see_history) AS can_see_history, coalesce(u.joined_at, c.joined_at) AS joined_at
    FROM unnest($1::uuid[], $2::uuid[], $3::text[]) WITH ORDINALITY AS asked (thread_id, user_id, contact_key, place)
    LEFT JOIN LATERAL (
        SELECT kind, project_id, state, is_private, guest_access_allowed, creator_id FROM threads
        WHERE id = asked.thread_id AND deleted_at IS NULL
    ) AS t ON true
    LEFT JOIN LATERAL (
        SELECT participant_role, status, can_send_messages, can_invite_others, can_see_history, joined_at FROM participants
        WHERE thread_id = asked.thread_id AND user_id = asked.user_id AND left_at IS NULL
    ) AS u ON true
    LEFT JOIN LATERAL (
        SELECT participant_role, status, can_send_messages, can_invite_others, can_see_history, joined_at FROM participants
        WHERE thread_id = asked.thread_id AND contact_key = asked.contact_key AND left_at IS NULL
    ) AS c ON true
    ORDER BY asked.place"""


class Accesses:
    """Nothing is kept between two asks: who was removed is refused from the next on."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, workspace_id: UUID, asked: Sequence[tuple[UUID, Principal]]) -> list[Standing]:
        """What decides about each caller in the thread that they ask about, in the order asked; one statement for all."""
        async with self._database.reading(workspace_id) as connection:
            return await standings(connection, asked)


async def standings(connection: Connection, asked: Sequence[tuple[UUID, Principal]]) -> list[Standing]:
    """What decides about each caller in each thread, in the order asked."""
    rows = await connection.fetch(
        STANDINGS,
        [thread_id for thread_id, _ in asked],
        [caller.user_id for _, caller in asked],
        [contact_key(caller.contact) for _, caller in asked],
    )
    return [standing_of(row) for row in rows]


async def part_in(connection: Connection, thread_id: UUID, caller: Principal) -> Part | None:
    """How the caller takes part in one thread."""
    ((_, part),) = await standings(connection, [(thread_id, caller)])
    return part


def standing_of(row: asyncpg.Record) -> Standing:
    if row["state"] is None:
        return None, None
    gate = Gate(
        Kind(row["kind"]), row["creator_id"], row["is_private"], row["guest_access_allowed"], State(row["state"]), row["project_id"]
    )
    if row["participant_role"] is None:
        return gate, None
    part = Part(
        ParticipantRole(row["participant_role"]),
        ParticipantStatus(row["status"]),
        row["can_send_messages"],
        row["can_invite_others"],
        row["can_see_history"],
        row["joined_at"],
    )
    return gate, part
