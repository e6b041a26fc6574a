"""What the service does by itself: it scans, makes previews, keeps what is infected apart, and says how it goes."""

import asyncio
from collections.abc import Callable

from prometheus_client import Gauge

from services.attachments.media.pool import Decoders
from services.attachments.previews import Previewer
from services.attachments.quarantine import Quarantine
from services.attachments.repository.leases import Leases
from services.attachments.repository.previews import Previews
from services.attachments.repository.scans import Scans
from services.attachments.scanner import AT_ONCE, Scanner
from services.attachments.scanning.clamd import Clamd
from services.attachments.scanning.readiness import Readiness
from services.attachments.settings import AttachmentsSettings
from shared.application import Dependency
from shared.contracts.refusals import ServiceIsUnavailable
from shared.database.connections import Database
from shared.rounds import Rounds
from shared.store.store import Store

MEASURED_EVERY = 5.0  # seconds
UNSCANNED_EVERY = 60.0  # another process may have taken files while its scanning was off
BATCH = 500

PENDING_AGE = Gauge("attachment_pending_age_seconds", "For how long the file that waits longest for its verdict has done so.")


class BackgroundWork:
    """scanner: None where scanning is off, or no clamd is named.

    poke: tells the relay of what was committed.
    """

    def __init__(self, settings: AttachmentsSettings, background: Database, store: Store, poke: Callable[[], None]) -> None:
        self._on = settings.scanning == "on"
        self._scans = scans = Scans(background, poke)
        leases = Leases(background, poke)
        self._quarantine = Quarantine(scans, store)
        self._previewer = Previewer(leases, Previews(background, poke), store, Decoders())
        self._rounds = [Rounds("attachments pending age", self._measure, MEASURED_EVERY)]
        self._scanner: Scanner | None = None
        self.readiness: Readiness | None = None
        if self._on:
            self._rounds.append(Rounds("attachments unscanned files", self._let_unscanned_wait, UNSCANNED_EVERY))
            if settings.clamd_url is not None:
                clamd = Clamd(settings.clamd_url, at_once=AT_ONCE, scan_within=settings.scan_timeout)
                self.readiness = Readiness(clamd, settings.attachment_limit)
                self._scanner = Scanner(leases, scans, store, clamd, self.readiness, self._quarantine, self._previewer.workers)

    def start(self) -> None:
        for each in (*self._rounds, self._quarantine, self._previewer, self._scanner):
            if each is not None:
                each.start()

    def poke(self) -> None:
        """A file came."""
        if self._scanner is not None:
            self._scanner.poke()

    def signatures(self) -> str | None:
        """By which files are scanned now; None while clamd is away."""
        return self.readiness.signatures if self.readiness is not None and self.readiness.is_ready else None

    async def stop(self) -> None:
        await asyncio.gather(
            *(each.stop() for each in (self._scanner, self._previewer, self._quarantine, *self._rounds) if each is not None)
        )

    async def health(self) -> Dependency:
        """Nothing else needs clamd: files wait without it."""
        if not self._on:
            return Dependency(ok=True, needed=False, notice="ATRIUM_SCANNING is off: files are served as they came")
        trouble = self.readiness.trouble if self.readiness is not None else "ATRIUM_CLAMD_URL names none"
        if trouble is None:
            return Dependency(ok=True, needed=False)
        try:
            oldest = await self._scans.oldest()
        except ServiceIsUnavailable:
            oldest = 0
        waits = f"; the oldest file has waited {oldest:.0f} s" if oldest else ""
        return Dependency(ok=False, detail=f"{trouble}{waits}", needed=False)

    async def _measure(self) -> None:
        PENDING_AGE.set(await self._scans.oldest())

    async def _let_unscanned_wait(self) -> None:
        while await self._scans.let_unscanned_wait(BATCH) == BATCH:
            self.poke()
        self.poke()
