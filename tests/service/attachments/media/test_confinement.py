"""A worker has nothing of its owner's, can reach nothing, and does not outlive it."""

import asyncio
import ctypes
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from services.attachments.media.limits import CREATE_RULESET, Limits
from services.attachments.media.pool import Decoders
from services.attachments.media.process import MODULE, ROOT
from tests.service.attachments.media import samples
from tests.service.attachments.media.workers import chunks, gone, workers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")


def landlock() -> int:
    """Its version in this kernel; less than 1 where it has none."""
    return int(ctypes.CDLL(None).syscall(CREATE_RULESET, None, 0, 1)) if sys.platform == "linux" else 0


async def test_a_worker_has_nothing_of_ours_and_can_get_nothing_else() -> None:
    decoders = Decoders(1)
    os.environ["ATRIUM_TEST_SECRET"] = "secret"
    try:
        await decoders.picture(chunks(samples.picture()))
    finally:
        del os.environ["ATRIUM_TEST_SECRET"]
    (worker,) = workers()
    assert set(worker.environ()) <= {"PATH", "LC_ALL", "LC_CTYPE", "PYTHONPATH", "MALLOC_ARENA_MAX"}
    assert sorted(os.listdir(f"/proc/{worker.pid}/fd")) == ["0", "1", "2"]
    assert worker.rlimit(psutil.RLIMIT_NOFILE) == (0, 0)
    assert worker.rlimit(psutil.RLIMIT_NPROC) == (0, 0)
    assert worker.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)
    assert worker.rlimit(psutil.RLIMIT_AS)[1] == Limits().memory * 1024 * 1024
    assert os.getpgid(worker.pid) == worker.pid, "a Ctrl-C that is meant for us misses it"
    await decoders.close()


OWNER = """
import asyncio, os, socket, sys, uvloop
from services.attachments.media.pool import Decoders
from tests.service.attachments.media import samples
from tests.service.attachments.media.workers import chunks, workers

async def main():
    ours = socket.socket()
    ours.set_inheritable(True)
    await Decoders().picture(chunks(samples.picture()))
    (worker,) = workers()
    print(worker.pid, *sorted(os.listdir(f"/proc/{worker.pid}/fd")), flush=True)
    await asyncio.Event().wait()

uvloop.run(main())
"""


async def test_a_worker_dies_with_its_owner_and_shares_no_socket_of_its() -> None:
    owner = await asyncio.create_subprocess_exec(sys.executable, "-c", OWNER, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    assert owner.stdout
    try:
        pid, *files = (await owner.stdout.readline()).decode().split()
        worker = psutil.Process(int(pid))
        worker.suspend()  # so that it does not see that its socket was closed
    finally:
        owner.kill()
        await owner.wait()
    await gone(worker)
    assert files == ["0", "1", "2"]


def test_a_worker_loads_nothing_of_the_house() -> None:
    script = (
        f"import sys, {MODULE}; print(*(name for name in sys.modules if name.split('.')[0] in ('services', 'shared', 'atrium', 'nats')))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    assert [name for name in loaded if not name.startswith("services.attachments.media.")] == [
        "services",
        "services.attachments",
        "services.attachments.media",
    ]


def test_the_service_loads_no_decoder() -> None:
    script = "import sys, services.attachments.media.pool; print(*{'PIL', 'av'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split() == []


CONFINED = """
import os, sys
from services.attachments.media.limits import Limits, confine

folder, victim = sys.argv[1], int(sys.argv[2])
confine(Limits())

def tried(deed, *what):
    try:
        deed(*what)
    except OSError as error:
        return type(error).__name__
    return "done"

tries = [(os.unlink, "a"), (os.rename, "a", "b"), (os.truncate, "a", 0), (os.mkdir, "c"), (os.symlink, "a", "d")]
done = [tried(deed, *(path if path == 0 else f"{folder}/{path}" for path in paths)) for deed, *paths in tries]
print(*done, tried(os.kill, victim, 9))
"""


@pytest.mark.skipif(landlock() < 6, reason="this kernel has no Landlock that knows processes")
def test_a_worker_touches_no_file_and_no_process_of_its_user(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("precious")
    with subprocess.Popen(["sleep", "60"]) as other:
        command = [sys.executable, "-c", CONFINED, str(tmp_path), str(other.pid)]
        said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
        assert said == ["PermissionError"] * 6
        other.kill()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "precious"}
