"""Where columns and tasks are on a board."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from shared.contracts.projects.columns import TaskStatus

GAP = 2**30
"""Between neighbours, at first: room for thirty tasks that are put into the same place one after another, and for eight million in a
column before positions leave what JSON's numbers hold."""

FIRST_COLUMNS = (("To Do", TaskStatus.TODO), ("In Progress", TaskStatus.IN_PROGRESS), ("Done", TaskStatus.DONE))


class Between(NamedTuple):
    """The positions that a task comes between; None where there is none on that side."""

    before: int | None
    after: int | None

    def place(self) -> int | None:
        """A position in between; None where there is no room."""
        if self.before is None and self.after is None:
            return 0
        if self.after is None:
            return (self.before or 0) + GAP
        if self.before is None:
            return self.after - GAP
        middle = (self.before + self.after) // 2
        return middle if self.before < middle < self.after else None

    def holds(self, position: int) -> bool:
        """Whether something is there already."""
        return (self.before is None or self.before < position) and (self.after is None or position < self.after)


class Placed:
    """Positions that were given in columns and are not written yet: those who come next come between them too."""

    def __init__(self) -> None:
        self._given: dict[UUID, list[int]] = {}

    def add(self, column: UUID, position: int) -> None:
        self._given.setdefault(column, []).append(position)

    def below(self, column: UUID, between: Between) -> Between:
        """From `before`, or from the top where it is None, to what is next."""
        before, after = between
        nexts = [given for given in self._given.get(column, ()) if before is None or given > before]
        return Between(before, min(nexts if after is None else [*nexts, after], default=None))

    def at_the_end(self, column: UUID, last: int | None) -> Between:
        given = self._given.get(column, [])
        return Between(max(given if last is None else [*given, last], default=None), None)


def reordered(columns: Sequence[UUID], moved: UUID, position: int) -> list[UUID]:
    """The columns with one of them at another position; beyond the end is the end."""
    others = [column for column in columns if column != moved]
    return [*others[:position], moved, *others[position:]]
