"""Which clamd a start uses: the one that is named, one that runs on this machine, one of its own, or none."""

from dataclasses import dataclass, field
from pathlib import Path

from services.attachments.scanning.clamd import Clamd as Client
from services.attachments.scanning.examination import examine
from services.attachments.scanning.verdicts import ClamdIsAway
from shared.embedded.account import Account
from shared.embedded.clamd import SYSTEM, Clamd, System, own_clamd, running_clamd
from shared.scanning import ScanningSettings


@dataclass(frozen=True, slots=True)
class Scanner:
    """url: None where files will wait. program: what must be started for it. notes: for the banner."""

    url: str | None
    program: Clamd | None = None
    notes: tuple[str, ...] = field(default=())


async def choose_scanner(
    settings: ScanningSettings, data: Path, sockets: Path, account: Account | None = None, system: System = SYSTEM
) -> Scanner:
    """account: the one that the sockets' folder belongs to, if not ourselves."""
    if settings.scanning == "off":
        return Scanner(None, notes=("ATRIUM_SCANNING is off: files are served as they came, and say so.",))
    if settings.clamd_url is not None:
        return Scanner(settings.clamd_url, notes=await _silence(settings.clamd_url))
    own = own_clamd(data, sockets, settings.attachment_limit, settings.clamd_database, account, system)
    running = await running_clamd(system)
    troubles = await _troubles(running, settings.attachment_limit) if running else ()
    if running and not troubles:
        return Scanner(running)
    if isinstance(own, Clamd):
        return Scanner(own.url, own)
    if running:
        return Scanner(running, notes=tuple(f"Files wait, unscanned: {trouble}" for trouble in troubles))
    return Scanner(None, notes=(f"Files wait, unscanned: {own} Or set ATRIUM_CLAMD_URL. Then start Atrium again.",))


async def _silence(url: str) -> tuple[str, ...]:
    """Of the named one, which is examined by whoever scans; here nobody waits for that."""
    client = Client(url)
    try:
        await client.ping()
    except ClamdIsAway as away:
        return (f"Files wait, unscanned, until the clamd of ATRIUM_CLAMD_URL is there: {away}.",)
    finally:
        client.close()
    return ()


async def _troubles(url: str, limit: int) -> tuple[str, ...]:
    client = Client(url)
    try:
        return (await examine(client, limit)).troubles
    except ClamdIsAway as away:
        return (f"{away}.",)
    finally:
        client.close()
