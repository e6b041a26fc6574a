"""The scanner: files that wait go to clamd, and what it says of them to their rows. Only clamd's own word makes a file clean."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import structlog
from prometheus_client import Counter, Histogram

from services.attachments.media.kinds import PICTURES, SOUNDS
from services.attachments.quarantine import Quarantine
from services.attachments.repository.leases import Leases, Taken
from services.attachments.repository.scans import Outcome, Scans
from services.attachments.scanning.clamd import Clamd
from services.attachments.scanning.readiness import Readiness
from services.attachments.scanning.verdicts import ClamdHungUp, ClamdIsAway, Clean, Infected, Verdict
from services.attachments.turns import Turns
from services.attachments.workers import Workers
from shared.contracts.attachments.attachments import ScanStatus
from shared.contracts.refusals import Refusal
from shared.database.groups import Groups
from shared.store.store import ObjectIsMissing, Store, StoreIsAway

log = structlog.get_logger()

AT_ONCE = 8  # files that one process has scanned
PLACES = 2 * AT_ONCE  # clamd has the next ones while what it said of the last ones is committed
MOST_TRIES = 10  # with a clamd that answers and a store that does
SHORTEST_WAIT, LONGEST_WAIT = timedelta(seconds=1), timedelta(minutes=5)

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 150.0)
SCAN_SECONDS = Histogram("attachment_scan_seconds", "A scan, from the first byte read to what came of it.", buckets=_SECONDS)
VERDICT_SECONDS = Histogram(
    "attachment_verdict_seconds", "From when a file began to wait for its verdict to that.", buckets=(*_SECONDS, 600.0, 3_600.0)
)
SCANS = Counter("attachment_scans_total", "Scans by what came of them; `pending`: the file waits for another.", ["outcome"])


class Scanner:
    """previews: told that there are clean files."""

    def __init__(
        self, leases: Leases, scans: Scans, store: Store, clamd: Clamd, readiness: Readiness, quarantine: Quarantine, previews: Workers
    ) -> None:
        self._leases, self._store, self._clamd = leases, store, clamd
        self._quarantine, self._previews = quarantine, previews
        self._readiness, self._scans = readiness, scans
        self._verdicts = Groups[str, Outcome, bool](self._settle)
        self._setbacks: dict[UUID, int] = {}  # by files that the store did not give
        self._suspects: set[UUID] = set()  # files that were being scanned when clamd died
        self._turns, self._scanning = Turns(), asyncio.Semaphore(AT_ONCE)
        self._workers = Workers("scanner", self._take, self._scan, leases.renew, self._give_back, at_once=PLACES)
        self._watch: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._watch = asyncio.create_task(self._readiness.keep(), name="attachments clamd")
        self._workers.start()

    def poke(self) -> None:
        """A file came."""
        self._workers.poke()

    async def stop(self) -> None:
        await self._workers.stop()
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        self._clamd.close()

    async def _take(self, most: int) -> list[Taken]:
        """None while clamd is away, so that what waits says so, and since when."""
        await self._readiness.wait()
        return await self._leases.to_scan(most)

    async def _scan(self, taken: Taken) -> None:
        async with self._scanning:
            started = time.perf_counter()
            async with self._turns.alone() if taken.file.id in self._suspects else self._turns.together():
                outcome = await self._outcome(taken)
            SCAN_SECONDS.observe(time.perf_counter() - started)
        if not await self._verdicts.join("verdicts", outcome):
            log.warning("scan_came_too_late", attachmentId=taken.file.id, status=outcome.status)
            self._forget(taken.file.id)
            return
        SCANS.labels(outcome.status.value).inc()
        if outcome.status is not ScanStatus.PENDING:
            self._forget(taken.file.id)
            VERDICT_SECONDS.observe(max((datetime.now(UTC) - taken.waits_since).total_seconds(), 0))
            log.info("attachment_scanned", attachmentId=taken.file.id, status=outcome.status, result=outcome.result)
        if outcome.status is ScanStatus.INFECTED:
            self._quarantine.poke()
        elif outcome.has_preview:
            self._previews.poke()

    def _forget(self, attachment_id: UUID) -> None:
        self._setbacks.pop(attachment_id, None)
        self._suspects.discard(attachment_id)

    async def _outcome(self, taken: Taken) -> Outcome:
        if not self._readiness.is_ready:
            return _undone(taken)
        signatures = self._readiness.signatures
        try:
            return await self._found(taken, signatures)
        except StoreIsAway as away:
            return self._set_back(taken, away)
        except (Refusal, asyncpg.PostgresError):
            raise  # no outcome could be written now
        except Exception as error:
            log.exception("scan_failed", attachmentId=taken.file.id)
            return _tried(taken, f"the scan broke off by a {type(error).__name__}", signatures)

    async def _found(self, taken: Taken, signatures: str) -> Outcome:
        try:
            return _verdict(taken, await self._clamd.scan(_all(self._store.read(taken.file.storage_key), taken.file.size)), signatures)
        except ObjectIsMissing:
            return await self._missing(taken, signatures)
        except ClamdIsAway as away:
            return await self._unanswered(taken, away, signatures)

    async def _missing(self, taken: Taken, signatures: str) -> Outcome:
        """A try like any other: the store's volume may not be mounted yet."""
        if await self._scans.key_of(taken.file.id) != taken.file.storage_key or await self._quarantine.has(taken.file):
            return _undone(taken)  # it was moved meanwhile
        log.error("object_is_missing", attachmentId=taken.file.id, key=taken.file.storage_key)
        return _tried(taken, "its bytes are not in the store", signatures)

    async def _unanswered(self, taken: Taken, away: ClamdIsAway, signatures: str) -> Outcome:
        """A try counts where the file is what is wrong: clamd is well, or died of it alone."""
        if not await self._readiness.answers() and not self._died_of(taken, away):
            return _undone(taken)
        log.warning("scan_has_no_verdict", attachmentId=taken.file.id, tries=taken.attempts + 1, error=str(away))
        return _tried(taken, str(away), signatures)

    def _died_of(self, taken: Taken, away: ClamdIsAway) -> bool:
        """Of the files that were being scanned when clamd died, each is scanned alone the next time, which tells whose doing it was."""
        if not isinstance(away, ClamdHungUp):
            return False
        was_alone = taken.file.id in self._suspects
        self._suspects.add(taken.file.id)
        return was_alone

    def _set_back(self, taken: Taken, away: StoreIsAway) -> Outcome:
        """The store's trouble is not the file's, so it is no try."""
        self._setbacks[taken.file.id] = setbacks = self._setbacks.get(taken.file.id, 0) + 1
        log.warning("file_cannot_be_read", attachmentId=taken.file.id, error=str(away.__cause__ or away))
        return Outcome(taken, ScanStatus.PENDING, f"the store does not give it: {_cause_of(away)}", counts=False, wait=_growing(setbacks))

    async def _give_back(self, taken: Sequence[Taken]) -> None:
        await self._scans.settle([_undone(one) for one in taken])

    async def _settle(self, _: str, outcomes: Sequence[Outcome]) -> Sequence[bool]:
        return await self._scans.settle(outcomes)


