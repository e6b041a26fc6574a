"""`atrium up` as people start it, in a process of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from shared.embedded import data_folder as data_folder_for
from shared.embedded.folders import SOCKETS, digest
from tests.processes import free_port
from tests.servers import data_folder

PROJECT = Path(__file__).parents[3]
PATIENCE = 60.0
BANNER = "Ctrl-C stops it; the data stays."


def eventually[T](found: Callable[[], T], what: str, within: float = PATIENCE) -> T:
    """What `found` answers, as soon as it is true."""
    until = time.monotonic() + within
    while not (answer := found()):
        assert time.monotonic() < until, f"not within {within} s: {what}"
        time.sleep(0.05)
    return answer


class Up:
    """One `atrium up`. Nothing of the environment's settings gets into it but what is given here."""

    def __init__(self, data: Path, port: int | None = None, settings: Mapping[str, str] | None = None) -> None:
        self.data, self.port = data, port or free_port()
        self._settings = settings or {}
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as this object
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("ATRIUM_", "MAKE"))}
        return {**ours, "ATRIUM_DATA": str(self.data), "ATRIUM_PORT": str(self.port), **self._settings}

    def start(self, command: tuple[str, ...] = (sys.executable, "-m", "atrium", "up")) -> "Up":
        self.process = subprocess.Popen(
            command, cwd=PROJECT, env=self.environment, stdout=self._output, stderr=subprocess.STDOUT, start_new_session=True
        )
        return self

    def started(self) -> "Up":
        """Start it and wait for the banner."""
        self.start()
        until = time.monotonic() + PATIENCE
        while BANNER not in self.shown():
            assert self.process is not None
            assert self.process.poll() is None, f"it ended with {self.process.poll()}: {self.shown()}"
            assert time.monotonic() < until, f"no banner within {PATIENCE} s: {self.shown()}"
            time.sleep(0.05)
        return self

    def shown(self) -> str:
        """All that it has shown so far."""
        return os.pread(self._output.fileno(), 1_000_000, 0).decode()

    def processes(self) -> dict[str, psutil.Process]:
        """What it started, by name; nothing when it does not run."""
        try:
            kept = json.loads((data_folder_for(self.data) / "run.json").read_text())["processes"]
        except (FileNotFoundError, NotADirectoryError):
            return {}
        running = {process.pid: process for process in psutil.process_iter()}
        return {process["name"]: running[process["pid"]] for process in kept if process["pid"] in running}

    def end(self, number: signal.Signals) -> int:
        """Send it a signal and wait for its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def exit_code(self) -> int:
        assert self.process is not None
        return self.process.wait(PATIENCE)

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def clear(self) -> None:
        """End whatever of it still runs."""
        leftovers = list(self.processes().values())
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for process in leftovers:
            process.kill()
        psutil.wait_procs(leftovers, 5)
        shutil.rmtree(SOCKETS / f"atrium-{os.geteuid()}-{digest(data_folder_for(self.data))}", ignore_errors=True)
        self._output.close()


@contextmanager
def an_up(data: Path, port: int | None = None, settings: Mapping[str, str] | None = None) -> Iterator[Up]:
    atrium = Up(data, port, settings)
    try:
        yield atrium
    finally:
        atrium.clear()


@contextmanager
def a_running_atrium() -> Iterator[Up]:
    """One that has shown its banner, with a data folder of its own."""
    with data_folder() as data, an_up(data / "data") as atrium:
        yield atrium.started()


def first_lines(shown: str) -> str:
    """The three lines of the banner, as a person would copy them."""
    lines = shown.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("Paste these three lines")) + 1
    return "\n".join(lines[start : start + 3]) + "\n"


def paste(lines: str) -> dict[str, object]:
    """What the last of the lines answers when all are pasted into a shell."""
    pasted = subprocess.run(["sh", "-s"], input=lines, capture_output=True, text=True, timeout=30, check=False)
    try:
        answer: dict[str, object] = json.loads(pasted.stdout)
    except ValueError:
        raise AssertionError(f"the shell said: {pasted.stdout} {pasted.stderr}") from None
    return answer
