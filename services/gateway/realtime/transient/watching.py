"""Who is told whose presence: those who look, of what they may see, once the changes of a moment have settled."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

import structlog

from services.gateway.realtime.connections import Connection
from services.gateway.realtime.frames import Frame, frame
from services.gateway.realtime.transient.notices import PRESENCE, Notices
from services.gateway.realtime.transient.register import Place, Register, There
from shared.contracts.gateway.presence import Presence, UserPresence

log = structlog.get_logger()

DEBOUNCE = 0.15
"""Seconds (spec 3: 100 to 250 ms) in which changes are gathered; what is told is what is so after them."""


class Puts(Protocol):
    """What of the hub is needed here."""

    def put(self, connection: Connection, frame: Frame) -> None: ...


@dataclass(slots=True)
class Looks:
    """What one connection looks at."""

    users: set[There] = field(default_factory=set)
    places: set[Place] = field(default_factory=set)


class Watching:
    """What was told last is kept of what is looked at alone."""

    def __init__(self, register: Register, hub: Puts, notices: Notices, debounce: float = DEBOUNCE) -> None:
        self._register, self._hub, self._debounce = register, hub, debounce
        self.looks: dict[Connection, Looks] = {}
        self._of_user: defaultdict[There, set[Connection]] = defaultdict(set)
        self._of_place: defaultdict[Place, set[Connection]] = defaultdict(set)
        self._users: dict[There, UserPresence] = {}
        self._places: dict[Place, frozenset[UUID]] = {}
        self._changed: set[There | Place] = set()
        self._some = asyncio.Event()
        self._telling: asyncio.Task[None] | None = None
        notices.on(PRESENCE, self._hear)

    def start(self) -> None:
        self._telling = asyncio.create_task(self._keep_telling(), name="gateway presence")

    async def stop(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)

    def begin(self, connection: Connection) -> None:
        self.looks[connection] = Looks()

    def end(self, connection: Connection) -> None:
        looks = self.looks.get(connection)
        if looks is not None:
            self.watch_users(connection, [])
            for place in list(looks.places):
                self.look_away(connection, place)
            del self.looks[connection]

    def watch_users(self, connection: Connection, found: Sequence[tuple[There, UserPresence]]) -> None:
        """These, and no others any more. One who is gone watches nobody."""
        looks = self.looks.get(connection)
        if looks is None:
            return
        for there in looks.users - {there for there, _ in found}:
            self._of_user[there].discard(connection)
            if not self._of_user[there]:
                del self._of_user[there]
                self._users.pop(there, None)
        for there, user in found:
            self._of_user[there].add(connection)
            self._users.setdefault(there, user)
        looks.users = {there for there, _ in found}
        self._look_at(looks.users)

    def look(self, connection: Connection, place: Place, users: frozenset[UUID]) -> None:
        """users: who is there as far as its client is told."""
        looks = self.looks.get(connection)
        if looks is not None:
            looks.places.add(place)
            self._of_place[place].add(connection)
            self._places.setdefault(place, users)
            self._look_at([place])

    def look_away(self, connection: Connection, place: Place) -> None:
        looks = self.looks.get(connection)
        if looks is not None and place in looks.places:
            looks.places.discard(place)
            self._of_place[place].discard(connection)
            if not self._of_place[place]:
                del self._of_place[place]
                self._places.pop(place, None)

    def lookers(self, place: Place) -> list[Connection]:
        return list(self._of_place.get(place, ()))

    def look_again(self) -> None:
        """Something may have been missed: read all that is looked at."""
        self._look_at(self._users)
        self._look_at(self._places)

    def _look_at(self, changed: Iterable[There | Place]) -> None:
        """They have changed, or may have since they were read."""
        self._changed.update(changed)
        if self._changed:
            self._some.set()

    def is_watched(self, there: There) -> bool:
        return there in self._users

    def say_status(self, there: There, current_status: str) -> None:
        """They say something else of themselves."""
        known = self._users.get(there)
        if known is not None and known.current_status != current_status:
            self._tell_user(there, known.model_copy(update={"current_status": current_status}))

    async def _hear(self, _: str, said: Any) -> None:
        for place_text, user_id in said:
            there = There(Place.read(place_text), UUID(user_id))
            self._look_at([there] if there in self._users else [])
            self._look_at([there.place] if there.place in self._places else [])

    async def _keep_telling(self) -> None:
        while True:
            await self._some.wait()
            await asyncio.sleep(self._debounce)
            self._some.clear()
            changed, self._changed = self._changed, set()
            try:
                await self._tell_users([there for there in changed if isinstance(there, There)])
                await self._tell_places(place for place in changed if isinstance(place, Place))
            except Exception:
                log.exception("presence_was_not_told")

    async def _tell_users(self, changed: Sequence[There]) -> None:
        states = await self._register.states(changed)
        if states is None:
            self._register.away = True  # until when it is asked again
            return
        for there, presence in zip(changed, states, strict=True):
            known = self._users.get(there)
            if known is not None and known.presence is not presence:
                self._tell_user(there, known.model_copy(update={"presence": presence, "last_seen_at": datetime.now(UTC)}))

    def _tell_user(self, there: There, user: UserPresence) -> None:
        self._users[there] = user
        self._put(self._of_user.get(there, ()), frame("presence", user.model_dump(mode="json", by_alias=True)))

    async def _tell_places(self, changed: Iterable[Place]) -> None:
        for place in changed:
            users = await self._register.users(place)
            before = self._places.get(place)
            if users is None:
                self._register.away = True
            elif before is not None and users != before:
                self._places[place] = users
                told = {f"{place.kind}Id": place.id, "came": sorted(users - before), "went": sorted(before - users)}
                self._put(self._of_place.get(place, ()), frame("presence", told))

    def _put(self, connections: Iterable[Connection], told: Frame) -> None:
        for connection in list(connections):
            self._hub.put(connection, told)


def user_of(there: There, presence: Presence, current_status: str, last_seen_at: datetime | None) -> UserPresence:
    return UserPresence(user_id=there.user_id, presence=presence, current_status=current_status, last_seen_at=last_seen_at)
