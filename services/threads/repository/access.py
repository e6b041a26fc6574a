"""What decides about callers in threads, for all who ask in one turn: 4,500 asks/s take a few hundred statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from services.threads.domain.access import Gate, Part, access
from services.threads.domain.participants import contact_key
from shared.contracts.principal import Principal
from shared.contracts.refusals import Refusal
from shared.contracts.threads import Access, ParticipantRole, ParticipantStatus, Right, State
from shared.database.connections import Connection, Database
from shared.database.groups import Groups

# Who is both a user and a contact of a thread takes part as the user. Each lookup is by a unique index, whatever the sizes.
STANDINGS = """
    SELECT t.state, t.is_private, t.guest_access_allowed, t.creator_id,
        coalesce(u.participant_role, c.participant_role) AS participant_role, coalesce(u.status, c.status) AS status
    FROM unnest($1::uuid[], $2::uuid[], $3::text[]) WITH ORDINALITY AS asked (thread_id, user_id, contact_key, place)
    LEFT JOIN LATERAL (
        SELECT id, state, is_private, guest_access_allowed, creator_id FROM threads WHERE id = asked.thread_id AND deleted_at IS NULL
    ) AS t ON true
    LEFT JOIN LATERAL (
        SELECT participant_role, status FROM participants
        WHERE thread_id = asked.thread_id AND user_id = asked.user_id AND left_at IS NULL
    ) AS u ON true
    LEFT JOIN LATERAL (
        SELECT participant_role, status FROM participants
        WHERE thread_id = asked.thread_id AND contact_key = asked.contact_key AND left_at IS NULL
    ) AS c ON true
    ORDER BY asked.place"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whether a caller has a right in a thread."""

    thread_id: UUID
    caller: Principal
    right: Right


class Accesses:
    """Nothing is kept between two asks: who was removed is refused from the next on."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._groups: Groups[UUID, Asked, Access] = Groups(self._answer)

    async def check(self, asked: Asked) -> Access:
        """Raises the refusal that stands against it."""
        return await self._groups.join(asked.caller.workspace_id, asked)

    async def _answer(self, workspace_id: UUID, group: Sequence[Asked]) -> Sequence[Access | Refusal]:
        async with self._database.workspace(workspace_id) as connection:
            found = await standings(connection, [(asked.thread_id, asked.caller) for asked in group])
        return [access(asked.caller, asked.thread_id, gate, part, asked.right) for asked, (gate, part) in zip(group, found, strict=True)]


type Standing = tuple[Gate | None, Part | None]


async def standings(connection: Connection, asked: Sequence[tuple[UUID, Principal]]) -> list[Standing]:
    """What decides about each caller in each thread, in the order asked."""
    rows = await connection.fetch(
        STANDINGS,
        [thread_id for thread_id, _ in asked],
        [caller.user_id for _, caller in asked],
        [contact_key(caller.contact) for _, caller in asked],
    )
    return [_standing(row) for row in rows]


def _standing(row: asyncpg.Record) -> Standing:
    if row["state"] is None:
        return None, None
    gate = Gate(row["creator_id"], row["is_private"], row["guest_access_allowed"], State(row["state"]))
    if row["participant_role"] is None:
        return gate, None
    return gate, Part(ParticipantRole(row["participant_role"]), ParticipantStatus(row["status"]))
