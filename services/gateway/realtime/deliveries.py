"""Frames on their way: put to connections, and written once per turn of the loop."""

import asyncio
from collections.abc import Iterable, Sequence

from services.gateway.realtime.connections import Connection, Viewer
from services.gateway.realtime.frames import Frame
from services.gateway.realtime.happenings import Happening
from services.gateway.realtime.metrics import DELIVERIES
from services.gateway.realtime.visibility import Sight, shows

type Late = dict[Viewer, int]
"""Viewers who came into a thread or project only with the event of that sequence: what was before it was not for them."""


class Deliveries:
    def __init__(self) -> None:
        self._waiting: list[Connection] = []
        self._scheduled: asyncio.Handle | None = None

    def put(self, connection: Connection, frame: Frame) -> None:
        if connection.put(frame):
            self._wait(connection)

    def put_all(self, connection: Connection, frames: Sequence[Frame]) -> None:
        if connection.put_all(frames):
            self._wait(connection)

    def show(self, happening: Happening, sights: Iterable[tuple[Viewer, Sight]], late: Late) -> int:
        """Put an event to all live connections of those who see it, and say to how many."""
        frame, key, kind = happening.frame, happening.key, happening.kind
        waiting, delivered = self._waiting, 0
        for viewer, sight in sights:
            if not viewer.connections or not shows(happening, viewer.principal, sight):
                continue
            if late and not happening.opens and happening.seq < late.get(viewer, 0):
                continue
            for connection in viewer.connections:
                if connection.interests is None or connection.interests.want(key, kind.type):
                    if connection.put(frame):
                        waiting.append(connection)
                    delivered += 1
        DELIVERIES.inc(delivered)
        return delivered

    def flush(self) -> None:
        """Write what waits."""
        if self._scheduled is not None:
            self._scheduled.cancel()
            self._scheduled = None
        waiting, self._waiting = self._waiting, []
        for connection in waiting:
            if not connection.closed:
                connection.carrier.write(connection.take())

    def _wait(self, connection: Connection) -> None:
        self._waiting.append(connection)
        if self._scheduled is None:
            self._scheduled = asyncio.get_running_loop().call_soon(self.flush)
