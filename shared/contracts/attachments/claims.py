"""Claims: a message takes its author's files, once."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.contracts.attachments.uploads import Attachments
from shared.contracts.model import Request
from shared.contracts.operations import MESSAGES, Operation
from shared.contracts.refusals import Invalid

MOST_OF_A_MESSAGE = 10


class AttachmentIsNotUsable(Invalid):
    """An attachment is not there, is another's, of another thread, in a message already, or was not found clean; `errors` says which."""


class ClaimAttachments(Request):
    """Keep files for a message that is about to be posted. Again by the same message changes nothing; where that is not posted, another
    message may take them after ten minutes."""

    thread_id: UUID
    message_id: UUID
    attachment_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_OF_A_MESSAGE)]


CLAIM_ATTACHMENTS = Operation(ClaimAttachments, Attachments, called_by=[MESSAGES], refuses=[AttachmentIsNotUsable])
