"""Which message a file is in, and whether that is deleted: attachments asks, as its events may be on their way to it."""

from uuid import UUID

from shared.contracts.messages.messages import Message, MessageNotFound
from shared.contracts.model import Request, View
from shared.contracts.operations import ATTACHMENTS, Operation


class GetMessageOfAttachment(Request):
    """The message that was posted with a file within the last 30 days, for those who may see it."""

    attachment_id: UUID


class FindDeletedMessage(Request):
    """Whether the message that has a file is deleted: whoever shows a link to the file has a workspace by that, and is nobody.

    message_id: where the asker knows it.
    """

    workspace_id: UUID
    attachment_id: UUID
    message_id: UUID | None


class FoundDeletedMessage(View):
    deleted: bool


GET_MESSAGE_OF_ATTACHMENT = Operation(GetMessageOfAttachment, Message, called_by=[ATTACHMENTS], refuses=[MessageNotFound])
FIND_DELETED_MESSAGE = Operation(FindDeletedMessage, FoundDeletedMessage, called_by=[ATTACHMENTS], anonymous=True)
