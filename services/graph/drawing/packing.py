"""Parts of a graph that do not hang together, beside each other."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from services.graph.drawing.placing import NODE_HEIGHT, Placed, Point, Route

BETWEEN = 36.0
SQUARE = 1.5
"""How much wider than high the whole may be."""


@dataclass(frozen=True, slots=True)
class Box:
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Segment:
    """Of the line beneath all that stands: from `left` on, nothing is below `down`."""

    left: float
    width: float
    down: float


def packed(placed: Placed, widths: Sequence[float], ends: Sequence[tuple[int, int]]) -> Placed:
    """The same, with its parts moved together."""
    part_of = parts(len(widths), ends)
    boxes = _boxes(placed, widths, ends, part_of)
    room = max(max(box.width for box in boxes), math.sqrt(SQUARE * sum((box.width + BETWEEN) * (box.height + BETWEEN) for box in boxes)))
    places = _places(boxes, room)
    moves = [(place[0] - box.left, place[1] - box.top) for place, box in zip(places, boxes, strict=True)]
    return Placed(
        [_moved(centre, moves[part_of[node]]) for node, centre in enumerate(placed.centres)],
        [_moved_route(route, moves[part_of[source]]) for route, (source, _) in zip(placed.routes, ends, strict=True)],
        max(place[0] + box.width for place, box in zip(places, boxes, strict=True)),
        max(place[1] + box.height for place, box in zip(places, boxes, strict=True)),
        links_on_top=placed.links_on_top,
    )


def parts(count: int, ends: Sequence[tuple[int, int]]) -> list[int]:
    """Of each thing, which part it is in; parts are numbered as they come."""
    first = list(range(count))

    def found(place: int) -> int:
        while first[place] != place:
            first[place] = place = first[first[place]]
        return place

    for source, target in ends:
        one, other = sorted((found(source), found(target)))
        first[other] = one
    numbers: dict[int, int] = {}
    return [numbers.setdefault(found(place), len(numbers)) for place in range(count)]


def _boxes(placed: Placed, widths: Sequence[float], ends: Sequence[tuple[int, int]], part_of: Sequence[int]) -> list[Box]:
    points: list[list[Point]] = [[] for _ in range(max(part_of) + 1)]
    for node, (x, y) in enumerate(placed.centres):
        half = widths[node] / 2
        points[part_of[node]] += [(x - half, y - NODE_HEIGHT / 2), (x + half, y + NODE_HEIGHT / 2)]
    for route, (source, _) in zip(placed.routes, ends, strict=True):
        points[part_of[source]] += [*route.points, route.tip]
    return [_box(some) for some in points]


def _box(points: Sequence[Point]) -> Box:
    left, top = min(x for x, _ in points), min(y for _, y in points)
    return Box(left, top, max(x for x, _ in points) - left, max(y for _, y in points) - top)


def _places(boxes: Sequence[Box], room: float) -> list[Point]:
    """The highest first, each as far up, then as far left, as it goes."""
    line = [Segment(0.0, room + BETWEEN, 0.0)]
    places: list[Point] = [(0.0, 0.0)] * len(boxes)
    for number in sorted(range(len(boxes)), key=lambda each: (-boxes[each].height, -boxes[each].width, each)):
        wide, high = boxes[number].width + BETWEEN, boxes[number].height + BETWEEN
        down, left = min((_down(line, first, wide), line[first].left) for first in range(len(line)) if _fits(line, first, wide))
        places[number] = (left, down)
        line = _with(line, Segment(left, wide, down + high))
    return places


def _fits(line: Sequence[Segment], first: int, wide: float) -> bool:
    return first == 0 or line[first].left + wide <= line[-1].left + line[-1].width + 0.01


def _down(line: Sequence[Segment], first: int, wide: float) -> float:
    """How far down something stands that begins with that segment."""
    down, right = 0.0, line[first].left + wide
    for segment in islice(line, first, None):
        if segment.left >= right:
            break
        down = max(down, segment.down)
    return down


def _with(line: Sequence[Segment], new: Segment) -> list[Segment]:
    right = new.left + new.width
    before = [Segment(one.left, min(one.width, new.left - one.left), one.down) for one in line if one.left < new.left]
    after = [
        Segment(max(one.left, right), one.left + one.width - max(one.left, right), one.down) for one in line if one.left + one.width > right
    ]
    return [*before, new, *after]


def _moved(point: Point, by: Point) -> Point:
    return (point[0] + by[0], point[1] + by[1])


def _moved_route(route: Route, by: Point) -> Route:
    return Route([_moved(point, by) for point in route.points], _moved(route.tip, by))
