"""Uploads that are under way, and what becomes of them. An object's row is there before the object, and goes after it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.attachments.domain import Draft, Stored
from services.attachments.repository.rows import COLUMNS, columns, said_of, stored_of
from shared.contracts.attachments.attachments import Change, ScanStatus
from shared.contracts.attachments.uploads import FinishUploads, FinishVoice, Upload, UploadKind, UploadNotFound
from shared.contracts.model import Request
from shared.contracts.principal import Principal
from shared.database.connections import Connection, Database, once_more
from shared.database.idempotency import claim
from shared.identifiers import new_id
from shared.outbox.outbox import emit
from shared.store.store import new_key

FILES = "files"  # where the objects of attachments are

_BEGIN = """
    INSERT INTO uploads (id, workspace_id, thread_id, owner_id, kind, storage_key, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, now() + interval '1 hour')"""

# What has expired is on its way out: its object may be gone.
_FINISH = f"""
    WITH received AS (
        DELETE FROM uploads WHERE id = ANY($1::uuid[]) AND thread_id = $2 AND owner_id = $3 AND expires_at > now()
        RETURNING id, storage_key),
    made AS (
        INSERT INTO attachments (id, workspace_id, thread_id, filename, mime_type, size_bytes, sha256, storage_key,
            uploaded_by_id, uploaded_by_role, uploaded_by_name, scan_status, voice)
        SELECT id, $4, $2, filename, mime_type, size_bytes, sha256, storage_key, $3, $5, $6, $7, voice
        FROM unnest($1::uuid[], $8::text[], $9::text[], $10::bigint[], $11::bytea[], $12::boolean[])
            AS draft (id, filename, mime_type, size_bytes, sha256, voice) JOIN received USING (id)
        RETURNING {COLUMNS})
    SELECT {columns("made")} FROM made JOIN unnest($1::uuid[]) WITH ORDINALITY AS asked (id, place) USING (id) ORDER BY place"""

_MADE = f"""
    SELECT {columns("made")} FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (id, place) JOIN attachments made USING (id)
    WHERE thread_id = $2 AND uploaded_by_id = $3 AND deleted_at IS NULL ORDER BY place"""

# A part that counts is not given up, whatever its sender was told; one that does not holds up its upload no longer.
_GIVE_UP = """
    UPDATE uploads SET expires_at = '-infinity'
    WHERE id = ANY($1::uuid[]) AND owner_id = $2 AND (resumable_id IS NULL OR size_bytes IS NULL) RETURNING id, storage_key"""
GO_ON = """
    UPDATE resumable_uploads SET lease = NULL, finishing_until = NULL
    WHERE lease = ANY($1::uuid[]) AND id IN (SELECT resumable_id FROM uploads WHERE id = ANY($1::uuid[]) AND owner_id = $2)"""

_FORGET = "DELETE FROM uploads WHERE id = ANY($1::uuid[])"


class UploadAttachments(Request):
    """What tells one upload from another, for an Idempotency-Key: the same files come under other keys of the store."""

    thread_id: UUID
    files: list[tuple[str, int, str]]


class UploadVoice(UploadAttachments):
    """The same of a voice message: its keys are its own."""


@dataclass(frozen=True, slots=True)
class Place:
    """An upload and its object."""

    upload_id: UUID
    storage_key: str


class Uploads:
    def __init__(self, database: Database, on_commit: Callable[[], None]) -> None:
        self._database, self._on_commit = database, on_commit

    async def begin(self, thread_id: UUID, kind: UploadKind, caller: Principal) -> Upload:
        upload = Upload(id=new_id(), storage_key=new_key(FILES))
        async with self._database.workspace(caller.workspace_id) as connection:
            await connection.execute(_BEGIN, upload.id, caller.workspace_id, thread_id, caller.user_id, kind, upload.storage_key)
        return upload

    async def finish(self, request: FinishUploads, drafts: Sequence[Draft], status: ScanStatus, caller: Principal) -> list[Stored]:
        """Attachments of them all, in their order. Raises `UploadNotFound`, and what `claim` raises."""

        async def attempt() -> list[Stored]:
            async with self._database.workspace(caller.workspace_id) as connection:
                await claim(connection, _identity(request), caller, " ".join(str(draft.id) for draft in drafts))
                made = await _make(connection, request.thread_id, drafts, status, caller)
                if not made:
                    return await _made_before(connection, request.thread_id, [draft.id for draft in drafts], caller)
                if len(made) < len(drafts):
                    raise UploadNotFound  # and the others are as they were
                await emit(connection, *(said_of(file, Change.UPLOADED) for file in made))
                return made

        files = await once_more(attempt)
        self._on_commit()
        return files

    async def made(self, thread_id: UUID, upload_ids: Sequence[UUID], caller: Principal) -> list[Stored]:
        """What was made of uploads, as far as it is still there."""
        async with self._database.reading(caller.workspace_id) as connection:
            rows = await connection.fetch(_MADE, upload_ids, thread_id, caller.user_id)
        return [stored_of(row) for row in rows]

    async def give_up(self, upload_ids: Sequence[UUID], caller: Principal) -> list[Place]:
        """From now on they can be finished no more: their objects may be deleted."""

        async def attempt() -> list[Place]:
            async with self._database.workspace(caller.workspace_id) as connection:
                await connection.execute(GO_ON, upload_ids, caller.user_id)
                rows = await connection.fetch(_GIVE_UP, upload_ids, caller.user_id)
            return [Place(row["id"], row["storage_key"]) for row in rows]

        return await once_more(attempt)

    async def forget(self, upload_ids: Sequence[UUID], caller: Principal) -> None:
        """Their objects are deleted."""
        async with self._database.workspace(caller.workspace_id) as connection:
            await connection.execute(_FORGET, upload_ids)


async def _make(connection: Connection, thread_id: UUID, drafts: Sequence[Draft], status: ScanStatus, caller: Principal) -> list[Stored]:
    rows = await connection.fetch(
        _FINISH,
        [draft.id for draft in drafts],
        thread_id,
        caller.user_id,
        caller.workspace_id,
        caller.role,
        caller.name,
        status,
        [draft.filename for draft in drafts],
        [draft.mime_type for draft in drafts],
        [draft.size for draft in drafts],
        [draft.sha256 for draft in drafts],
        [draft.voice for draft in drafts],
    )
    return [stored_of(row) for row in rows]


async def _made_before(connection: Connection, thread_id: UUID, upload_ids: Sequence[UUID], caller: Principal) -> list[Stored]:
    """What the same request made, whose answer was lost. Raises `UploadNotFound`."""
    rows = await connection.fetch(_MADE, upload_ids, thread_id, caller.user_id)
    if len(rows) < len(upload_ids):
        raise UploadNotFound
    return [stored_of(row) for row in rows]


def _identity(request: FinishUploads) -> UploadAttachments:
    kind = UploadVoice if isinstance(request, FinishVoice) else UploadAttachments
    return kind(thread_id=request.thread_id, files=[(file.filename, file.size, file.sha256) for file in request.files])
