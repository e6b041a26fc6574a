"""A client's own way into the bucket, step by step, and what is there afterwards."""

import hashlib
import os
from collections.abc import AsyncIterator
from uuid import UUID

import httpx2

from services.attachments.repository.ledger import Ledger
from services.attachments.repository.sweeping import Sweeping
from services.attachments.sweep import Sweep
from shared.contracts.attachments.attachments import Attachment
from shared.contracts.attachments.presigned import (
    BEGIN_PRESIGNED_UPLOAD,
    FINISH_PRESIGNED_UPLOAD,
    BeginPresignedUpload,
    FinishPresignedUpload,
    PresignedUpload,
)
from shared.contracts.principal import Principal
from tests.service.attachments.conftest import Service

CONTENT = b"%PDF-1.7" + os.urandom(300_000)


async def begin(
    attachments: Service, thread: UUID, caller: Principal, content: bytes = CONTENT, filename: str = "../trip.bin"
) -> PresignedUpload:
    request = BeginPresignedUpload(thread_id=thread, filename=filename, size=len(content), sha256=hashlib.sha256(content).hexdigest())
    return await attachments.gateway(BEGIN_PRESIGNED_UPLOAD, request, caller)


async def put(upload: PresignedUpload, content: bytes = CONTENT) -> int:
    async with httpx2.AsyncClient() as client:
        return (await client.put(upload.url, content=content, headers=upload.headers)).status_code


async def begun(service: Service, thread: UUID, caller: Principal) -> PresignedUpload:
    upload = await begin(service, thread, caller)
    assert await put(upload) == 200
    return upload


async def finish(attachments: Service, thread: UUID, caller: Principal, upload: PresignedUpload) -> Attachment:
    request = FinishPresignedUpload(thread_id=thread, upload_id=upload.upload_id)
    return await attachments.gateway(FINISH_PRESIGNED_UPLOAD, request, caller)


async def staged_key(attachments: Service, upload: PresignedUpload) -> str:
    key: str = await attachments.database.fetchval("SELECT storage_key FROM attachments.staged WHERE id = $1", upload.upload_id)
    return key


async def written(attachments: Service, upload: PresignedUpload, content: bytes) -> None:
    """As by a server that checks nothing."""

    async def whole() -> AsyncIterator[bytes]:
        yield content

    await attachments.store.write(await staged_key(attachments, upload), whole())


async def kept(attachments: Service) -> set[str]:
    return {stored.key async for stored in attachments.store.list()}


async def rows(attachments: Service, thread: UUID) -> tuple[int, int, int]:
    """Of attachments, uploads, and staged ones."""
    tables = ("attachments", "uploads", "staged")
    counts = [
        await attachments.database.fetchval(f"SELECT count(*) FROM attachments.{table} WHERE thread_id = $1", thread) for table in tables
    ]
    return counts[0], counts[1], counts[2]


async def content_of(attachments: Service, file: Attachment) -> bytes:
    key = (await attachments.row(file))["storage_key"]
    return b"".join([chunk async for chunk in attachments.store.read(key)])


async def much_later(service: Service, thread: UUID) -> None:
    """A day has passed over the uploads of a thread, and the sweep has been there."""
    for table, column in (("uploads", "expires_at"), ("staged", "created_at"), ("staged", "expires_at"), ("staged", "sweep_at")):
        await service.database.execute(
            f"UPDATE attachments.{table} SET {column} = {column} - interval '2 days' WHERE thread_id = $1 AND {column} > '-infinity'",
            thread,
        )
    await Sweep(Sweeping(service.background), service.store, quarantine_days=30).once()


async def check_that_all_is_whole(service: Service, thread: UUID, files: int, before: set[str]) -> None:
    """Each of so many attachments has its object; there is nothing else, neither in the store nor in the tables."""
    assert await rows(service, thread) == (files, 0, 0)
    keys = {
        row["storage_key"]
        for row in await service.database.fetch("SELECT storage_key FROM attachments.attachments WHERE thread_id = $1", thread)
    }
    assert await kept(service) - before == keys
    assert await Ledger(service.background).unknown(sorted(keys)) == set()
