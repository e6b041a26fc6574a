"""Processes of Atrium that need not import it first: they are forked from one that has, which costs milliseconds instead of seconds.

Each is a process of its own, with its own session, environment and files, and runs what `python -m atrium` runs.
"""

import asyncio
import fcntl
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[1]
_IMPORTED = (
    "atrium.__main__",
    *(f"atrium.{command}" for command in ("run", "attachments", "doctor", "events", "graph", "parked", "replay", "scans", "users")),
    *(f"services.{name}.main" for name in ("identity", "threads", "messages", "attachments", "projects", "graph", "gateway")),
    "services.graph.mirror.opening",
    "shared.store.s3",
)
_MOST = 1 << 20
PAUSE = 0.02


class Forked(subprocess.Popen[bytes]):
    """`python -m atrium` with some arguments, as `Popen` would have it."""

    _child_created = False  # not by the one that is asked here

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], *, files: Sequence[int]) -> None:
        """files: its standard input, output and error."""
        self.args, self.returncode = arguments, None
        self.stdin = self.stdout = self.stderr = None
        self._ends, theirs = os.pipe2(os.O_CLOEXEC)
        fcntl.fcntl(self._ends, fcntl.F_SETFL, os.O_NONBLOCK)
        try:
            self.pid = _nursery().fork(arguments, environment, [theirs, *files])
        finally:
            os.close(theirs)

    def poll(self) -> int | None:
        if self.returncode is None:
            try:
                said = os.read(self._ends, 64)
            except BlockingIOError:
                return None
            self.returncode = int(said) if said else -signal.SIGKILL
            os.close(self._ends)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        until = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            select.select([self._ends], [], [], PAUSE)
        return int(self.returncode)

    async def ended(self) -> int:
        while self.poll() is None:
            await asyncio.sleep(PAUSE / 4)
        return int(self.returncode)

    def __del__(self) -> None:
        """It outlives who asked for it, as far as anybody lets it."""


async def run(arguments: Sequence[str], environment: Mapping[str, str], typed: bytes = b"") -> tuple[int, bytes, bytes]:
    """Until it ends: its exit code, and what it showed and said."""
    reading, typing = os.pipe2(os.O_CLOEXEC)
    os.write(typing, typed)  # which a pipe holds
    os.close(typing)
    shown, said = os.memfd_create("shown"), os.memfd_create("said")
    try:
        code = await Forked(arguments, environment, files=[reading, shown, said]).ended()
        return code, _all_of(shown), _all_of(said)
    finally:
        for file in (reading, shown, said):
            os.close(file)


def _all_of(file: int) -> bytes:
    return os.pread(file, os.fstat(file).st_size, 0)


class _Nursery:
    """The process that is forked, as seen from here."""

    def __init__(self) -> None:
        self._asking, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-m", "tests.forks", str(theirs.fileno())]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ATRIUM_")}
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=quiet, stdout=quiet, pass_fds=[theirs.fileno()], start_new_session=True
        )
        theirs.close()

    def fork(self, arguments: Sequence[str], environment: Mapping[str, str], files: Sequence[int]) -> int:
        asked = json.dumps({"arguments": list(arguments), "environment": dict(environment)}).encode()
        socket.send_fds(self._asking, [asked], files)
        answer = self._asking.recv(64)
        assert answer, "what is forked has ended"
        return int(answer)


@cache
def _nursery() -> _Nursery:
    """It ends with this process, as nobody asks any more."""
    return _Nursery()


def prepare() -> None:
    """Who will need one soon need not wait for it then."""
    _nursery()


def _serve(asked: socket.socket) -> list[str]:
    """Fork whenever asked to. Returns in each that is forked, with its arguments; ends when nobody can ask any more."""
    woken, wakes = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    ends: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([asked.fileno(), woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            _report(ends)
        if asked.fileno() in ready:
            said, files, _, _ = socket.recv_fds(asked, _MOST, 4)
            if not said:
                sys.exit()
            child = os.fork()
            if child == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for file in (woken, wakes, *ends.values(), files[0]):
                    os.close(file)
                return _become(json.loads(said), files[1:], asked)
            ends[child] = files[0]
            for file in files[1:]:
                os.close(file)


def _report(ends: dict[int, int]) -> None:
    """To those who wait for the ends of processes."""
    while ends:
        child, status = os.waitpid(-1, os.WNOHANG)
        if child == 0:
            return
        end = ends.pop(child)
        os.write(end, str(os.waitstatus_to_exitcode(status)).encode())
        os.close(end)


def _become(said: dict[str, object], files: list[int], asked: socket.socket) -> list[str]:
    """A process of its own, of which who asked knows once it is one."""
    os.setsid()
    for place, file in enumerate(files):
        os.dup2(file, place)
        os.close(file)
    arguments, environment = said["arguments"], said["environment"]
    assert isinstance(arguments, list)
    assert isinstance(environment, dict)
    os.environ.clear()
    os.environ.update(environment)
    asked.send(str(os.getpid()).encode())
    asked.close()
    return arguments


def _main() -> None:
    for name in _IMPORTED:
        import_module(name)
    gc.collect()
    gc.freeze()
    arguments = _serve(socket.socket(fileno=int(sys.argv[1])))
    main = import_module("atrium.__main__")
    sys.argv = [str(main.__file__), *arguments]
    main.main()


if __name__ == "__main__":
    _main()
