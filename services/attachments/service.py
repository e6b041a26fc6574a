"""What the handlers work with."""

from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from services.attachments.arrivals import Arrivals
from services.attachments.domain import Stored
from services.attachments.repository.artifacts import Artifacts
from services.attachments.repository.attachments import Attachments
from services.attachments.repository.claims import Claims
from services.attachments.repository.links import Links
from services.attachments.repository.resumable import ResumableUploads
from services.attachments.repository.staged import StagedUploads
from services.attachments.repository.uploads import Uploads
from shared.contracts.attachments.attachments import AttachmentNotFound
from shared.contracts.messages.files import (
    FIND_DELETED_MESSAGE,
    GET_MESSAGE_OF_ATTACHMENT,
    FindDeletedMessage,
    GetMessageOfAttachment,
)
from shared.contracts.messages.messages import GET_MESSAGE, GetMessage, Message, MessageNotFound
from shared.contracts.principal import Principal
from shared.contracts.threads.access import CHECK_ACCESS, Access, CheckAccess, Right, ThreadNotFound
from shared.messaging.caller import Caller
from shared.store.store import Store


class Standing(Enum):
    """How a file is to one caller. GONE: they could see it until it, or its message, was deleted."""

    HIDDEN = "hidden"
    GONE = "gone"
    THERE = "there"


@dataclass(frozen=True, slots=True)
class Service:
    """scanning: whether files are scanned before they are served. limit: bytes of one."""

    call: Caller
    store: Store
    arrivals: Arrivals
    uploads: Uploads
    staged: StagedUploads
    resumable: ResumableUploads
    attachments: Attachments
    artifacts: Artifacts
    claims: Claims
    links: Links
    scanning: bool
    limit: int

    async def access(self, right: Right, thread_id: UUID, caller: Principal) -> Access:
        """What the caller may do in a thread: asked of threads each time, and answered before anything is done."""
        return await self.call(CHECK_ACCESS, CheckAccess(thread_id=thread_id, right=right), caller)

    async def readable(self, attachment_id: UUID, caller: Principal) -> Stored:
        """A file that the caller may see. Deleted, hidden and missing are the same `AttachmentNotFound`."""
        file = await self.attachments.get(caller.workspace_id, attachment_id)
        if file is None or file.deleted_at is not None or await self.standing(file, caller) is not Standing.THERE:
            raise AttachmentNotFound
        return file

    async def standing(self, file: Stored, caller: Principal) -> Standing:
        """A file is seen by those who see its message, which messages is asked for; before it is in one, by its uploader.

        The event that tells of a post may be on its way yet, and is not waited for: who sees the message sees its files.
        """
        if file.claimed_at is not None:
            try:
                message = await self._message_of(file, caller)
            except MessageNotFound:
                if file.posted_at is not None:
                    return Standing.HIDDEN
            else:
                return Standing.THERE if message.deleted_at is None and file.deleted_at is None else Standing.GONE
        if file.uploaded_by_id != caller.user_id:
            return Standing.HIDDEN
        try:
            await self.access(Right.READ, file.thread_id, caller)
        except ThreadNotFound:
            return Standing.HIDDEN
        return Standing.THERE if file.deleted_at is None else Standing.GONE

    async def went_with_its_message(self, file: Stored) -> bool:
        """The event that tells of it may be on its way yet."""
        if file.claimed_at is None:
            return False
        asked = FindDeletedMessage(workspace_id=file.workspace_id, attachment_id=file.id, message_id=file.message_id)
        return (await self.call(FIND_DELETED_MESSAGE, asked, None)).deleted

    async def _message_of(self, file: Stored, caller: Principal) -> Message:
        """Raises `MessageNotFound`."""
        if file.message_id is None:
            return await self.call(GET_MESSAGE_OF_ATTACHMENT, GetMessageOfAttachment(attachment_id=file.id), caller)
        return await self.call(GET_MESSAGE, GetMessage(message_id=file.message_id), caller)
