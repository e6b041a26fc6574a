"""Where things stand, in pixels from the upper left."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

NODE_HEIGHT = 30.0
GAP = 14.0
"""Between two things in one column."""
ALLEY = 56.0
"""Between two columns, for the links."""
LEAN, LEANS = 26.0, (-1, 1, 0, -0.5, 0.5)
"""How far a thing in a column is beside its middle, row by row: so that a link to one far down can be told from those to others."""
TIP = 9.0
"""The length of an arrow's head."""

type Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Route:
    """Of a link: a line, or Bézier's curves (a beginning, then three points each). Behind its end comes the head, as far as `tip`."""

    points: Sequence[Point]
    tip: Point


@dataclass(frozen=True, slots=True)
class Placed:
    """centres: of the things. routes: of the links, in their order. links_on_top: they go round the things, and not beneath them."""

    centres: Sequence[Point]
    routes: Sequence[Route]
    width: float
    height: float
    links_on_top: bool = False


def shelved(widths: Sequence[float], room: float) -> Placed:
    """Things without links: in rows of equal columns, as many as there is room for."""
    if not widths:
        return Placed([], [], 0.0, 0.0)
    column = max(widths) + GAP
    columns = max(1, min(len(widths), int((room + GAP) // column)))
    rows = math.ceil(len(widths) / columns)
    centres = [
        (place // rows * column + wide / 2, place % rows * (NODE_HEIGHT + GAP) + NODE_HEIGHT / 2) for place, wide in enumerate(widths)
    ]
    return Placed(centres, [], math.ceil(len(widths) / rows) * column - GAP, rows * (NODE_HEIGHT + GAP) - GAP)


def gridded(widths: Sequence[float], ends: Sequence[tuple[int, int]], near: Sequence[Point]) -> Placed:
    """In columns without a gap, each about where it would be (`near`): what has many links is read best where nothing lies far."""
    step = NODE_HEIGHT + 2 * GAP
    columns = max(1, round(math.sqrt(len(widths) * step / (max(widths) + ALLEY) * 1.4)))
    rows = math.ceil(len(widths) / columns)
    from_left = sorted(range(len(widths)), key=lambda place: (near[place], place))
    centres: list[Point] = [(0.0, 0.0)] * len(widths)
    left = 0.0
    for begin in range(0, len(from_left), rows):
        column = sorted(from_left[begin : begin + rows], key=lambda place: (near[place][1], place))
        wide = max(widths[place] for place in column)
        for row, place in enumerate(column):
            centres[place] = (left + wide / 2 + (1 + LEANS[row % len(LEANS)]) * LEAN, row * step + NODE_HEIGHT / 2)
        left += wide + 2 * LEAN + ALLEY
    routes = [straight(centres[source], centres[target], widths[source], widths[target]) for source, target in ends]
    return Placed(centres, routes, left - ALLEY, rows * step - 2 * GAP)


def straight(source: Point, target: Point, source_width: float, target_width: float) -> Route:
    """From border to border."""
    begin, tip = _border(source, target, source_width), _border(target, source, target_width)
    length = math.dist(begin, tip) or 1.0
    back = min(TIP, length) / length
    end = (tip[0] + (begin[0] - tip[0]) * back, tip[1] + (begin[1] - tip[1]) * back)
    return Route([begin, end], tip)


def _border(of: Point, towards: Point, wide: float) -> Point:
    across, down = towards[0] - of[0], towards[1] - of[1]
    share = min(
        wide / 2 / abs(across) if across else math.inf,
        NODE_HEIGHT / 2 / abs(down) if down else math.inf,
    )
    return (of[0] + across * share, of[1] + down * share)
