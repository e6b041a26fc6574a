"""Keeps programs running: starts again what died by itself, and stops all of it in order."""

import asyncio
import signal
import time
from collections.abc import Callable, Sequence

from atrium.up.screen import Screen
from shared.embedded import CouldNotStart, Identity, Program

FIRST_DELAY, LONGEST_DELAY = 0.2, 10.0
STEADY = 60.0
"""Seconds of life after which a program's next death counts as its first."""
STEP_MAY_TAKE = 2.8
"""Seconds for each of three steps (gateway, services, servers), so that all of it ends within 10."""


class Supervisor:
    """Programs in steps: each step is started after those before it, and stopped before them.

    `changed` is told whenever a process started.
    """

    def __init__(self, screen: Screen, changed: Callable[[], None]) -> None:
        self._screen, self._changed = screen, changed
        self._steps: list[Sequence[Program]] = []
        self._keepers: list[asyncio.Task[None]] = []

    @property
    def processes(self) -> list[Identity]:
        """What runs now, in the order of its start."""
        return [identity for step in self._steps for program in step if (identity := program.identity)]

    async def start(self, programs: Sequence[Program], keepers: asyncio.TaskGroup) -> None:
        """Start the programs of one step, and keep them running from then on."""
        self._steps.append(programs)
        for program in programs:
            with self._screen.step(f"Starting {program.name} …", f"{program.name} started"):
                await program.start()
            self._changed()
            self._keepers.append(keepers.create_task(self._keep(program)))

    def start_aside(self, program: Program, keepers: asyncio.TaskGroup) -> None:
        """Start what nothing waits for, and keep it running. It belongs to the last step, and is stopped with it."""
        self._steps[-1:] = [[*(self._steps[-1] if self._steps else ()), program]]
        self._keepers.append(keepers.create_task(self._start_and_keep(program)))

    async def stop(self) -> None:
        """Stop the steps, the last one first. (The keepers are cancelled before.)"""
        for step in reversed(self._steps):
            await asyncio.gather(*(program.stop(STEP_MAY_TAKE) for program in step))

    async def _keep(self, program: Program) -> None:
        delay = FIRST_DELAY
        while True:
            since = time.monotonic()
            code = await program.ended()
            if time.monotonic() - since > STEADY:
                delay = FIRST_DELAY
            self._screen.warn(f"{program.name} {_reason(code)}; it is started again in {delay:g} s. See {program.log}")
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY)
            await self._start_again(program)

    async def _start_and_keep(self, program: Program) -> None:
        delay = FIRST_DELAY
        while not await self._start_again(program):
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY)
        self._screen.line(f"  {program.name} started")
        await self._keep(program)

    async def _start_again(self, program: Program) -> bool:
        try:
            await program.start()
        except (CouldNotStart, OSError) as error:
            self._screen.warn(str(error))
            return False
        self._changed()
        return True


def _reason(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
