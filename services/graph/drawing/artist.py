"""Has pictures drawn, each by a process of its own: a layout may take for ever, or end its process, without harm to the service."""

import asyncio
import os
import sys
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import structlog

from services.graph.drawing.subject import Subject
from services.graph.drawing.worker import Plan
from shared.contracts.refusals import ServiceIsUnavailable

log = structlog.get_logger()

MODULE = "services.graph.drawing.worker"
ROOT = Path(__file__).parents[3]
AT_ONCE, WAITING = 2, 16
CPU_SECONDS, SECONDS = 2, 2.5
"""Of one try."""
MOST_LINKS_EACH, MORE_LINKS = 2, 40
"""For each thing, and besides: what has more would take too long in layers, and be too large."""
MOST_KEPT = 8_000_000
"""Characters of pictures."""


class Artist:
    """The same graph is the same picture: the last ones are kept."""

    def __init__(self, *, cpu_seconds: int = CPU_SECONDS, seconds: float = SECONDS) -> None:
        self._cpu_seconds, self._seconds = cpu_seconds, seconds
        self._places = asyncio.Semaphore(AT_ONCE)
        self._under_way = 0
        self._kept: OrderedDict[bytes, str] = OrderedDict()

    async def draw(self, subject: Subject) -> str:
        """SVG. Raises `ServiceIsUnavailable`."""
        asked = subject.to_json()
        key = blake2b(asked, digest_size=16).digest()
        if (kept := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return kept
        if self._under_way >= AT_ONCE + WAITING:
            raise ServiceIsUnavailable
        self._under_way += 1
        try:
            async with self._places:
                drawn = await self._drawn(asked, plans(subject))
        finally:
            self._under_way -= 1
        self._keep(key, drawn)
        return drawn

    async def _drawn(self, asked: bytes, tried: Sequence[Plan]) -> str:
        for plan in tried:
            drawn = await self._try(asked, plan)
            if drawn is not None:
                return drawn
        raise ServiceIsUnavailable

    async def _try(self, asked: bytes, plan: Plan) -> str | None:
        """None where the process did not end well, or not in time."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-B", "-m", MODULE, plan, str(self._cpu_seconds)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "PYTHONPATH": str(ROOT), "FONTCONFIG_FILE": os.devnull},
            cwd="/",
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(self._seconds):
                drawn, _ = await process.communicate(asked)
        except TimeoutError:
            drawn = b""
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode == 0:
            return drawn.decode()
        log.warning("picture_was_not_drawn", plan=plan, code=process.returncode)
        return None

    def _keep(self, key: bytes, drawn: str) -> None:
        self._kept[key] = drawn
        while sum(map(len, self._kept.values())) > MOST_KEPT:
            self._kept.popitem(last=False)


def plans(subject: Subject) -> Sequence[Plan]:
    """What is tried, one after the other: the last of them always ends."""
    many = len(subject.links) > MOST_LINKS_EACH * len(subject.things) + MORE_LINKS
    return (Plan.SPRINGS, Plan.ROWS) if many else (Plan.LAYERS, Plan.SPRINGS, Plan.ROWS)
