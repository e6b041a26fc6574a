"""What the supervisor does about programs that die, and about programs that will not."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from atrium.up.screen import Screen
from atrium.up.supervisor import Supervisor
from shared.embedded import Program

DIES = "raise SystemExit(3)"
LIVES = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"


class Python(Program):
    """A few words of Python; `starts` has the time of each start."""

    def __init__(self, name: str, code: str, folder: Path) -> None:
        self.name, self._code, self.log = name, code, folder / f"{name}.log"
        self.starts: list[float] = []

    def command(self) -> list[str]:
        self.starts.append(time.monotonic())
        return [sys.executable, "-c", self._code]

    def environment(self) -> Mapping[str, str]:
        return os.environ


@asynccontextmanager
async def keeping(*steps: list[Python]) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(Screen(), lambda: None)

    async def keep() -> None:
        async with asyncio.TaskGroup() as keepers:
            for step in steps:
                await supervisor.start(step, keepers)

    kept = asyncio.create_task(keep())
    await asyncio.sleep(0.1)
    try:
        yield supervisor
    finally:
        kept.cancel()
        await asyncio.wait({kept})
        await supervisor.stop()


async def test_what_dies_is_started_again_with_growing_delays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dying = Python("dying", DIES, tmp_path)
    async with keeping([dying]):
        await asyncio.sleep(1.8)
    pauses = [later - earlier for earlier, later in zip(dying.starts, dying.starts[1:], strict=False)]
    assert len(pauses) >= 2
    assert pauses[0] >= 0.2
    assert pauses[1] >= 0.4
    assert f"! dying ended with exit code 3; it is started again in 0.2 s. See {tmp_path}/dying.log" in capsys.readouterr().out


async def test_the_last_step_is_stopped_first_and_what_will_not_end_is_ended(tmp_path: Path) -> None:
    server, stubborn = Python("server", LIVES, tmp_path), Python("stubborn", STUBBORN, tmp_path)
    async with keeping([server], [stubborn]) as supervisor:
        while not stubborn.log.read_text():
            await asyncio.sleep(0.02)
        assert [identity.name for identity in supervisor.processes] == ["server", "stubborn"]
        stopping = asyncio.create_task(supervisor.stop())
        await asyncio.sleep(1)
        assert [identity.name for identity in supervisor.processes] == ["server", "stubborn"]
        before = time.monotonic()
        await stopping
        assert time.monotonic() - before < 3
        assert supervisor.processes == []
