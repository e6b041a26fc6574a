"""The picture itself: SVG that loads and runs nothing."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from services.graph.drawing import labels
from services.graph.drawing.labels import xml_text
from services.graph.drawing.legend import legend
from services.graph.drawing.placing import NODE_HEIGHT, Placed, Point, Route
from services.graph.drawing.styles import KINDS, TIES, css_class, sheet
from services.graph.drawing.subject import Link, Subject, Thing

MARGIN = 24.0
ICON, PADDING = 16.0, 8.0
NARROWEST = 640.0
LONGEST_TITLE, TITLES = 1_024, 600_000
"""Characters of one whole title, and of all together."""
HEADING = 22.0


def card_width(thing: Thing) -> float:
    """Of a thing with its icon and its label."""
    return round(ICON + 3 * PADDING + labels.width(_label(thing)), 1)


def picture(subject: Subject, linked: Placed, loose: Placed) -> str:
    """linked: where the things with links are; loose: where those without are, beneath them."""
    wide = max(linked.width, loose.width, NARROWEST)
    explained = legend(subject, wide)
    top = MARGIN + explained.height
    beneath = top + linked.height + (2 * MARGIN if linked.height else 0)
    body = [explained.drawn(MARGIN, MARGIN), *_linked(subject, linked, (MARGIN + (wide - linked.width) / 2, top))]
    if loose.centres:
        body += _loose(subject, loose, beneath)
        beneath += HEADING + loose.height + MARGIN
    return _sheet(subject, wide + 2 * MARGIN, beneath if loose.centres else top + linked.height + MARGIN, body)


def described(subject: Subject) -> str:
    """For whoever does not see it."""
    counts = Counter(thing.type for thing in subject.things)
    kinds = [_counted(counts[name], kind.one, kind.many) for name, kind in KINDS.items() if counts[name]]
    links = _counted(len(subject.links), "link", "links")
    return ". ".join([f"Project graph: {', '.join([*kinds, links])}", *subject.notes])


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _sheet(subject: Subject, width: float, height: float, body: Sequence[str]) -> str:
    size = f'width="{math.ceil(width)}" height="{math.ceil(height)}" viewBox="0 0 {math.ceil(width)} {math.ceil(height)}"'
    said = xml_text(described(subject))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="atrium" role="img" aria-label="{said}" {size}>',
            f"<title>{said}</title><style>{sheet()}</style>",
            '<rect class="paper" width="100%" height="100%"/>',
            *body,
            "</svg>\n",
        ]
    )


def _linked(subject: Subject, placed: Placed, at: Point) -> Iterator[str]:
    titles = _titles(subject)
    links = [_link(link, route, subject.things) for link, route in zip(subject.links, placed.routes, strict=True)]
    things = [_card(subject.things[place], centre, titles[place]) for place, centre in zip(subject.linked(), placed.centres, strict=True)]
    yield f'<g transform="translate({_number(at[0])} {_number(at[1])})">'
    yield from [*things, *links] if placed.links_on_top else [*links, *things]
    yield "</g>"


def _loose(subject: Subject, placed: Placed, top: float) -> Iterator[str]:
    titles = _titles(subject)
    places = subject.loose()
    yield f'<g transform="translate({_number(MARGIN)} {_number(top)})"><text class="head" y="12">Without links ({len(places)})</text>'
    for place, (x, y) in zip(places, placed.centres, strict=True):
        yield _card(subject.things[place], (x, y + HEADING), titles[place])
    yield "</g>"


def _titles(subject: Subject) -> list[str]:
    longest = min(LONGEST_TITLE, TITLES // max(1, len(subject.things)))
    return [labels.readable(thing.title, longest) for thing in subject.things]


def _label(thing: Thing) -> str:
    return labels.label(labels.readable(thing.title, LONGEST_TITLE))


def _card(thing: Thing, centre: Point, title: str) -> str:
    kind, wide = KINDS[thing.type], card_width(thing)
    left, top = centre[0] - wide / 2, centre[1] - NODE_HEIGHT / 2
    return (
        f'<g class="thing {css_class(thing.type)}" data-id="{xml_text(thing.id)}" transform="translate({_number(left)} {_number(top)})">'
        f"<title>{kind.one.capitalize()}: {xml_text(title)}</title>"
        f'<rect class="card" width="{_number(wide)}" height="{_number(NODE_HEIGHT)}" rx="6"/>'
        f'<path class="icon" transform="translate({_number(PADDING)} 7)" d="{kind.icon}"/>'
        f'<text x="{_number(2 * PADDING + ICON)}" y="19.5">{xml_text(_label(thing))}</text></g>'
    )


def _link(link: Link, route: Route, things: Sequence[Thing]) -> str:
    tie = TIES[link.type]
    ends = f"{_label(things[link.source])} → {_label(things[link.target])}"
    said = f"{ends}: {tie.name}{', by itself' if link.derived else ''}"
    classes = f"link {css_class(link.type)}{' derived' if link.derived else ''}"
    return (
        f'<g class="{classes}" data-id="{xml_text(link.id)}"><title>{xml_text(said)}</title>'
        f'<path class="way" d="{_way(route)}"/>{_head(tie.head, route)}</g>'
    )


def _way(route: Route) -> str:
    begin, *rest = [f"{_number(x)} {_number(y)}" for x, y in route.points]
    return f"M{begin}{'L' if len(rest) == 1 else 'C'}{' '.join(rest)}"


def _head(path: str, route: Route) -> str:
    (x, y), (from_x, from_y) = route.tip, route.points[-1]
    angle = math.degrees(math.atan2(y - from_y, x - from_x))
    return f'<path class="tip" transform="translate({_number(x)} {_number(y)}) rotate({_number(angle)})" d="{path}"/>'


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
