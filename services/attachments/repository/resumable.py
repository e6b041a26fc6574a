"""Uploads that go on where they broke off. Each part is an upload with an object of its own, which its row is there before.

The row of an upload is locked before those of its parts, always.
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from services.attachments import resumption
from services.attachments.domain import Draft, Stored
from services.attachments.repository.rows import COLUMNS as FILE
from services.attachments.repository.rows import said_of, stored_of
from services.attachments.repository.uploads import FILES, Place
from services.attachments.resumption import Resumable, Unfinished
from shared.contracts.attachments.attachments import Change, ScanStatus
from shared.contracts.attachments.resumable import (
    LIFE,
    CompleteResumableUpload,
    ContinueResumableUpload,
    CreateResumableUpload,
    JoinParts,
    KeepPart,
)
from shared.contracts.attachments.uploads import Upload, UploadKind, UploadNotFound
from shared.contracts.principal import Principal
from shared.database.connections import Connection, Database, committed, once_more
from shared.database.idempotency import claim
from shared.identifiers import new_id
from shared.outbox.outbox import emit
from shared.store.store import new_key

_COLUMNS = """id, thread_id, filename, metadata, size_bytes, received_bytes, parts, lease, expires_at,
    completed_at IS NOT NULL AS is_complete, coalesce(finishing_until > now(), false) AS is_finishing"""

_TAKE_TURNS = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
UNFINISHED = """
    SELECT count(*) AS uploads, coalesce(sum(size_bytes), 0)::bigint AS size FROM resumable_uploads
    WHERE owner_id = $1 AND completed_at IS NULL AND expires_at > now()"""
_CREATE = f"""
    INSERT INTO resumable_uploads (id, workspace_id, thread_id, owner_id, filename, metadata, size_bytes, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, now() + $8) RETURNING {_COLUMNS}"""

_GET = f"SELECT {_COLUMNS} FROM resumable_uploads WHERE id = $1 AND owner_id = $2 AND expires_at > now()"
_LOCK = f"{_GET} FOR UPDATE"

UNDER_WAY = "SELECT count(*) FROM uploads WHERE resumable_id = $1 AND size_bytes IS NULL AND expires_at > now()"
_LEASE = "UPDATE resumable_uploads SET lease = $2, finishing_until = NULL WHERE id = $1"
# As long as a form's: longer than anybody may take to write it.
_PLACE = """
    INSERT INTO uploads (id, workspace_id, thread_id, owner_id, kind, storage_key, resumable_id, begins_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + interval '1 hour')"""

_KEEP_PART = """
    UPDATE uploads SET size_bytes = $3, expires_at = $4
    WHERE id = $2 AND resumable_id = $1 AND size_bytes IS NULL AND expires_at > now() RETURNING id"""
_MOVE_ON = f"""
    UPDATE resumable_uploads SET received_bytes = received_bytes + $2, parts = parts + 1 WHERE id = $1 RETURNING {_COLUMNS}"""

KEYS = """
    SELECT storage_key FROM uploads
    WHERE resumable_id = $1 AND (size_bytes IS NOT NULL OR id = $2) AND expires_at > now() ORDER BY begins_at"""
# What is put together does not expire on the way.
_FINISHING = """
    UPDATE resumable_uploads
    SET finishing_until = now() + make_interval(secs => $2), expires_at = greatest(expires_at, now() + interval '1 hour') WHERE id = $1"""
LIVE_ON = """
    UPDATE uploads SET expires_at = greatest(expires_at, now() + interval '1 hour')
    WHERE resumable_id = $1 AND size_bytes IS NOT NULL"""

_TAKE_WHOLE = """
    DELETE FROM uploads WHERE id = $2 AND resumable_id = $1 AND size_bytes IS NULL AND expires_at > now() RETURNING storage_key"""
_MAKE = f"""
    INSERT INTO attachments (id, workspace_id, thread_id, filename, mime_type, size_bytes, sha256, storage_key,
        uploaded_by_id, uploaded_by_role, uploaded_by_name, scan_status)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING {FILE}"""
_COMPLETE = f"""
    UPDATE resumable_uploads SET received_bytes = size_bytes, completed_at = now(), finishing_until = NULL
    WHERE id = $1 RETURNING {_COLUMNS}"""
DROP_PARTS = """
    UPDATE uploads SET expires_at = '-infinity' WHERE resumable_id = $1 AND (size_bytes IS NOT NULL OR id = $2) RETURNING id, storage_key"""

_DELETE = "DELETE FROM resumable_uploads WHERE id = $1 AND owner_id = $2 AND expires_at > now() RETURNING id"

FORGET_RESUMABLE = """
    DELETE FROM resumable_uploads WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM resumable_uploads WHERE expires_at < now() ORDER BY expires_at LIMIT $1))"""


@dataclass(frozen=True, slots=True)
class Completed:
    """made: the attachment; None where that was there already."""

    upload: Resumable
    made: Stored | None


@dataclass(frozen=True, slots=True)
class Joined:
    """A place for the whole, and where its parts are."""

    place: Upload
    keys: list[str]
    seconds: float


class ResumableUploads:
    """on_commit: attachments were made."""

    def __init__(self, database: Database, on_commit: Callable[[], None]) -> None:
        self._database, self._on_commit = database, on_commit

    async def create(self, request: CreateResumableUpload, filename: str, limit: int, caller: Principal) -> Resumable:
        """Raises `TooManyUnfinishedUploads`, and what `claim` raises."""
        upload_id = new_id()

        async def attempt() -> Resumable:
            async with self._database.workspace(caller.workspace_id) as connection:
                await claim(connection, request, caller, upload_id)
                await connection.execute(_TAKE_TURNS, f"uploads {caller.user_id}")  # two at once would both be the last
                resumption.check_begins(request.size, await _unfinished(connection, caller), limit)
                whose = (upload_id, caller.workspace_id, request.thread_id, caller.user_id)
                return _upload_of(await connection.fetchrow(_CREATE, *whose, filename, request.metadata, request.size, LIFE))

        return await once_more(attempt)

    async def get(self, upload_id: UUID, caller: Principal) -> Resumable:
        """Raises `UploadNotFound`: it is missing, has expired, or is somebody else's."""
        async with self._database.reading(caller.workspace_id) as connection:
            return _upload_of(await connection.fetchrow(_GET, upload_id, caller.user_id))

    async def place(self, request: ContinueResumableUpload, caller: Principal) -> tuple[Resumable, Upload | None]:
        """For the next part; none where the upload is complete. Raises `UploadNotFound`, and what `check_goes_on` raises."""

        async def attempt() -> tuple[Resumable, Upload | None]:
            async with self._database.workspace(caller.workspace_id) as connection:
                upload = await _locked(connection, request.upload_id, caller)
                resumption.check_goes_on(upload, request.offset, request.after, await connection.fetchval(UNDER_WAY, upload.id))
                if upload.is_complete:
                    return upload, None
                place = await _placed(connection, upload, caller, begins_at=request.offset)
                await connection.execute(_LEASE, upload.id, place.id)
                return upload, place

        return await once_more(attempt)

    async def keep(self, request: KeepPart, caller: Principal) -> Resumable:
        """Raises `UploadNotFound`, `UploadOffsetIsAnother`."""

        async def attempt() -> Resumable:
            async with self._database.workspace(caller.workspace_id) as connection:
                upload = await _locked(connection, request.upload_id, caller)
                resumption.check_is_next(upload, request.part_id)
                resumption.check_is_within(upload, request.size)
                if await connection.fetchval(_KEEP_PART, upload.id, request.part_id, request.size, upload.expires_at) is None:
                    raise UploadNotFound
                return _upload_of(await connection.fetchrow(_MOVE_ON, upload.id, request.size))

        return await once_more(attempt)

    async def join(self, request: JoinParts, caller: Principal) -> Joined:
        """Raises `UploadNotFound`, `UploadOffsetIsAnother`."""

        async def attempt() -> Joined:
            async with self._database.workspace(caller.workspace_id) as connection:
                upload = await _locked(connection, request.upload_id, caller)
                resumption.check_is_next(upload, request.part_id)
                resumption.check_is_last(upload, request.size)
                keys = [row["storage_key"] for row in await connection.fetch(KEYS, upload.id, request.part_id)]
                place = await _placed(connection, upload, caller, begins_at=None)
                seconds = resumption.seconds_to_join(upload.size)
                await connection.execute(_FINISHING, upload.id, seconds)
                await connection.execute(LIVE_ON, upload.id)
                return Joined(place, keys, seconds)

        return await once_more(attempt)

    async def complete(self, request: CompleteResumableUpload, draft: Draft, status: ScanStatus, caller: Principal) -> Completed:
        """The attachment, once. Raises `UploadNotFound`, `UploadOffsetIsAnother`."""

        async def attempt() -> Completed:
            async with self._database.workspace(caller.workspace_id) as connection:
                upload = await _locked(connection, request.upload_id, caller)
                resumption.check_is_next(upload, request.part_id)
                if upload.is_complete:
                    return Completed(upload, None)
                made = await _made(connection, upload, request.whole_id, draft, status, caller)
                await connection.execute(DROP_PARTS, upload.id, request.part_id)
                await emit(connection, said_of(made, Change.UPLOADED))
                return Completed(_upload_of(await connection.fetchrow(_COMPLETE, upload.id)), made)

        return await committed(attempt, self._on_commit)

    async def delete(self, upload_id: UUID, caller: Principal) -> list[Place]:
        """Where its parts are, which may be deleted now; what is under way is by its sender, who finds no upload any more.

        Raises `UploadNotFound`.
        """

        async def attempt() -> list[Place]:
            async with self._database.workspace(caller.workspace_id) as connection:
                if await connection.fetchval(_DELETE, upload_id, caller.user_id) is None:
                    raise UploadNotFound
                return [Place(row["id"], row["storage_key"]) for row in await connection.fetch(DROP_PARTS, upload_id, None)]

        return await once_more(attempt)


