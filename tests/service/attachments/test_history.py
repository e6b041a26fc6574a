"""What a file was before each change is kept, with who changed it."""

from uuid import UUID

import asyncpg
import pytest

from shared.contracts.attachments.attachments import DELETE_ATTACHMENT, Attachment, DeleteAttachment
from shared.contracts.messages.messages import MessagePosted
from shared.contracts.principal import Principal
from shared.database.history import SYSTEM_ACTOR
from tests.clamav import ClamdServer
from tests.service.attachments.conftest import Service
from tests.service.attachments.neighbours import message
from tests.service.attachments.scanning import Scanning


async def before(attachments: Service, file: Attachment) -> list[asyncpg.Record]:
    statement = "SELECT * FROM attachments.attachments_history WHERE id = $1 ORDER BY history_id"
    found: list[asyncpg.Record] = await attachments.database.fetch(statement, file.id)
    return found


async def test_every_state_of_a_scan_is_kept(
    attachments: Service, scanning: Scanning, clamav: ClamdServer, agent: Principal, thread: UUID
) -> None:
    file = await attachments.upload(thread, agent)
    async with scanning.running(clamav.url):
        assert await scanning.ends(file) == "clean"
    kept = await before(attachments, file)
    assert [(row["scan_status"], row["operation_type"]) for row in kept] == [("pending", "UPDATE"), ("scanning", "UPDATE")]
    assert {row["changed_by"] for row in kept} == {UUID(SYSTEM_ACTOR)}


async def test_who_deleted_a_file_is_kept(attachments: Service, agent: Principal, thread: UUID) -> None:
    file = await attachments.upload(thread, agent)
    await attachments.gateway(DELETE_ATTACHMENT, DeleteAttachment(attachment_id=file.id), agent)
    (row,) = await before(attachments, file)
    assert (row["changed_by"], row["deleted_at"], row["filename"]) == (agent.user_id, None, file.filename)


async def test_into_which_message_a_file_came_is_kept(attachments: Service, agent: Principal, thread: UUID) -> None:
    file = await attachments.upload(thread, agent)
    await attachments.posted_with(message(thread), agent, file, by=MessagePosted)
    (row,) = await before(attachments, file)
    assert (row["message_id"], row["changed_by"]) == (None, UUID(SYSTEM_ACTOR))


async def test_a_lease_is_no_change_and_a_change_by_nobody_fails(attachments: Service, agent: Principal, thread: UUID) -> None:
    file = await attachments.upload(thread, agent)
    await attachments.database.execute("UPDATE attachments.attachments SET next_try_at = now(), attempts = 3 WHERE id = $1", file.id)
    assert await before(attachments, file) == []
    async with attachments.database.transaction():
        await attachments.database.execute("SELECT set_config('app.actor', '', true)")
        with pytest.raises(asyncpg.RaiseError, match="names nobody"):
            async with attachments.database.transaction():
                await attachments.scanned(file)
