"""A process that draws one picture: `python -m services.graph.drawing.worker <plan> <seconds>`, from JSON to SVG."""

import os
import resource
import sys
from collections import deque
from collections.abc import Sequence
from enum import StrEnum

from services.graph.drawing.picture import card_width, picture
from services.graph.drawing.placing import NODE_HEIGHT, Placed, Point, gridded, shelved
from services.graph.drawing.subject import Subject

LESS_URGENT = 10  # than what other requests wait for
MEMORY = 1024 * 1024 * 1024
SQUARER = 1.6
"""Things without links take about so much more room across than down."""


FEW = 30
MOST_AREA = 150_000.0
"""In square pixels for each thing: what takes more has its things too far from each other to be read in layers."""


class Plan(StrEnum):
    """How things are laid out."""

    LAYERS = "layers"
    """In the order of their links, which go round them. What has many links for its size takes this for ever."""
    SPRINGS = "springs"
    """What is linked is near, in a grid."""
    ROWS = "rows"
    """In a grid, in the order of a walk along the links. It needs nothing but us."""


def main() -> None:
    plan, seconds = Plan(sys.argv[1]), int(sys.argv[2])
    os.nice(LESS_URGENT)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.stdout.buffer.write(draw(Subject.of_json(sys.stdin.buffer.read()), plan).encode())


def draw(subject: Subject, plan: Plan) -> str:
    linked = _linked(subject, plan)
    widths = [card_width(subject.things[place]) for place in subject.loose()]
    area = sum(width * NODE_HEIGHT * 2 for width in widths)
    return picture(subject, linked, shelved(widths, max(linked.width, SQUARER * area**0.5, 600.0)))


def _linked(subject: Subject, plan: Plan) -> Placed:
    places = subject.linked()
    if not places:
        return Placed([], [], 0.0, 0.0)
    widths = [card_width(subject.things[place]) for place in places]
    at = {place: number for number, place in enumerate(places)}
    ends = [(at[link.source], at[link.target]) for link in subject.links]
    if plan is Plan.ROWS:
        return gridded(widths, ends, walked(len(places), ends))
    from services.graph.drawing.graphviz import layered, sprung  # loading Graphviz takes longer than what needs none of it

    if plan is Plan.LAYERS:
        placed = layered(widths, ends)
        if len(places) < FEW or placed.width * placed.height < len(places) * MOST_AREA:
            return placed
    return gridded(widths, ends, sprung(widths, ends))


def walked(count: int, ends: Sequence[tuple[int, int]]) -> list[Point]:
    """One behind the other, each near what it was come to from."""
    beside: list[list[int]] = [[] for _ in range(count)]
    for source, target in ends:
        beside[source].append(target)
        beside[target].append(source)
    order: dict[int, float] = {}
    for first in range(count):
        waiting = deque([first])
        while waiting:
            if (place := waiting.popleft()) not in order:
                order[place] = float(len(order))
                waiting += beside[place]
    return [(order[place], 0.0) for place in range(count)]


if __name__ == "__main__":
    main()
