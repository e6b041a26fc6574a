"""Which reads by supervisors and auditors were told to the audit log in the last hour."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from services.threads.repository.writing import audited
from shared.contracts.permissions import Permission
from shared.database.connections import Database
from shared.outbox.outbox import emission, emit

# Ordered, so that two processes that note the same reads never wait for each other in a ring.
_NOTE = """
    INSERT INTO audited_reads AS read (workspace_id, user_id, thread_id, action, at)
    SELECT *, now() FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[])
    ON CONFLICT (user_id, thread_id, action) DO UPDATE SET at = excluded.at WHERE read.at <= now() - interval '1 hour'
    RETURNING workspace_id, user_id, thread_id, action"""

_FORGET = "DELETE FROM audited_reads WHERE at <= now() - interval '1 hour'"


class Read(NamedTuple):
    """Somebody read of a thread what their permission alone lets them read."""

    workspace_id: UUID
    user_id: UUID
    thread_id: UUID
    action: Permission


async def tell_reads(background: Database, reads: Collection[Read]) -> int:
    """Tell those that were not told in the last hour, and say how many; `background` is the background role's."""
    async with background.installation() as connection:
        rows = await connection.fetch(_NOTE, *(list(column) for column in zip(*sorted(reads), strict=True)))
        told = [
            emission(audited(row["user_id"], Permission(row["action"]), row["thread_id"], {}), row["workspace_id"], row["user_id"])
            for row in rows
        ]
        await emit(connection, *told)
        await connection.execute(_FORGET)
    return len(told)
