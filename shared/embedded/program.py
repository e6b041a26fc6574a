"""A program that is started, watched and ended from here. It runs in a session of its own, so that a Ctrl-C meant for us misses it."""

import asyncio
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from shared.application import CannotStart
from shared.embedded.account import Account

PAUSE = 0.02
LOG_LIMIT = 10 * 1024 * 1024


class CouldNotStart(CannotStart):
    """A program ended before it answered, or did not answer in time; the message says why, in one line."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which process, for good: a pid alone is given out again."""

    name: str
    pid: int
    started: float

    @classmethod
    def of(cls, name: str, process: psutil.Process) -> "Identity":
        return cls(name, process.pid, process.create_time())


class Program(ABC):
    """One program and, while it runs, its process. It can be started again after it ended."""

    name: str
    log: Path
    account: Account | None = None
    ending = signal.SIGTERM
    patience = 60.0
    """Seconds that it may take until it answers: a database that was killed replays its log first."""

    _process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """The program and its arguments."""

    def environment(self) -> Mapping[str, str]:
        """Little of ours: variables such as PGPORT would change what a server does."""
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}

    @property
    def folder(self) -> Path:
        """Where the program is started."""
        return Path("/")

    async def prepare(self) -> None:
        """What must be there before the program starts."""
        self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def answers(self) -> bool:
        """Whether it does its work yet."""
        return True

    async def start(self) -> None:
        """Start it and wait until it answers; a start that fails or is given up leaves nothing behind."""
        await self.prepare()
        self.spawn()
        try:
            await self._answering()
        except BaseException:
            self.kill()
            raise

    def spawn(self) -> None:
        """Start it, without waiting for anything."""
        as_user = {"user": self.account.uid, "group": self.account.gid, "extra_groups": []} if self.account else {}
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        with open(os.open(self.log, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "wb") as log:
            self._process = subprocess.Popen(  # type: ignore[call-overload]
                self.command(),
                cwd=self.folder,
                env=dict(self.environment()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **as_user,
            )

    async def _answering(self) -> None:
        until = time.monotonic() + self.patience
        while not await self.answers():
            if not self.running:
                raise CouldNotStart(f"{self.name} ended at once: {self.last_words()} (see {self.log})")
            if time.monotonic() > until:
                raise CouldNotStart(f"{self.name} did not answer within {self.patience:.0f} s (see {self.log})")
            await asyncio.sleep(PAUSE)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def identity(self) -> Identity | None:
        """None when it does not run."""
        if not self.running:
            return None
        try:
            return Identity.of(self.name, psutil.Process(self.process.pid))
        except psutil.NoSuchProcess:
            return None

    async def ended(self, within: float | None = None) -> int | None:
        """Wait for its end: the exit code (minus the signal that ended it), or None when `within` seconds passed first."""
        until = None if within is None else time.monotonic() + within
        while (code := self.process.poll()) is None:
            if until is not None and time.monotonic() > until:
                return None
            await asyncio.sleep(PAUSE)
        return code

    async def stop(self, within: float = 5) -> None:
        """End it in order, and by force when it takes longer than `within` seconds."""
        if not self.running:
            return
        self.process.send_signal(self.ending)
        self.thaw()
        if await self.ended(within) is None:
            self.kill()

    def kill(self) -> None:
        """End it by force, now, with what it started in its group."""
        if self.running:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def freeze(self) -> None:
        """Let it and its children hang (SIGSTOP): their connections stay open, and nobody answers."""
        until = time.monotonic() + 1
        for process in self._family(signal.SIGSTOP):
            while process.is_running() and process.status() != psutil.STATUS_STOPPED and time.monotonic() < until:
                time.sleep(PAUSE / 10)

    def thaw(self) -> None:
        """Let it go on."""
        self._family(signal.SIGCONT)

    async def restart(self) -> None:
        """Stop it, if it runs, and start it on the same address with the same data."""
        await self.stop()
        await self.start()

    def _family(self, number: signal.Signals) -> list[psutil.Process]:
        """Itself and its children, to each of which `number` was sent."""
        reached = []
        try:
            parent = psutil.Process(self.process.pid)
            for process in (parent, *parent.children(recursive=True)):
                process.send_signal(number)
                reached.append(process)
        except psutil.NoSuchProcess:  # it ended meanwhile
            pass
        return reached

    def last_words(self) -> str:
        """The last line of the log."""
        lines = self.log.read_bytes()[-4096:].decode(errors="replace").strip().splitlines() if self.log.exists() else []
        return lines[-1].strip() if lines else "it said nothing"
