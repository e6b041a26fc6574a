"""Who is told what: one function over an event and a viewer, for live connections and for those who catch up alike."""

from typing import NamedTuple

from services.gateway.realtime.happenings import Happening
from services.gateway.realtime.kinds import Kind, Level
from shared.contracts.principal import Principal

SLACK = 5.0
"""Seconds that a transaction may take: what was begun so long before somebody joined may have come to light after it."""


class Sight(NamedTuple):
    """How somebody sees a thread or project, by the word of its owner. Times are in seconds.

    guarded: they see only what guests may. seen_from: what is older is hidden from them. joined_at: what happened earlier was not for them;
    None of either shows all.
    """

    notes: bool = False
    guarded: bool = False
    seen_from: float | None = None
    joined_at: float | None = None


OWN = Sight()
"""Of what belongs to oneself."""


def seen_since(sight: Sight, earliest: float) -> Sight:
    """The same for all who were in before the earliest of what it is about."""
    if sight.joined_at is None or earliest < sight.joined_at - SLACK:
        return sight
    return sight._replace(joined_at=None)


def shows(happening: Happening, viewer: Principal, sight: Sight) -> bool:
    """Whether a viewer, who sees the thread or project so, is told of it."""
    kind = happening.kind
    if not viewer.grants & kind.bit or not _shows_level(kind, sight):
        return False
    if sight.joined_at is not None and happening.at < sight.joined_at - SLACK:
        return False
    return sight.seen_from is None or happening.moment is None or happening.moment >= sight.seen_from


def _shows_level(kind: Kind, sight: Sight) -> bool:
    if kind.level is Level.NOTES:
        return sight.notes
    return kind.level is Level.ALL or not sight.guarded
