"""The queue of mail: written in the transaction of what it tells of, taken by whoever sends, for so long as a lease."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from uuid import UUID

from shared.database.connections import Connection, Database
from shared.identifiers import new_id

type Kind = Literal["verify", "reset", "invitation"]
type Outcome = Literal["sent", "dropped", "parked"]

LEASE = timedelta(minutes=2)
"""What is not settled by then is taken again: its sender died."""
MOST_LETTERS = 5
"""Of a kind that one mailbox gets in an hour."""

# Two that put at once would not see each other's letter.
_TAKE_TURNS = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"

# Those that are dropped in the end count as well: who has no account is counted as who has one.
_PUT = """
    INSERT INTO mail_queue (id, kind, recipient, subject, invitation_id) SELECT $1, $2::varchar, $3::varchar, $4, $5
    WHERE $6 > (SELECT count(*) FROM mail_queue WHERE recipient = $3 AND kind = $2 AND created_at > clock_timestamp() - interval '1 hour')
    RETURNING id"""

_TAKE = """
    UPDATE mail_queue SET due_at = clock_timestamp() + $2::interval, tries = tries + 1
    WHERE id IN (
        SELECT id FROM mail_queue WHERE done_at IS NULL AND due_at <= clock_timestamp() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING id, kind, recipient, subject, invitation_id, tries"""

_SETTLE = "UPDATE mail_queue SET done_at = clock_timestamp(), outcome = $2, error = $3 WHERE id = $1 AND done_at IS NULL"

_LATER = "UPDATE mail_queue SET due_at = clock_timestamp() + $2::interval, error = $3 WHERE id = $1 AND done_at IS NULL"

_COUNTS = """
    SELECT (SELECT count(*) FROM mail_queue WHERE done_at IS NULL), (SELECT count(*) FROM mail_queue WHERE outcome = 'parked')"""

# Kept for longer than any invitation lives, which says what became of its letter.
FORGET_MAILS = """
    DELETE FROM mail_queue WHERE id IN (
        SELECT id FROM mail_queue WHERE done_at < now() - interval '31 days' ORDER BY done_at LIMIT $1 FOR UPDATE SKIP LOCKED)"""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that waits. It has no content yet: its link is made when it is sent, so that the queue holds no secret."""

    id: UUID
    kind: Kind
    recipient: str
    subject: str
    invitation_id: UUID | None
    tries: int


async def put(connection: Connection, kind: Kind, recipient: str, subject: str = "", invitation_id: UUID | None = None) -> bool:
    """In the connection's transaction. False where the mailbox got enough of the kind within the hour."""
    await connection.execute(_TAKE_TURNS, f"mail {kind} {recipient}")
    return await connection.fetchval(_PUT, new_id(), kind, recipient, subject, invitation_id, MOST_LETTERS) is not None


class MailQueue:
    """For whoever sends, as the service's background role."""

    def __init__(self, background: Database) -> None:
        self._background = background

    async def take(self, most: int) -> Sequence[Letter]:
        """What is due, for the time of a lease."""
        async with self._background.connection() as connection:
            return [Letter(**row) for row in await connection.fetch(_TAKE, most, LEASE)]

    async def settle(self, letter: Letter, outcome: Outcome, error: str | None = None) -> None:
        """It is sent, or it never will be."""
        async with self._background.connection() as connection:
            await connection.execute(_SETTLE, letter.id, outcome, error)

    async def later(self, letter: Letter, after: timedelta, error: str) -> None:
        async with self._background.connection() as connection:
            await connection.execute(_LATER, letter.id, after, error)

    async def counts(self) -> tuple[int, int]:
        """How many wait, and how many were given up."""
        async with self._background.connection() as connection:
            row = await connection.fetchrow(_COUNTS)
        assert row is not None
        return row[0], row[1]
