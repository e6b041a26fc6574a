"""Uploads that are under way, and what becomes of them. An object's row is there before the object, and goes after it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.attachments.domain import Draft, Stored
from services.attachments.repository.rows import COLUMNS, columns, said_of, stored_of
from shared.contracts.attachments.attachments import Change, ScanStatus
from shared.contracts.attachments.uploads import FinishUploads, FinishVoice, Upload, UploadKind, UploadNotFound
from shared.contracts.model import Request
from shared.contracts.principal import Principal
from shared.database.connections import Connection, Database, committed, once_more
from shared.database.groups import Groups
from shared.database.idempotency import claim
from shared.identifiers import new_id
from shared.messaging.context import Context, current_context
from shared.outbox.outbox import Emission, emit
from shared.store.store import new_key

FILES = "files"  # where the objects of attachments are

_BEGIN = """
    INSERT INTO uploads (workspace_id, id, thread_id, owner_id, kind, storage_key, expires_at)
    SELECT $1, begun.*, now() + interval '1 hour' FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[]) AS begun"""

# What has expired is on its way out: its object may be gone.
FINISH = f"""
    WITH draft AS (
        SELECT * FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[],
            $11::bytea[], $12::boolean[]) AS draft (id, thread_id, owner_id, owner_role, owner_name, scan_status, filename, mime_type,
            size_bytes, sha256, voice)),
    received AS (
        DELETE FROM uploads USING draft WHERE uploads.id = ANY($2::uuid[]) AND uploads.id = draft.id
            AND uploads.thread_id = draft.thread_id AND uploads.owner_id = draft.owner_id AND expires_at > now()
        RETURNING uploads.id, uploads.storage_key)
    INSERT INTO attachments (id, workspace_id, thread_id, filename, mime_type, size_bytes, sha256, storage_key,
        uploaded_by_id, uploaded_by_role, uploaded_by_name, scan_status, voice)
    SELECT id, $1, thread_id, filename, mime_type, size_bytes, sha256, storage_key, owner_id, owner_role, owner_name, scan_status, voice
    FROM draft JOIN received USING (id)
    RETURNING {COLUMNS}"""

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


@dataclass(frozen=True, slots=True)
class Beginning:
    """An upload that is to begin."""

    thread_id: UUID
    kind: UploadKind
    caller: Principal


@dataclass(frozen=True, slots=True)
class Finishing:
    """Uploads of one request that are to become attachments, all or none. context: of who asks."""

    request: FinishUploads
    drafts: Sequence[Draft]
    status: ScanStatus
    caller: Principal
    context: Context


@dataclass(frozen=True, slots=True)
class Finished:
    """The attachments of one request, in its order. made_now: and not by the same request before, whose answer was lost."""

    files: list[Stored]
    made_now: bool


class Uploads:
    def __init__(self, database: Database, on_commit: Callable[[], None]) -> None:
        self._database, self._on_commit = database, on_commit
        self._beginnings: Groups[UUID, Beginning, Upload] = Groups(self._begin, at_once=2)
        self._finishings: Groups[UUID, Finishing, Finished] = Groups(self._finish, at_once=2)

    async def begin(self, thread_id: UUID, kind: UploadKind, caller: Principal) -> Upload:
        return await self._beginnings.join(caller.workspace_id, Beginning(thread_id, kind, caller))

    async def _begin(self, workspace_id: UUID, beginnings: Sequence[Beginning]) -> Sequence[Upload]:
        uploads = [Upload(id=new_id(), storage_key=new_key(FILES)) for _ in beginnings]
        async with self._database.workspace(workspace_id) as connection:
            await connection.execute(
                _BEGIN,
                workspace_id,
                [upload.id for upload in uploads],
                [beginning.thread_id for beginning in beginnings],
                [beginning.caller.user_id for beginning in beginnings],
                [beginning.kind for beginning in beginnings],
                [upload.storage_key for upload in uploads],
            )
        return uploads

    async def finish(self, request: FinishUploads, drafts: Sequence[Draft], status: ScanStatus, caller: Principal) -> Finished:
        """Attachments of them all. Raises `UploadNotFound`, and what `claim` raises."""
        finishing = Finishing(request, drafts, status, caller, current_context.get())
        if finishing.context.idempotency_key:  # it may wait for another transaction with its key
            (finished,) = await self._finish(caller.workspace_id, [finishing])
            return finished
        return await self._finishings.join(caller.workspace_id, finishing)

    async def _finish(self, workspace_id: UUID, finishings: Sequence[Finishing]) -> Sequence[Finished]:
        """Raises where one cannot be finished: then none of them is."""

        async def attempt() -> Sequence[Finished]:
            async with self._database.workspace(workspace_id) as connection:
                if len(finishings) == 1:
                    await _claim(connection, *finishings)
                made = await _make(connection, workspace_id, finishings)
                if not made and len(finishings) == 1:
                    return [Finished(await _made_before(connection, *finishings), made_now=False)]
                outcomes = [_all_of(finishing, made) for finishing in finishings]
                await emit(connection, *(event for one, files in zip(finishings, outcomes, strict=True) for event in _said(one, files)))
                return [Finished(files, made_now=True) for files in outcomes]

        return await committed(attempt, self._on_commit)

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


async def _claim(connection: Connection, finishing: Finishing) -> None:
    await claim(connection, _identity(finishing.request), finishing.caller, " ".join(str(draft.id) for draft in finishing.drafts))


async def _make(connection: Connection, workspace_id: UUID, finishings: Sequence[Finishing]) -> dict[UUID, Stored]:
    """What was made of those uploads that are there, by their ids."""
    drafts = [(finishing, draft) for finishing in finishings for draft in finishing.drafts]
    rows = await connection.fetch(
        FINISH,
        workspace_id,
        [draft.id for _, draft in drafts],
        [finishing.request.thread_id for finishing, _ in drafts],
        [finishing.caller.user_id for finishing, _ in drafts],
        [finishing.caller.role for finishing, _ in drafts],
        [finishing.caller.name for finishing, _ in drafts],
        [finishing.status for finishing, _ in drafts],
        [draft.filename for _, draft in drafts],
        [draft.mime_type for _, draft in drafts],
        [draft.size for _, draft in drafts],
        [draft.sha256 for _, draft in drafts],
        [draft.voice for _, draft in drafts],
    )
    return {row["id"]: stored_of(row) for row in rows}


def _all_of(finishing: Finishing, made: Mapping[UUID, Stored]) -> list[Stored]:
    """Raises `UploadNotFound` where one is not there: then the others are as they were."""
    files = [made[draft.id] for draft in finishing.drafts if draft.id in made]
    if len(files) < len(finishing.drafts):
        raise UploadNotFound
    return files


def _said(finishing: Finishing, files: Sequence[Stored]) -> list[Emission]:
    """In the trace of who asked."""
    group = current_context.set(finishing.context)
    try:
        return [said_of(file, Change.UPLOADED) for file in files]
    finally:
        current_context.reset(group)


async def _made_before(connection: Connection, finishing: Finishing) -> list[Stored]:
    """What the same request made, whose answer was lost. Raises `UploadNotFound`."""
    ids = [draft.id for draft in finishing.drafts]
    rows = await connection.fetch(_MADE, ids, finishing.request.thread_id, finishing.caller.user_id)
    if len(rows) < len(ids):
        raise UploadNotFound
    return [stored_of(row) for row in rows]


def _identity(request: FinishUploads) -> UploadAttachments:
    kind = UploadVoice if isinstance(request, FinishVoice) else UploadAttachments
    return kind(thread_id=request.thread_id, files=[(file.filename, file.size, file.sha256) for file in request.files])
