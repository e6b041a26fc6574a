"""A real clamd for tests, with two signatures made by hand."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import override

from clamd import EICAR

from shared.embedded import Clamd
from shared.embedded.clamd import MEBIBYTE, clamd_program
from tests.installed import installed

LIMIT = 8 * MEBIBYTE


class ClamdServer(Clamd):
    """The one that `atrium up` starts. The folder's path must be short: its socket is there. others: options that differ."""

    def __init__(self, folder: Path, limit: int = LIMIT, others: Mapping[str, str] | None = None) -> None:
        super().__init__(folder, folder, limit, installed_clamd(), signatures(folder / "signatures"))
        self._others = others or {}

    @override
    def options(self) -> dict[str, str]:
        return {**super().options(), **self._others}


def installed_clamd() -> str:
    return installed("clamd", "apt install clamav-daemon, or brew install clamav", clamd_program())


def signatures(folder: Path) -> Path:
    """A database that knows the EICAR test file, alone and within other bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.md5(EICAR, usedforsecurity=False).hexdigest()
    (folder / "test.hdb").write_text(f"{digest}:{len(EICAR)}:Eicar-Test-Signature\n")
    (folder / "test.ndb").write_text(f"Eicar-Test-Signature-Body:0:*:{EICAR.hex()}\n")
    return folder
