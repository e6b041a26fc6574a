"""Links: addresses by which one file can be read for five minutes, by whoever has them."""

from datetime import timedelta
from uuid import UUID

from shared.contracts.attachments.attachments import AttachmentIsNotClean, AttachmentNotFound, Disposition, StoredFile
from shared.contracts.model import Request, Time, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.refusals import NotFound

LIFE = timedelta(minutes=5)  # API.md, Attachments


class Link(View):
    """The path of one file, which serves as long as the file itself is served, and no longer than until `expiresAt`."""

    url: str
    expires_at: Time


class LinkNotFound(NotFound):
    """There is no such link, or it has expired."""


class LinkAttachment(Request):
    """Make a link to a file that the caller may read."""

    attachment_id: UUID


class OpenLink(Request):
    """Let anybody who has a link's token read its file."""

    token: str
    disposition: Disposition = Disposition.ATTACHMENT


LINK_ATTACHMENT = Operation(LinkAttachment, Link, called_by=[GATEWAY], refuses=[AttachmentNotFound, AttachmentIsNotClean])
OPEN_LINK = Operation(OpenLink, StoredFile, called_by=[GATEWAY], refuses=[LinkNotFound, AttachmentIsNotClean], anonymous=True)
