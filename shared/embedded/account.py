"""The system user that PostgreSQL runs as when root starts it: PostgreSQL refuses to run as root."""

import os
import pwd
import subprocess
from dataclasses import dataclass

from shared.application import CannotStart

NAMES = ("atrium", "_postgres")  # macOS has _postgres, and no useradd


class NoAccount(CannotStart):
    """PostgreSQL does not run as root, and there is no user that it could run as; the message says how to mend it."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the system."""

    name: str
    uid: int
    gid: int


def postgres_account() -> Account | None:
    """The user to run PostgreSQL as; None for ourselves. Root gets the system user `atrium`, which is made when it is missing."""
    if os.geteuid() != 0:
        return None
    return _existing() or _made()


def _existing() -> Account | None:
    for name in NAMES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    return None


def _made() -> Account:
    command = [
        "useradd",
        "--system",
        "--user-group",
        "--no-create-home",
        "--home-dir",
        "/nonexistent",
        "--shell",
        "/usr/sbin/nologin",
        NAMES[0],
    ]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stderr.strip()
    except OSError as error:
        said = str(error)
    account = _existing()  # also when another start of ours made it first
    if account is None:
        raise NoAccount(
            f"PostgreSQL does not run as root, and its user `atrium` could not be made ({said}): make that user, or don't start as root."
        )
    return account
