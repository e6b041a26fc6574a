"""clamd, the scanner: one that runs on this machine already, or one of our own."""

import asyncio
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shared.embedded.account import Account
from shared.embedded.program import Program

MEBIBYTE = 1024 * 1024
FOLDERS_OF_PROGRAMS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")  # often not on the path of those who are not root
OFFICIAL = ("main.cvd", "main.cld", "daily.cvd", "daily.cld")
HAND_MADE = (".hdb", ".hsb", ".ndb", ".ldb")

LEAST_LOOKED_AT = 256 * MEBIBYTE
MOST_LOOKED_AT = 2_047 * MEBIBYTE  # clamd's own bound
SCAN_MAY_TAKE = 60_000  # ms
INSTALL = "install ClamAV (`apt install clamav-daemon`, `brew install clamav`) and fetch its signatures with `freshclam`"


@dataclass(frozen=True, slots=True)
class System:
    """Where systems keep what belongs to ClamAV."""

    configurations: tuple[str, ...] = (
        "/etc/clamav/clamd.conf",
        "/etc/clamd.d/scan.conf",
        "/etc/clamd.conf",
        "/usr/local/etc/clamav/clamd.conf",
        "/opt/homebrew/etc/clamav/clamd.conf",
    )
    sockets: tuple[str, ...] = ("/run/clamav/clamd.ctl", "/run/clamav/clamd.sock", "/run/clamd.scan/clamd.sock")
    databases: tuple[str, ...] = (
        "/var/lib/clamav",
        "/usr/local/share/clamav",
        "/opt/homebrew/var/lib/clamav",
        "/usr/local/var/lib/clamav",
    )

    def configured(self, option: str) -> Iterator[str]:
        """What the system's own configurations of clamd say."""
        for configuration in self.configurations:
            try:
                lines = Path(configuration).read_text().splitlines()
            except (OSError, UnicodeDecodeError):
                continue
            yield from (words[1] for line in lines if len(words := line.split()) == 2 and words[0] == option)


SYSTEM = System()


class Clamd(Program):
    """clamd on a socket in `sockets`, a private folder. limit: bytes of the largest file that it is given."""

    name = "clamd"
    patience = 300.0  # the official signatures take most of a minute on a small machine

    def __init__(self, data: Path, sockets: Path, limit: int, program: str, database: Path, account: Account | None = None) -> None:
        self.data = data / "clamav"
        self.log = data / "logs" / "clamd.log"
        self.socket = sockets / "clamd.sock"
        self.url = f"unix://{self.socket}"
        self.account = account
        self._limit, self._program, self._database = limit, program, database

    @property
    def configuration(self) -> Path:
        return self.data / "clamd.conf"

    def command(self) -> list[str]:
        return [self._program, "--config-file", str(self.configuration)]

    def options(self) -> dict[str, str]:
        """Of clamd.conf."""
        looked_at = str(min(max(LEAST_LOOKED_AT, 4 * self._limit), MOST_LOOKED_AT))
        user = {"User": "root"} if os.geteuid() == 0 and self.account is None else {}
        return {
            **user,
            "LocalSocket": str(self.socket),
            "LocalSocketMode": "600",
            "DatabaseDirectory": str(self._database),
            "TemporaryDirectory": str(self.data / "temporary"),
            "Foreground": "yes",
            "ExitOnOOM": "yes",  # it is started again
            "StreamMaxLength": str(self._limit + MEBIBYTE),
            # One size for both: what is longer than MaxFileSize in an archive is cut off there without a word, and only MaxScanSize
            # then has clamd say that it did not look at all of it. (libclamav/unzip.c)
            "MaxFileSize": looked_at,
            "MaxScanSize": looked_at,
            "MaxScanTime": str(SCAN_MAY_TAKE),
            "MaxRecursion": "17",
            "MaxFiles": "10000",
            "AlertExceedsMax": "yes",
            "AlertEncrypted": "yes",
            # clamd knows what it found clean by its MD5 (before 1.5): of two files with one MD5, the second would not be looked at.
            "DisableCache": "yes",
            "ConcurrentDatabaseReload": "no",  # new signatures beside the old ones are another gigabyte
        }

    async def prepare(self) -> None:
        await super().prepare()
        temporary = self.data / "temporary"
        shutil.rmtree(temporary, ignore_errors=True)  # what a clamd that was killed left
        temporary.mkdir(mode=0o700, parents=True)
        self.configuration.touch(mode=0o600)
        self.configuration.write_text("".join(f"{option} {value}\n" for option, value in self.options().items()))
        if self.account:
            for ours in (self.data, temporary, self.configuration):
                os.chown(ours, self.account.uid, self.account.gid)
        self.socket.unlink(missing_ok=True)

    async def answers(self) -> bool:
        return await _answers(self.socket)


async def running_clamd(system: System = SYSTEM) -> str | None:
    """The URL of a clamd that runs on this machine already. Not of one in a folder like /tmp: anybody can say OK there."""
    for place in map(Path, (*system.configured("LocalSocket"), *system.sockets)):
        if not _is_open_to_all(place.parent) and await _answers(place):
            return f"unix://{place}"
    return None


def own_clamd(
    data: Path, sockets: Path, limit: int, database: Path | None = None, account: Account | None = None, system: System = SYSTEM
) -> Clamd | str:
    """One that can be started, or what is missing for that. database: where the signatures are, if not where the system keeps them."""
    program = clamd_program()
    if program is None:
        return f"clamd is not installed: {INSTALL}."
    signatures = _signatures(database, system)
    if signatures is None:
        return f"clamd has no signatures{f' in {database}' if database else ''}: fetch them with `freshclam`."
    return Clamd(data, sockets, limit, program, signatures, account)


def clamd_program() -> str | None:
    return shutil.which("clamd") or shutil.which("clamd", path=os.pathsep.join(FOLDERS_OF_PROGRAMS))


def _signatures(database: Path | None, system: System) -> Path | None:
    """A folder that holds signatures. Where the system keeps them the official ones must be; somebody's own may have what they like."""
    if database is not None:
        named = list(database.iterdir()) if database.is_dir() else []
        return database if any(file.name in OFFICIAL or file.suffix in HAND_MADE for file in named) else None
    places = [Path(value) for value in (*system.configured("DatabaseDirectory"), *system.databases)]
    return next((place for place in places if any(os.access(place / name, os.R_OK) for name in OFFICIAL)), None)


def _is_open_to_all(folder: Path) -> bool:
    return folder.is_dir() and bool(folder.stat().st_mode & stat.S_IWOTH)


async def _answers(socket: Path) -> bool:
    try:
        reader, writer = await asyncio.open_unix_connection(socket)
    except OSError:
        return False
    try:
        writer.write(b"nPING\n")
        return await asyncio.wait_for(reader.readline(), 1) == b"PONG\n"
    except (OSError, TimeoutError):
        return False
    finally:
        writer.close()
