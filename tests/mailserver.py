"""A real mail server in the test's own loop, which can go away, come back, and refuse."""

import asyncio
import re
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.processes import free_port


@dataclass
class MailServer:
    """`refused` says what it answers to whom, `pause` how many seconds each answer takes. A mail that came waits in `came`."""

    port: int = field(default_factory=free_port)
    refused: dict[str, str] = field(default_factory=dict)
    pause: float = 0
    came: "asyncio.Queue[EmailMessage]" = field(default_factory=asyncio.Queue)
    server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(
            lambda: SMTP(self, hostname="mail.test", loop=loop, enable_SMTPUTF8=True), "127.0.0.1", self.port
        )

    async def stop(self) -> None:
        if self.server is not None:
            self.server.close()
            await self.server.wait_closed()
            self.server = None

    async def mail(self) -> EmailMessage:
        """The next one that comes."""
        return await asyncio.wait_for(self.came.get(), 15)

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        await asyncio.sleep(self.pause)
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        await asyncio.sleep(self.pause)
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.came.put_nowait(message)
        return "250 OK"


def link_in(mail: EmailMessage) -> tuple[str, str]:
    """Where the mail's link leads, and its token."""
    (found,) = re.finditer(r"(https?://\S+)#token=(\S+)", mail.get_content())
    return found[1], found[2]
