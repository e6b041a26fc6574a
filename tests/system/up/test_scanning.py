"""`atrium up` and the scanner."""

import asyncio
import signal

import psutil
import pytest

from shared.embedded.clamd import running_clamd
from tests.clamav import installed_clamd, signatures
from tests.servers import data_folder
from tests.system.up.running import Up, an_up, eventually


def another_clamd(atrium: Up, than: psutil.Process | None = None) -> psutil.Process | None:
    found = atrium.processes().get("clamd")
    return None if found is None or (than and found.pid == than.pid) else found


def test_its_own_clamd_is_started_kept_running_and_stopped() -> None:
    installed_clamd()
    if asyncio.run(running_clamd()):
        pytest.skip("a clamd of this machine runs, and comes first")
    with data_folder() as data, an_up(data / "data", settings={"ATRIUM_CLAMD_DATABASE": str(signatures(data / "s"))}) as atrium:
        atrium.started()
        first = eventually(lambda: another_clamd(atrium), "clamd")
        assert first is not None
        first.kill()
        second = eventually(lambda: another_clamd(atrium, first), "clamd again")
        assert second is not None
        assert atrium.end(signal.SIGINT) == 0
        assert not second.is_running()
