"""`run.json` in the data folder: where a running Atrium is, and which processes belong to it."""

import json
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from shared.embedded import Identity

CLOCK_STEP = 2.0  # seconds by which a start time can seem to move when the machine's clock is set
LEFTOVERS_MAY_TAKE = 5.0


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where what runs can be reached; no passwords of ours."""

    postgres: str
    nats: str
    redis: str
    gateway: str


@dataclass(frozen=True, slots=True)
class Record:
    """The record of one data folder."""

    data: Path

    @property
    def path(self) -> Path:
        return self.data / "run.json"

    def write(self, addresses: Addresses, processes: Iterable[Identity]) -> None:
        """Written anew, at once, for its owner alone."""
        found = {f"{name}Url": url for name, url in asdict(addresses).items()}
        draft = self.path.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps({**found, "processes": [asdict(process) for process in processes]}, indent=2) + "\n")
        os.replace(draft, self.path)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)

    def end_leftovers(self) -> list[str]:
        """End what the last run left behind when it was killed: the last started first. Their names, or nothing."""
        ended = []
        for identity in reversed(self._kept()):
            process = self._leftover(identity)
            if process is not None:
                _end(process)
                ended.append(identity.name)
        return ended

    def _kept(self) -> list[Identity]:
        try:
            return [Identity(**process) for process in json.loads(self.path.read_text())["processes"]]
        except (FileNotFoundError, ValueError, KeyError, TypeError):  # none, or not ours to understand: then nothing is ended
            return []

    def _leftover(self, identity: Identity) -> psutil.Process | None:
        """The recorded process, if it still is that one: the pid, the start time and the data folder must all be the same."""
        try:
            process = psutil.Process(identity.pid)
            if abs(process.create_time() - identity.started) > CLOCK_STEP or _has_ended(process):
                return None
            ours = process.environ().get("ATRIUM_DATA") == str(self.data) or str(self.data) in " ".join(process.cmdline())
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return None
        return process if ours else None


def _end(process: psutil.Process) -> None:
    for number in (signal.SIGINT, signal.SIGKILL):
        try:
            process.send_signal(number)
            process.resume()
        except psutil.NoSuchProcess:
            return
        until = time.monotonic() + LEFTOVERS_MAY_TAKE
        while time.monotonic() < until:
            if _has_ended(process):
                return
            time.sleep(0.02)


def _has_ended(process: psutil.Process) -> bool:
    """Also when nobody has asked yet how it ended, as in a container whose first process does not care."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
