"""Mail of the service: what is put into the queue, and in which words."""

from dataclasses import dataclass
from uuid import UUID

from services.identity.repository import mail as queue
from shared.contracts.identity.invitations import MailboxGotEnough
from shared.database.connections import Connection


@dataclass(frozen=True, slots=True)
class Links:
    """Links into the app that Atrium is behind, at ATRIUM_PUBLIC_URL."""

    public_url: str

    def to(self, path: str, token: str) -> str:
        return f"{self.public_url.rstrip('/')}/{path}#token={token}"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Mail that is put here goes out after the transaction's commit. Without SMTP (`is_open` is false) nothing is put."""

    is_open: bool

    async def ask_to_verify(self, connection: Connection, email: str) -> None:
        """A link to verify the email with; it is made when the mail is sent."""
        if self.is_open:
            await queue.put(connection, "verify", email)

    async def offer_reset(self, connection: Connection, email: str) -> None:
        """A link to set another password with, where the email has an account; that is found out when the mail is sent."""
        if self.is_open:
            await queue.put(connection, "reset", email)

    async def invite(self, connection: Connection, email: str, workspace: str, inviter: str, invitation_id: UUID) -> None:
        """An invitation into a workspace; its link is made when the mail is sent. Raises `MailboxGotEnough`."""
        subject = f"{_line(inviter)} invites you to {_line(workspace)}"
        if self.is_open and not await queue.put(connection, "invitation", email, subject[:255], invitation_id):
            raise MailboxGotEnough(retry_after=3_600)


def verification(link: str) -> tuple[str, str]:
    """Subject and content."""
    return "Is this your email address?", _VERIFICATION.format(link=link)


def reset(link: str) -> tuple[str, str]:
    return "Set another password", _RESET.format(link=link)


def invitation(subject: str, link: str) -> tuple[str, str]:
    return subject, _INVITATION.format(subject=subject, link=link)


def _line(text: str) -> str:
    """As a part of a header: what people name themselves may have line breaks."""
    return " ".join(text.split())


_VERIFICATION = """Hello,

somebody, most likely you, made an account with this email address. It is yours if you follow this link within 24 hours:

{link}

If that was not you, do nothing.
"""

_RESET = """Hello,

somebody, most likely you, wants to set another password for the account with this email address. This link does it, once, within an hour:

{link}

If that was not you, do nothing: your password stays as it is.
"""

_INVITATION = """Hello,

{subject}. This link takes you in:

{link}

If you do not know what this is about, do nothing.
"""
