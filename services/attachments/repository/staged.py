"""What clients put into the store by themselves, and how it becomes attachments."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from services.attachments.domain import Stored
from services.attachments.repository.rows import COLUMNS, said_of, stored_of
from shared.contracts.attachments.attachments import Change, ScanStatus
from shared.contracts.attachments.presigned import FINISH_WITHIN, PUT_WITHIN, BeginPresignedUpload, FinishPresignedUpload
from shared.contracts.attachments.uploads import UploadNotFound
from shared.contracts.principal import Principal
from shared.database.connections import Connection, Database, committed, once_more
from shared.database.idempotency import claim
from shared.identifiers import new_id
from shared.outbox.outbox import emit
from shared.store.store import new_key

STAGING = "staging"  # where clients put what they send by themselves

_COLUMNS = "id, thread_id, storage_key, filename, size_bytes, sha256, put_until, put_until - now() AS time_left"

_BEGIN = f"""
    INSERT INTO staged (id, workspace_id, thread_id, owner_id, storage_key, filename, size_bytes, sha256, put_until, expires_at, sweep_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + $9, now() + $10, now() + $10 + interval '1 minute') RETURNING {_COLUMNS}"""

OPEN = f"""
    SELECT {_COLUMNS} FROM staged WHERE id = $1 AND thread_id = $2 AND owner_id = $3 AND expires_at > now()
        AND NOT EXISTS (SELECT FROM attachments made WHERE made.id = staged.id)"""

_MADE = f"SELECT {COLUMNS} FROM attachments WHERE id = $1 AND thread_id = $2 AND uploaded_by_id = $3 AND deleted_at IS NULL"

# Those who finish at once come one after the other here; the second finds what the first has made.
_LOCK = "SELECT FROM staged WHERE id = $1 AND thread_id = $2 AND owner_id = $3 AND expires_at > now() FOR UPDATE"

_MAKE = f"""
    WITH copied AS (DELETE FROM uploads WHERE id = $2 AND expires_at > now() RETURNING storage_key)
    INSERT INTO attachments (id, workspace_id, thread_id, filename, mime_type, size_bytes, sha256, storage_key,
        uploaded_by_id, uploaded_by_role, uploaded_by_name, scan_status)
    SELECT staged.id, staged.workspace_id, staged.thread_id, staged.filename, $3, staged.size_bytes, staged.sha256, copied.storage_key,
        staged.owner_id, $4, $5, $6
    FROM staged, copied WHERE staged.id = $1 AND NOT EXISTS (SELECT FROM attachments made WHERE made.id = staged.id)
    RETURNING {COLUMNS}"""

_END = "UPDATE staged SET expires_at = least(expires_at, now()) WHERE id = $1"


@dataclass(frozen=True, slots=True)
class Staged:
    """What was announced. time_left: for which its address is good yet."""

    id: UUID
    thread_id: UUID
    storage_key: str
    filename: str
    size: int
    sha256: bytes
    put_until: datetime
    time_left: timedelta


class MadeAlready(Exception):
    """There is an attachment of this upload."""


class StagedUploads:
    """on_commit: a file came."""

    def __init__(self, database: Database, on_commit: Callable[[], None]) -> None:
        self._database, self._on_commit = database, on_commit

    async def begin(self, request: BeginPresignedUpload, filename: str, caller: Principal) -> Staged:
        """Raises what `claim` raises."""
        upload_id, key = new_id(), new_key(STAGING)

        async def attempt() -> Staged:
            async with self._database.workspace(caller.workspace_id) as connection:
                await claim(connection, request, caller, upload_id)
                row = await connection.fetchrow(
                    _BEGIN,
                    *(upload_id, caller.workspace_id, request.thread_id, caller.user_id, key, filename),
                    *(request.size, bytes.fromhex(request.sha256), PUT_WITHIN, FINISH_WITHIN),
                )
                assert row is not None
                return _staged_of(row)

        return await once_more(attempt)

    async def open(self, upload_id: UUID, thread_id: UUID, caller: Principal) -> Staged | None:
        """One that can be finished yet."""
        async with self._database.reading(caller.workspace_id) as connection:
            row = await connection.fetchrow(OPEN, upload_id, thread_id, caller.user_id)
        return _staged_of(row) if row else None

    async def made(self, request: FinishPresignedUpload, caller: Principal) -> Stored | None:
        """What was made of it, as far as it is there. Raises `KeyWasUsedForAnother`."""
        async with self._database.workspace(caller.workspace_id) as connection:
            made = await _made(connection, request, caller)
            if made is not None:
                await claim(connection, request, caller, request.upload_id)
            return made

    async def finish(self, request: FinishPresignedUpload, copy_id: UUID, mime_type: str, status: ScanStatus, caller: Principal) -> Stored:
        """An attachment of the copy. Raises `MadeAlready`, `UploadNotFound`, and what `claim` raises."""

        async def attempt() -> Stored:
            async with self._database.workspace(caller.workspace_id) as connection:
                await claim(connection, request, caller, request.upload_id)
                if await connection.fetchrow(_LOCK, request.upload_id, request.thread_id, caller.user_id) is None:
                    raise UploadNotFound
                row = await connection.fetchrow(_MAKE, request.upload_id, copy_id, mime_type, caller.role, caller.name, status)
                if row is None:
                    raise MadeAlready
                file = stored_of(row)
                await emit(connection, said_of(file, Change.UPLOADED))
                return file

        return await committed(attempt, self._on_commit)

    async def end(self, request: FinishPresignedUpload, caller: Principal) -> Stored | None:
        """It can be finished no more; or what was made of it meanwhile."""
        async with self._database.workspace(caller.workspace_id) as connection:
            await connection.fetchrow(_LOCK, request.upload_id, request.thread_id, caller.user_id)
            made = await _made(connection, request, caller)
            if made is None:
                await connection.execute(_END, request.upload_id)
            return made


async def _made(connection: Connection, request: FinishPresignedUpload, caller: Principal) -> Stored | None:
    row = await connection.fetchrow(_MADE, request.upload_id, request.thread_id, caller.user_id)
    return stored_of(row) if row else None


def _staged_of(row: asyncpg.Record) -> Staged:
    return Staged(
        id=row["id"],
        thread_id=row["thread_id"],
        storage_key=row["storage_key"],
        filename=row["filename"],
        size=row["size_bytes"],
        sha256=row["sha256"],
        put_until=row["put_until"],
        time_left=row["time_left"],
    )