async def _all(chunks: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """The bytes of a file. Raises `ObjectIsMissing` where they are not as many: what clamd says of others is not said of it."""
    read = 0
    try:
        async for chunk in chunks:
            read += len(chunk)
            yield chunk
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()
    if read != size:
        raise ObjectIsMissing


def _verdict(taken: Taken, verdict: Verdict, signatures: str) -> Outcome:
    match verdict:
        case Clean():
            has_preview = taken.file.mime_type in PICTURES | SOUNDS
            return Outcome(taken, ScanStatus.CLEAN, None, signatures, has_preview=has_preview)
        case Infected(name):
            return Outcome(taken, ScanStatus.INFECTED, name, signatures)
        case unscannable:
            return Outcome(taken, ScanStatus.UNSCANNABLE, f"{unscannable.reason}: {unscannable.said}", signatures)


def _tried(taken: Taken, why: str, signatures: str) -> Outcome:
    """To no end; it waits for the next try, if there is one."""
    tries = taken.attempts + 1
    if tries >= MOST_TRIES:
        return Outcome(taken, ScanStatus.FAILED, why, signatures)
    return Outcome(taken, ScanStatus.PENDING, why, wait=_growing(tries))


def _undone(taken: Taken) -> Outcome:
    """It waits as it did before it was taken."""
    return Outcome(taken, ScanStatus.PENDING, taken.file.scan_result, counts=False, wait=None)


def _cause_of(away: StoreIsAway) -> str:
    """Without paths: agents read it, too."""
    cause = away.__cause__ or away
    return (isinstance(cause, OSError) and cause.strerror) or str(cause)


def _growing(times: int) -> timedelta:
    return min(SHORTEST_WAIT * float(2 ** min(times - 1, 20)), LONGEST_WAIT)
