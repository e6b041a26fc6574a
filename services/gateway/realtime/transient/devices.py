"""The connections of this gateway, as the register has them: entered, renewed while they are there, and taken out."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import batched
from uuid import UUID

import structlog

from services.gateway.realtime.connections import Connection
from services.gateway.realtime.transient.notices import PRESENCE, Notices
from services.gateway.realtime.transient.register import Entry, Place, Register, There
from services.gateway.routing import Call
from shared.contracts.gateway.presence import Presence
from shared.contracts.identity.statuses import NOTE_SEEN, NoteSeen
from shared.contracts.refusals import Refusal
from shared.identifiers import new_id
from shared.rounds import Rounds

log = structlog.get_logger()

GATHER = 0.05
"""Seconds in which what comes and goes is written together."""
SWEEP = 2.0
RENEW = 20.0
SEEN = 60.0
"""Seconds from one note that those who are connected were seen to the next."""
MOST_LEAVING = 10_000
MOST_TOLD = 1_000


@dataclass(slots=True)
class Device:
    """One connection. spoke_at: when it said something last; None of one that never does, such as an event stream.

    away: by its user's word. idle: since it said nothing for long.
    """

    user_id: UUID
    workspace: Place
    token: str = field(default_factory=lambda: new_id().hex)
    places: set[Place] = field(default_factory=set)
    spoke_at: float | None = None
    away: bool = False
    idle: bool = False

    @property
    def presence(self) -> Presence:
        return Presence.AWAY if self.away or self.idle else Presence.ONLINE

    def entry(self, place: Place) -> Entry:
        return Entry(place, self.user_id, self.token)


class Devices:
    """away_after: seconds without a word after which somebody is away. back: is called once the register can be asked again."""

    def __init__(
        self, call: Call, register: Register, notices: Notices, back: Callable[[], None], away_after: float, renew: float = RENEW
    ) -> None:
        self._call, self._register, self._notices, self._back = call, register, notices, back
        self._away_after, self._renew = away_after, renew
        self._devices: dict[Connection, Device] = {}
        self._waiting: dict[Entry, Presence | None] = {}
        self._some = asyncio.Event()
        self._gone: set[UUID] = set()
        self._renewed_at = self._noted_at = 0.0
        self._writing = asyncio.Lock()
        self._writer: asyncio.Task[None] | None = None
        self._rounds = Rounds("gateway presence", self._round, min(SWEEP, renew / 2))

    def start(self) -> None:
        self._writer = asyncio.create_task(self._keep_writing(), name="gateway presence writes")
        self._rounds.start()

    async def stop(self) -> None:
        """Nobody is here any more."""
        await self._rest()
        for connection in list(self._devices):
            self.leave(connection)
        await self._write()
        await self._note_seen()

    async def _rest(self) -> None:
        await self._rounds.stop()
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)

    def enter(self, connection: Connection) -> None:
        principal = connection.viewer.principal
        device = Device(principal.user_id, Place("workspace", principal.workspace_id))
        self._devices[connection] = device
        self.be_at(connection, device.workspace)

    def leave(self, connection: Connection) -> None:
        device = self._devices.pop(connection, None)
        if device is not None:
            self._put(device, device.places, None)
            self._gone.add(device.user_id)

    def be_at(self, connection: Connection, place: Place) -> None:
        if (device := self._devices.get(connection)) is not None:
            device.places.add(place)
            self._put(device, [place], device.presence)

    def go_from(self, connection: Connection, place: Place) -> None:
        if (device := self._devices.get(connection)) is not None:
            device.places.discard(place)
            self._put(device, [place], None)

    def heard(self, connection: Connection) -> None:
        """Its user is there: it said something."""
        if (device := self._devices.get(connection)) is not None:
            device.spoke_at = self._now()
            if device.idle:
                device.idle = False
                self._put(device, device.places, device.presence)

    def say(self, connection: Connection, presence: Presence) -> None:
        if (device := self._devices.get(connection)) is not None:
            device.away = presence is Presence.AWAY
            self._put(device, device.places, device.presence)

    def __contains__(self, connection: Connection) -> bool:
        return connection in self._devices

    def _put(self, device: Device, places: Iterable[Place], presence: Presence | None) -> None:
        self._waiting.update((device.entry(place), presence) for place in places)
        self._some.set()

    async def _keep_writing(self) -> None:
        while True:
            await self._some.wait()
            await asyncio.sleep(GATHER)
            self._some.clear()
            try:
                await self._write()
            except Exception:
                log.exception("presence_was_not_written")

    async def _write(self) -> None:
        async with self._writing:
            waiting, self._waiting = self._waiting, {}
            leaving = [entry for entry, presence in waiting.items() if presence is None]
            changed = await self._register.enter([(entry, presence) for entry, presence in waiting.items() if presence is not None])
            lost = self._register.away
            changed += await self._register.leave(leaving)
            if lost or self._register.away:  # all who are here are entered again when it is back; the others would be there for a minute
                self._register.away = True
                self._waiting = dict.fromkeys(leaving[:MOST_LEAVING]) | self._waiting
            await self._tell(changed)

    async def _tell(self, changed: Iterable[There]) -> None:
        for some in batched(changed, MOST_TOLD):
            await self._notices.tell(PRESENCE, [(str(one.place), one.user_id) for one in some])

    async def _round(self) -> None:
        """See who is over, whosever they were; renew who is here, at once where Valkey was away."""
        was_away = self._register.away
        await self._tell(await self._register.sweep())
        now = self._now()
        if was_away and not self._register.away:
            self._back()
        if not self._register.away and (was_away or now >= self._renewed_at + self._renew):
            self._renewed_at = now
            self._find_idle(now)
            for device in self._devices.values():
                self._put(device, device.places, device.presence)
        if now >= self._noted_at + SEEN:
            self._noted_at = now
            self._gone |= {device.user_id for device in self._devices.values() if device.presence is Presence.ONLINE}
        await self._note_seen()

    def _find_idle(self, now: float) -> None:
        for device in self._devices.values():
            device.idle = device.spoke_at is not None and now - device.spoke_at >= self._away_after

    async def _note_seen(self) -> None:
        """Whom identity cannot note comes again."""
        seen, self._gone = self._gone, set()
        with suppress(Refusal):
            for some in batched(seen, MOST_TOLD):
                await self._call(NOTE_SEEN, NoteSeen(user_ids=list(some)), None)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
