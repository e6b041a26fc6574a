"""The words of mails, and when a mail server's no is final."""

from collections.abc import Callable
from email.message import EmailMessage
from functools import partial

import aiosmtplib
import pytest

from services.identity.mail import Links, invitation, reset, verification
from services.identity.postman import LETTER_SECONDS, Smtp, _is_final
from services.identity.repository.mail import LEASE
from tests.mailserver import MailServer


@pytest.mark.parametrize("public_url", ["https://app.example.org", "https://app.example.org/"])
def test_a_links_token_is_what_browsers_send_to_nobody(public_url: str) -> None:
    assert Links(public_url).to("verify", "secret") == "https://app.example.org/verify#token=secret"


@pytest.mark.parametrize("write", [verification, reset, partial(invitation, "Ada invites you to Lab")])
def test_a_mail_has_its_link_on_a_line_of_its_own(write: Callable[[str], tuple[str, str]]) -> None:
    subject, content = write("https://app.example.org/x#token=y")
    assert "https://app.example.org/x#token=y" in content.splitlines()
    assert subject.splitlines() == [subject]


@pytest.mark.parametrize(
    ("error", "final"),
    [
        (aiosmtplib.SMTPRecipientsRefused([aiosmtplib.SMTPRecipientRefused(550, "no", "x")]), True),
        (aiosmtplib.SMTPRecipientsRefused([aiosmtplib.SMTPRecipientRefused(450, "later", "x")]), False),
        (aiosmtplib.SMTPDataError(552, "too much"), True),
        (aiosmtplib.SMTPDataError(451, "later"), False),
        (aiosmtplib.SMTPAuthenticationError(535, "who?"), False),
        (aiosmtplib.SMTPConnectError("away"), False),
        (TimeoutError(), False),
    ],
    ids=str,
)
def test_a_no_is_final_where_the_server_says_so_of_the_mail(error: Exception, final: bool) -> None:
    assert _is_final(error) is final


async def test_a_server_that_dawdles_gets_no_longer_than_a_lease_lasts() -> None:
    """Each of its answers comes in time, and the letter does not."""
    server = MailServer(pause=0.2)
    await server.start()
    mail = EmailMessage()
    mail["From"], mail["To"] = "hi@example.org", "ada@example.org"
    with pytest.raises(TimeoutError):
        await Smtp(server.url, seconds=0.3).send(mail)
    await server.stop()
    assert LEASE.total_seconds() > LETTER_SECONDS
