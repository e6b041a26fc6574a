"""The mirror, as tests wait for it and compare it."""

import asyncio
import time

from services.graph.engines import MirrorIsAway
from services.graph.mirror.connection import BatchIsRefused
from services.graph.mirror.mirror import Mirror, MirrorIsAnothers
from services.graph.mirror.reconciliation import Differences, Reconciliation
from services.graph.repository.mirror import MirrorSource
from tests.service.graph.conftest import Service


async def caught_up(graph: Service, mirror: Mirror, within: float = 150) -> None:
    """Until the mirror has all, and is asked."""
    source, until = MirrorSource(graph.background), time.monotonic() + within
    while time.monotonic() < until:
        try:
            standing = await mirror.standing()
            backlog = await source.backlog(standing.position, 10)
            if not standing.wiping and not backlog.behind and graph.application.mirror_is_near:
                return
        except (MirrorIsAway, BatchIsRefused, MirrorIsAnothers):
            pass
        await asyncio.sleep(0.05)
    raise AssertionError("the mirror did not catch up")


async def differences(graph: Service, mirror: Mirror) -> Differences:
    """By every property, and by checksums, which find no others."""
    found = Differences()
    async for _ in Reconciliation(mirror, MirrorSource(graph.background)).find_in_rows(found):
        pass
    assert await summed(graph, mirror) == found
    return found


async def summed(graph: Service, mirror: Mirror) -> Differences:
    """By checksums alone."""
    found = Differences()
    async for _ in Reconciliation(mirror, MirrorSource(graph.background)).find(found):
        pass
    return found
