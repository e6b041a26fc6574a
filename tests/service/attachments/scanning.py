"""The attachments service beside a real clamd."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from services.attachments.main import AttachmentsApplication
from services.attachments.scanner import MOST_TRIES
from services.attachments.settings import AttachmentsSettings
from shared.contracts.attachments.attachments import Attachment
from shared.store.store import Store
from tests.clamav import LIMIT

if TYPE_CHECKING:
    from tests.service.attachments.conftest import Service

PATIENCE = 30.0  # seconds; an examination of clamd takes some of them


@dataclass(frozen=True)
class Scanning:
    """What tests of the scanner have: the service, whose own workers scan nothing, and applications that do."""

    attachments: "Service"
    where: dict[str, Any]

    @asynccontextmanager
    async def running(self, clamd_url: str | None, store: Store | None = None, **settings: object) -> AsyncIterator[AttachmentsApplication]:
        """Another replica, which has this clamd; and this store, where it is another than the service's."""
        found = self.where | {"clamd_url": clamd_url, "attachment_limit": LIMIT} | settings
        application = AttachmentsApplication(AttachmentsSettings.model_validate(found), store=store)
        await application.start()
        try:
            yield application
        finally:
            await application.stop()

    async def status(self, file: Attachment) -> str:
        return str((await self.attachments.row(file))["scan_status"])

    async def ends(self, file: Attachment, *statuses: str) -> str:
        """The verdict."""
        wanted = statuses or ("clean", "infected", "unscannable", "failed")
        seen = ""

        async def is_there() -> bool:
            nonlocal seen
            seen = await self.status(file)  # which may be another at the next look
            return seen in wanted

        await until(is_there)
        return seen

    async def was_tried(self, file: Attachment) -> None:
        """Once, to no end."""

        async def there() -> bool:
            row = await self.attachments.row(file)
            return bool(row["attempts"] == 1 and row["scan_status"] == "pending")

        await until(there)

    async def leaves_one_try(self, file: Attachment) -> None:
        """Now."""
        await self.attachments.database.execute(
            "UPDATE attachments.attachments SET attempts = $2, next_try_at = now() WHERE id = $1", file.id, MOST_TRIES - 1
        )

    async def changes(self, key: UUID, file: Attachment) -> list[tuple[str, str]]:
        """What was said of a file: changes and states, in order."""
        said = await self.attachments.said(key)
        return [(event["change"], event["attachment"]["scanStatus"]) for _, event in said if event["attachment"]["id"] == str(file.id)]


async def until(there: Callable[[], Awaitable[bool]], within: float = PATIENCE) -> None:
    async with asyncio.timeout(within):
        while not await there():
            await asyncio.sleep(0.02)
