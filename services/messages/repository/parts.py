"""Who takes part in threads, as their receipts know it: a copy for the lists of receipts, which decides nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.database.connections import Connection

# What was said of a part by its `joined_at`: a newer one wins, and of one part its end. Rows are locked in one order, as marks lock them.
_MOVE = """
    WITH said AS (
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::boolean[])
            AS said (thread_id, user_id, contact, joined_at, takes_part)),
    held AS MATERIALIZED (
        SELECT r.thread_id, r.user_id, found.joined_at, found.takes_part FROM (
            SELECT s.thread_id, s.user_id, s.joined_at, s.takes_part FROM said s WHERE s.user_id IS NOT NULL
            UNION ALL
            SELECT s.thread_id, reader.user_id, s.joined_at, s.takes_part FROM said s CROSS JOIN LATERAL (
                SELECT user_id FROM read_receipts WHERE thread_id = s.thread_id AND user_contact = s.contact
            ) AS reader WHERE s.user_id IS NULL
        ) AS found JOIN read_receipts r ON r.thread_id = found.thread_id AND r.user_id = found.user_id
        ORDER BY r.thread_id, r.user_id FOR UPDATE OF r)
    UPDATE read_receipts r SET takes_part = held.takes_part, joined_at = held.joined_at
    FROM held WHERE r.thread_id = held.thread_id AND r.user_id = held.user_id
        AND (r.joined_at IS NULL OR r.joined_at < held.joined_at OR (r.joined_at = held.joined_at AND NOT held.takes_part))"""


@dataclass(frozen=True, slots=True)
class Part:
    """Somebody's part in a thread, by their account or by their contact: since when, and whether it goes on."""

    thread_id: UUID
    user_id: UUID | None
    contact: str | None
    joined_at: datetime
    takes_part: bool


def contact_key(contact: str | None) -> str | None:
    """The form in which contacts are the same."""
    return contact.strip().lower() if contact else None


async def move(connection: Connection, parts: Sequence[Part]) -> None:
    """Let receipts know who takes part; of one part that is said twice, the last counts."""
    newest = {(part.thread_id, part.user_id, contact_key(part.contact)): part for part in parts if part.user_id or part.contact}
    await connection.execute(
        _MOVE,
        [thread_id for thread_id, _, _ in newest],
        [user_id for _, user_id, _ in newest],
        [contact for _, _, contact in newest],
        [part.joined_at for part in newest.values()],
        [part.takes_part for part in newest.values()],
    )
