"""Which message a file is in; attachments asks while the event of the post is on its way to it."""

from uuid import UUID

from shared.contracts.messages.messages import Message, MessageNotFound
from shared.contracts.model import Request
from shared.contracts.operations import ATTACHMENTS, Operation


class GetMessageOfAttachment(Request):
    """The message that was posted with a file within the last 30 days, for those who may see it."""

    attachment_id: UUID


GET_MESSAGE_OF_ATTACHMENT = Operation(GetMessageOfAttachment, Message, called_by=[ATTACHMENTS], refuses=[MessageNotFound])
