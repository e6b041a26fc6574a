"""Whether there is a clamd that is to be believed, now."""

import asyncio
from contextlib import suppress

import structlog

from services.attachments.scanning.clamd import Clamd, Version
from services.attachments.scanning.examination import examine
from services.attachments.scanning.verdicts import ClamdIsAway

log = structlog.get_logger()

ASKED_EVERY = 10.0  # seconds from one look at a clamd that is well to the next
EXAMINED_EVERY = 600.0  # it may have been restarted between two looks, and set up in another way
MENDED_WITHIN = 3_600.0  # seconds after which one that is set up wrongly is examined again
PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # seconds between looks for one that is away


class Readiness:
    """Files wait until clamd was examined and found well. One that was away is examined before it is believed again:
    it may be another, or set up in another way."""

    def __init__(self, clamd: Clamd, limit: int, examined_every: float = EXAMINED_EVERY) -> None:
        self._clamd, self._limit, self._examined_every = clamd, limit, examined_every
        self._ready, self._doubted = asyncio.Event(), asyncio.Event()
        self._version = Version("", "")
        self.trouble: str | None = "clamd is being examined"
        """Why files wait, for people."""

    @property
    def signatures(self) -> str:
        """By which clamd scans, or newer ones."""
        return self._version.signatures or self._version.engine

    @property
    def is_ready(self) -> bool:
        return self._ready.is_set()

    async def wait(self) -> None:
        """Until there is one."""
        await self._ready.wait()

    async def answers(self) -> bool:
        """Whether clamd was there all the time of a scan that it gave no answer to. If not, files wait until it was examined again."""
        try:
            await self._clamd.ping()
        except ClamdIsAway as away:
            self._wait_for(str(away))
            self._doubted.set()
        return self.is_ready  # another may have found it away meanwhile, and this one asked when it was back

    async def keep(self) -> None:
        """As long as the service runs."""
        failures = 0
        while True:
            try:
                found = await examine(self._clamd, self._limit)
            except Exception as error:
                if not isinstance(error, ClamdIsAway):
                    log.exception("examination_failed")
                self._wait_for(str(error))
                await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])
                failures += 1
                continue
            failures = 0
            if found.troubles:
                self._wait_for(" ".join(found.troubles))
                await asyncio.sleep(MENDED_WITHIN)
            else:
                self._believe(found.version)
                await self._until_doubtful()

    async def _until_doubtful(self) -> None:
        """Until it is away, or was examined long ago."""
        now = asyncio.get_running_loop().time
        until = now() + self._examined_every
        while (left := until - now()) > 0:
            self._doubted.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._doubted.wait(), min(ASKED_EVERY, left))
            try:
                self._believe(await self._clamd.version())
            except ClamdIsAway as away:
                self._wait_for(str(away))
                return

    def _believe(self, version: Version) -> None:
        if not self.is_ready:
            log.info("clamd_is_ready", engine=version.engine, signatures=version.signatures)
        self._version, self.trouble = version, None
        self._ready.set()

    def _wait_for(self, trouble: str) -> None:
        if trouble != self.trouble:
            log.warning("files_wait_unscanned", reason=trouble)
        self.trouble = trouble
        self._ready.clear()
