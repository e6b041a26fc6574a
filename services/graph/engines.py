"""Which way links are found: by the mirror while it answers and is near enough, else by PostgreSQL."""

from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from services.graph.hops import Hops
from services.graph.metrics import READS
from services.graph.owners import Owners
from services.graph.walking import Walker
from shared.contracts.graph.reads import Engine

log = structlog.get_logger()


class MirrorIsAway(Exception):
    """The mirror does not answer, or not in time, or is too far behind."""


class Mirrored(Hops, Protocol):
    def is_near(self) -> bool:
        """Whether it is worth asking."""


class Engines:
    """mirror: None where there is none."""

    def __init__(self, owners: Owners, sql: Hops, mirror: Mirrored | None) -> None:
        self._sql = Walker(sql, owners)
        self._mirror = mirror
        self._mirrored = Walker(mirror, owners) if mirror is not None else None

    async def __call__[T](self, question: Callable[[Walker], Awaitable[T]]) -> tuple[T, Engine]:
        """The answer, and who found it: a question that the mirror leaves half answered is asked again from its beginning."""
        if self._mirror is not None and self._mirrored is not None and self._mirror.is_near():
            try:
                return _counted(await question(self._mirrored), Engine.NEO4J)
            except MirrorIsAway as away:
                log.warning("mirror_did_not_answer", reason=str(away))
        return _counted(await question(self._sql), Engine.SQL)


def _counted[T](answer: T, engine: Engine) -> tuple[T, Engine]:
    READS.labels(engine).inc()
    return answer, engine