async def _unfinished(connection: Connection, caller: Principal) -> Unfinished:
    row = await connection.fetchrow(UNFINISHED, caller.user_id)
    assert row is not None
    return Unfinished(row["uploads"], row["size"])


async def _locked(connection: Connection, upload_id: UUID, caller: Principal) -> Resumable:
    return _upload_of(await connection.fetchrow(_LOCK, upload_id, caller.user_id))


async def _placed(connection: Connection, upload: Resumable, caller: Principal, *, begins_at: int | None) -> Upload:
    place = Upload(id=new_id(), storage_key=new_key(FILES))
    whose = (caller.workspace_id, upload.thread_id, caller.user_id)
    await connection.execute(_PLACE, place.id, *whose, UploadKind.TUS, place.storage_key, upload.id, begins_at)
    return place


async def _made(connection: Connection, upload: Resumable, whole_id: UUID, draft: Draft, status: ScanStatus, caller: Principal) -> Stored:
    """The object is the attachment's from here on, and no upload's."""
    key = await connection.fetchval(_TAKE_WHOLE, upload.id, whole_id)
    if key is None:
        raise UploadNotFound
    about = (upload.id, caller.workspace_id, upload.thread_id, draft.filename, draft.mime_type, draft.size, draft.sha256, key)
    row = await connection.fetchrow(_MAKE, *about, caller.user_id, caller.role, caller.name, status)
    assert row is not None
    return stored_of(row)


def _upload_of(row: asyncpg.Record | None) -> Resumable:
    if row is None:
        raise UploadNotFound
    return Resumable(
        id=row["id"],
        thread_id=row["thread_id"],
        filename=row["filename"],
        metadata=row["metadata"],
        size=row["size_bytes"],
        received=row["received_bytes"],
        parts=row["parts"],
        lease=row["lease"],
        is_finishing=row["is_finishing"],
        is_complete=row["is_complete"],
        expires_at=row["expires_at"],
    )
