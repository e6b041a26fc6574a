"""Clean pictures and sounds are read for what is shown of them. Nothing is read before its scan."""

import asyncio
from collections.abc import AsyncIterator

import structlog
from prometheus_client import Counter

from services.attachments.media.contents import CannotBeRead, Reason
from services.attachments.media.kinds import PICTURES, SOUNDS
from services.attachments.media.pool import WORKERS, Decoders
from services.attachments.repository.leases import Leases, Taken
from services.attachments.repository.previews import Previews, Shown
from services.attachments.sweep import preview_key
from services.attachments.workers import Workers
from shared.contracts.attachments.attachments import Unreadable
from shared.store.store import ObjectIsMissing, Store

log = structlog.get_logger()

WHY = {Reason.BROKEN: Unreadable.BROKEN, Reason.TOO_LARGE: Unreadable.TOO_LARGE}
TRIES = 3
PAUSE = 1.0  # seconds before another try

PREVIEWS = Counter("attachment_previews_total", "Clean files by what could be shown of them.", ["outcome"])


class Previewer:
    """A file is tried a few times where the machine may be what is wrong; then it is told to be unreadable, and served all the same."""

    def __init__(self, leases: Leases, previews: Previews, store: Store, decoders: Decoders) -> None:
        self._previews, self._store, self._decoders = previews, store, decoders
        self.workers = Workers("previews", leases.to_preview, self._preview, leases.renew, previews.give_back, at_once=WORKERS)

    def start(self) -> None:
        self.workers.start()

    async def stop(self) -> None:
        await self.workers.stop()
        await self._decoders.close()

    async def _preview(self, taken: Taken) -> None:
        shown = await self._shown(taken)
        if shown is None:
            await self._previews.left(taken)
            return
        if await self._previews.shown(taken, shown):
            PREVIEWS.labels("unreadable" if shown.unreadable else "shown").inc()
        elif await self._previews.is_deleted(taken.file.id):
            await self._store.delete(*(preview_key(taken.file.id, width) for width in shown.widths))

    async def _shown(self, taken: Taken) -> Shown | None:
        """Nothing of what is neither picture nor sound."""
        file, reason = taken.file, Reason.BROKEN
        if file.mime_type not in PICTURES | SOUNDS:
            return None
        for tried in range(1, TRIES + 1):
            try:
                return await (self._picture(taken) if file.mime_type in PICTURES else self._sound(taken))
            except CannotBeRead as error:
                reason = error.reason
                log.info("no_preview", attachmentId=file.id, mimeType=file.mime_type, reason=str(error), tries=tried)
                if not error.may_pass:
                    break
            except ObjectIsMissing:
                log.error("object_is_missing", attachmentId=file.id, key=file.storage_key)
                return None
            if tried < TRIES:
                await asyncio.sleep(PAUSE)
        return Shown(unreadable=WHY.get(reason, Unreadable.FAILED))

    async def _picture(self, taken: Taken) -> Shown:
        picture = await self._decoders.picture(self._store.read(taken.file.storage_key))
        for width, preview in picture.previews.items():
            await self._store.write(preview_key(taken.file.id, width), _whole(preview))
        return Shown(width=picture.width, height=picture.height, widths=[*picture.previews])

    async def _sound(self, taken: Taken) -> Shown:
        sound = await self._decoders.sound(self._store.read(taken.file.storage_key))
        return Shown(duration=sound.duration, waveform=sound.waveform)


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content
