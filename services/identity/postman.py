"""Sends the mail that waits: each letter by one process at a time, again after a growing delay, given up in the end."""

import asyncio
from datetime import timedelta
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

import aiosmtplib
import structlog
from prometheus_client import Counter, Gauge

from services.identity.mail import Links, invitation, reset, verification
from services.identity.repository.accounts import MailedTokens
from services.identity.repository.mail import Letter, MailQueue
from services.identity.tokens import MailedToken
from shared.rounds import Rounds

log = structlog.get_logger()

DELAYS = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1_800, 3_600, 7_200))
"""After each try that failed; a letter that fails once more is parked."""
LOOK_EVERY = 1.0  # seconds
PATIENCE = 20.0  # seconds that a mail server has for one answer
LETTER_SECONDS = 60.0  # that it has for all of a letter: less than a lease, so that nobody else sends it meanwhile
AT_ONCE = 10

MAILS = Counter("atrium_mails", "Mails by what became of them: sent, dropped (nobody to send to), retried, parked.", ["outcome"])
WAITING = Gauge("atrium_mails_waiting", "Mails that wait to be sent.")
PARKED = Gauge("atrium_mails_parked", "Mails that were given up.")


class Smtp:
    """A mail server. `smtp://` takes TLS where it is offered, and insists on it before it tells a password; `smtps://` begins with it."""

    def __init__(self, url: str, seconds: float = LETTER_SECONDS) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("it is not like smtp://user:password@host:587")
        self._host, self._port = parts.hostname, parts.port
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._tls, self._seconds = parts.scheme == "smtps", seconds

    async def send(self, letter: EmailMessage) -> None:
        """Raises what `aiosmtplib` raises, and `TimeoutError`."""
        async with asyncio.timeout(self._seconds):
            await aiosmtplib.send(
                letter,
                hostname=self._host,
                port=self._port,
                username=self._user,
                password=self._password,
                use_tls=self._tls,
                start_tls=True if self._user and not self._tls else None,
                timeout=PATIENCE,
            )


class Postman:
    """Works the queue off."""

    def __init__(self, queue: MailQueue, smtp: Smtp, secrets: MailedTokens, links: Links, mail_from: str) -> None:
        self._queue, self._smtp, self._secrets, self._links, self._from = queue, smtp, secrets, links, mail_from
        self._rounds = Rounds("identity mail", self._work, LOOK_EVERY)

    def start(self) -> None:
        self._rounds.start()

    async def stop(self) -> None:
        """What is under way is sent again when its lease is over: at least once, by whoever is there."""
        await self._rounds.stop()

    async def _work(self) -> None:
        while letters := await self._queue.take(AT_ONCE):
            await asyncio.gather(*(self._deliver(letter) for letter in letters))
        for gauge, count in zip((WAITING, PARKED), await self._queue.counts(), strict=True):
            gauge.set(count)

    async def _deliver(self, letter: Letter) -> None:
        written = await self._written(letter)
        if written is None:
            await self._queue.settle(letter, "dropped")
            MAILS.labels("dropped").inc()
            return
        try:
            await self._smtp.send(self._message(letter, *written))
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            await self._failed(letter, error)
            return
        await self._queue.settle(letter, "sent")
        MAILS.labels("sent").inc()

    async def _failed(self, letter: Letter, error: Exception) -> None:
        told = f"{type(error).__name__}: {error}"[:500]
        hopeless = letter.tries > len(DELAYS) or _is_final(error)
        log.warning("mail_was_not_sent", letter=str(letter.id), kind=letter.kind, tries=letter.tries, error=told)
        if hopeless:
            await self._queue.settle(letter, "parked", told)
        else:
            await self._queue.later(letter, DELAYS[letter.tries - 1], told)
        MAILS.labels("parked" if hopeless else "retried").inc()

    async def _written(self, letter: Letter) -> tuple[str, str] | None:
        """Its subject and content; None where there is nobody to send it to, or nothing to invite to any more."""
        token = MailedToken.new()
        link = self._links.to(letter.kind, token.text)
        if letter.kind == "invitation":
            good_until = await self._secrets.make_for_invitation(letter.invitation_id, token)
            return invitation(letter.subject, link) if good_until else None
        if await self._secrets.make(letter.kind, letter.recipient, token) is None:
            return None
        return verification(link) if letter.kind == "verify" else reset(link)

    def _message(self, letter: Letter, subject: str, content: str) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._from, letter.recipient, subject
        message["Date"], message["Message-ID"] = (
            formatdate(usegmt=True),
            make_msgid(str(letter.id), self._from.rpartition("@")[2].strip("> ")),
        )
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(content)
        return message


def _is_final(error: Exception) -> bool:
    """Whether the server said that it never will take it."""
    codes = [error.code] if isinstance(error, aiosmtplib.SMTPResponseException) else []
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        codes = [refused.code for refused in error.recipients]
    return bool(codes) and all(500 <= code < 600 for code in codes) and not isinstance(error, aiosmtplib.SMTPAuthenticationError)
