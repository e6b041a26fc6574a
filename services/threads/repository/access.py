"""What decides about callers in threads, for all who ask in one turn: 4,500 asks/s take a few hundred statements."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from services.threads.domain.access import Gate, Part, Standing
from shared.contracts.principal import Principal
from shared.contracts.threads.access import State
from shared.contracts.threads.participants import ParticipantRole, ParticipantStatus, contact_key
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


# The thread once, and in it a look-up by a unique index for each who is asked about, not its seats: 1,000 of 10,000 take 6 ms. With
# `user_id = ANY`, a plan that is made once for all threads reads every seat of a large one, and took 200 ms.
AUDIENCE = """
    SELECT t.kind, t.project_id, t.state, t.is_private, t.guest_access_allowed, t.creator_id, seat.*
    FROM threads t LEFT JOIN (
        SELECT u.* FROM unnest($2::uuid[]) AS asked (user_id) CROSS JOIN LATERAL (
            SELECT user_id, NULL AS contact_key, participant_role, status, can_send_messages, can_invite_others, can_see_history, joined_at
            FROM participants WHERE thread_id = $1 AND user_id = asked.user_id AND left_at IS NULL LIMIT 1
        ) AS u
        UNION ALL
        SELECT c.* FROM unnest($3::text[]) AS asked (contact_key) CROSS JOIN LATERAL (
            SELECT NULL::uuid, contact_key, participant_role, status, can_send_messages, can_invite_others, can_see_history, joined_at
            FROM participants WHERE thread_id = $1 AND contact_key = asked.contact_key AND left_at IS NULL LIMIT 1
        ) AS c
    ) AS seat ON true
    WHERE t.id = $1 AND t.deleted_at IS NULL"""


class Accesses:
    """Nothing is kept between two asks: who was removed is refused from the next on."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, workspace_id: UUID, asked: Sequence[tuple[UUID, Principal]]) -> list[Standing]:
        """What decides about each caller in the thread that they ask about, in the order asked; one statement for all."""
        async with self._database.reading(workspace_id) as connection:
            return await standings(connection, asked)

    async def audience(self, workspace_id: UUID, thread_id: UUID, callers: Sequence[Principal]) -> list[Standing]:
        """What decides about each of many callers in one thread, in the order asked; one statement for all."""
        keys = [contact_key(caller.contact) for caller in callers]
        users, contacts = {caller.user_id for caller in callers}, set(keys) - {None}
        async with self._database.reading(workspace_id) as connection:
            rows = await connection.fetch(AUDIENCE, thread_id, list(users), list(contacts))
        if not rows:
            return [(None, None)] * len(callers)
        seats: dict[UUID | str | None, Part | None] = {row["user_id"] or row["contact_key"]: part_of_row(row) for row in rows}
        gate = gate_of(rows[0])
        return [(gate, seats.get(caller.user_id) or seats.get(key)) for caller, key in zip(callers, keys, strict=True)]


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
    return gate_of(row), part_of_row(row)


def gate_of(row: asyncpg.Record) -> Gate:
    return Gate(
        Kind(row["kind"]), row["creator_id"], row["is_private"], row["guest_access_allowed"], State(row["state"]), row["project_id"]
    )


def part_of_row(row: asyncpg.Record) -> Part | None:
    if row["participant_role"] is None:
        return None
    return Part(
        ParticipantRole(row["participant_role"]),
        ParticipantStatus(row["status"]),
        row["can_send_messages"],
        row["can_invite_others"],
        row["can_see_history"],
        row["joined_at"],
    )
