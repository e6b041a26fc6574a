"""Where the embedded servers keep their data and their sockets."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from shared.embedded.account import Account

SYSTEM_FOLDER = Path("/var/lib/atrium")
SOCKETS = Path("/tmp")  # noqa: S108  short on every system: a socket's path ends at 107 bytes (103 on macOS)
POSTGRES = "postgres"


def digest(path: Path) -> str:
    """A short name for a folder."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def data_folder(wanted: Path) -> Path:
    """The data folder that `wanted` stands for. For root, whose PostgreSQL runs as another user, that is a folder in
    /var/lib/atrium when this user cannot enter `wanted`: nobody's home is opened for it. Data that is there already decides first.
    """
    folder = wanted.expanduser().resolve()
    elsewhere = SYSTEM_FOLDER / digest(folder)
    if os.geteuid() != 0 or (folder / POSTGRES).exists():
        return folder
    if (elsewhere / POSTGRES).exists() or not all(_anyone_enters(part) for part in (folder, *folder.parents)):
        return elsewhere
    return folder


def _anyone_enters(folder: Path) -> bool:
    return not folder.is_dir() or bool(folder.stat().st_mode & stat.S_IXOTH)


def make_folder(folder: Path) -> None:
    """Make it and what is missing above it. PostgreSQL's user can enter what root makes; what is there stays as it is."""
    if folder.exists():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)


def socket_folder(data: Path, account: Account | None) -> Path:
    """The private folder of the sockets of one data folder. In /tmp anybody may have made it before us: then another is taken."""
    folder = SOCKETS / f"atrium-{os.geteuid()}-{digest(data)}"
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not _is_private(folder, account):
            folder = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=SOCKETS))
    if account:
        os.chown(folder, account.uid, account.gid)
    return folder


def _is_private(folder: Path, account: Account | None) -> bool:
    found = folder.lstat()
    owners = {os.geteuid(), account.uid if account else os.geteuid()}
    return stat.S_ISDIR(found.st_mode) and found.st_uid in owners and not found.st_mode & 0o077
