"""The past in parts, as those who come back are told it. What is the same for many of them is worked out once: a thousand who missed the
same 500 events were shown each of them one by one before, which took most of the time.
"""

from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from services.gateway.realtime.frames import Frame
from services.gateway.realtime.happenings import Happening
from services.gateway.realtime.kinds import Scope
from services.gateway.realtime.turns import TURNING, Turn, turn_of
from services.gateway.realtime.visibility import Sight, seen_since, shows
from shared.contracts.principal import Principal

KEPT = 16
MOST_KINDS = 64
"""Kinds of viewers that a part keeps its frames for."""

type Seen = dict[tuple[Scope, UUID], Sight | None]
"""How somebody sees each thread and project of a part."""


class Turning(NamedTuple):
    happening: Happening
    turn: Turn


class Part:
    """Some events in their order; all up to `reached` are among them, or are told nobody."""

    def __init__(self, happenings: Sequence[Happening], reached: int) -> None:
        self.happenings, self.reached = happenings, reached
        self._told: dict[tuple[object, ...], list[Frame]] = {}

    @cached_property
    def places(self) -> dict[UUID, list[tuple[Scope, UUID]]]:
        """The threads and projects that it is about, by workspace."""
        places: dict[UUID, dict[tuple[Scope, UUID], None]] = {}
        for one in self.happenings:
            if one.scope is not Scope.USER:
                places.setdefault(one.workspace_id, {})[one.scope, one.key] = None
        return {workspace_id: list(found) for workspace_id, found in places.items()}

    @cached_property
    def turning(self) -> list[Turning]:
        """What may change who sees what."""
        return [Turning(one, turn) for one in self.happenings if one.kind.event in TURNING and (turn := turn_of(one)) is not None]

    def is_personal(self, principal: Principal) -> bool:
        """Whether something of it is for them alone, or depends on more than how they see its threads and projects."""
        if principal.workspace_id in self._linking or (principal.workspace_id, principal.user_id) in self._own:
            return True
        return any(
            one.workspace_id == principal.workspace_id and (turn.ends or ((turn.joins or turn.leaves) and turn.names(principal)))
            for one, turn in self.turning
        )

    def told(self, principal: Principal, sights: Seen) -> list[Frame]:
        """What those are told who are granted the same and see it the same; nothing of it is personal."""
        seen = (sight and seen_since(sight, self._earliest) for sight in sights.values())
        kind = (principal.workspace_id, principal.grants, *seen)
        told = self._told.get(kind)
        if told is None:
            if len(self._told) >= MOST_KINDS:
                self._told.clear()
            told = self._told[kind] = [one.frame for one in self.happenings if _sees(one, principal, sights)]
        return told

    @cached_property
    def _earliest(self) -> float:
        return min((one.at for one in self.happenings), default=0.0)

    @cached_property
    def _own(self) -> set[tuple[UUID, UUID]]:
        return {(one.workspace_id, one.key) for one in self.happenings if one.scope is Scope.USER}

    @cached_property
    def _linking(self) -> set[UUID]:
        return {one.workspace_id for one in self.happenings if one.kind.linking}


class Parts:
    """The last few that were read: those who come back from about the same time share them."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int, int | None], Part] = OrderedDict()

    def find(self, stream: str, after: int, reached: int | None = None) -> Part | None:
        """The one that begins after a sequence; reached: and ends there."""
        return self._kept.get((stream, after, reached))

    def keep(self, part: Part, stream: str, after: int, reached: int | None = None) -> Part:
        self._kept[stream, after, reached] = part
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return part


def _sees(happening: Happening, principal: Principal, sights: Seen) -> bool:
    if happening.workspace_id != principal.workspace_id or happening.scope is Scope.USER:
        return False
    sight = sights[happening.scope, happening.key]
    return sight is not None and shows(happening, principal, sight)
