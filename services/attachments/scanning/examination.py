"""Whether a clamd is one to believe. It tells nobody its limits, and those of its package make it say OK to what it did not look
at: so it is tried with small files, in a few seconds, wherever it runs.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from services.attachments.scanning import probes
from services.attachments.scanning.clamd import Clamd, Version
from services.attachments.scanning.verdicts import Clean, Infected

MEND = "in clamd.conf, and restart clamd"


@dataclass(frozen=True, slots=True)
class Examination:
    """troubles: what is wrong and how to mend it, a line each; nothing may be scanned by a clamd that has any."""

    version: Version
    troubles: tuple[str, ...]


async def examine(clamd: Clamd, limit: int) -> Examination:
    """limit: bytes of the largest file that is taken. Raises `ClamdIsAway`."""
    version = await clamd.version()
    return Examination(version, tuple([trouble async for trouble in _troubles(clamd, limit)]))


async def _troubles(clamd: Clamd, limit: int) -> AsyncIterator[str]:
    if not isinstance(await clamd.scan(probes.test_virus()), Infected):
        yield "clamd does not find the EICAR test file: its signatures are not the official ones, or broken; run freshclam."
    if await clamd.scan(probes.zeros(limit)) != Clean():
        yield (
            f"clamd does not look at a file of {limit} bytes, which ATRIUM_ATTACHMENT_LIMIT allows: "
            f"set StreamMaxLength, MaxFileSize and MaxScanSize above it {MEND}."
        )
    if await clamd.scan(probes.encrypted_zip()) == Clean():
        yield f"clamd says OK to an encrypted archive: set `AlertEncrypted yes` {MEND}."
    if await clamd.scan(probes.deep_zip()) == Clean():
        yield f"clamd says OK to what is packed too deep for it to look at: set `AlertExceedsMax yes` {MEND}."
    elif await clamd.scan(probes.bomb()) == Clean():
        yield f"clamd cuts long files in archives off at MaxFileSize and says OK: set MaxScanSize to no more than MaxFileSize {MEND}."
