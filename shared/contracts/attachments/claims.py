"""Claims: a message that is about to be posted asks for its author's files."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.contracts.attachments.attachments import Attachment
from shared.contracts.model import Request, View
from shared.contracts.operations import MESSAGES, Operation
from shared.contracts.refusals import Invalid

MOST_OF_A_MESSAGE = 10


class AttachmentIsNotUsable(Invalid):
    """An attachment is not there, is another's, of another thread, in a message already, or was not found clean; `errors` says which."""


class ClaimAttachments(Request):
    """Take files for a message that is about to be posted: the caller's own, of its thread, and in no message yet.

    Of two messages that claim one file messages lets one have it, by the order in which they are posted; what is claimed and not posted
    is as free as before, so a claim may be made again.
    """

    thread_id: UUID
    attachment_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_OF_A_MESSAGE)]


class ClaimedAttachments(View):
    """In the order asked. versions: of each, so that its events tell what is newer."""

    attachments: list[Attachment]
    versions: list[int]


CLAIM_ATTACHMENTS = Operation(ClaimAttachments, ClaimedAttachments, called_by=[MESSAGES], refuses=[AttachmentIsNotUsable], timeout=2.0)
