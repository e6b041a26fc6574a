"""What the picture's marks mean, and what is not in it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from services.graph.drawing import labels
from services.graph.drawing.labels import xml_text
from services.graph.drawing.styles import KINDS, TIES, css_class
from services.graph.drawing.subject import Subject

LINE = 24.0
SPACE = 22.0
SAMPLE = 34.0
BENEATH = 20.0


@dataclass(frozen=True, slots=True)
class Entry:
    drawn: str
    width: float


@dataclass(frozen=True, slots=True)
class Legend:
    """lines: of entries, each with its place."""

    lines: list[str]

    @property
    def height(self) -> float:
        return len(self.lines) * LINE + BENEATH

    def drawn(self, left: float, top: float) -> str:
        rows = [f'<g transform="translate(0 {row * LINE:g})">{line}</g>' for row, line in enumerate(self.lines)]
        return f'<g class="legend" transform="translate({left:g} {top:g})">{"".join(rows)}</g>'


def legend(subject: Subject, room: float) -> Legend:
    """In as many lines as it takes."""
    notes = [f'<text class="head note" y="15">{xml_text(note)}</text>' for note in _notes(subject)]
    return Legend([*_lines(list(_entries(subject)), room), *notes])


def _notes(subject: Subject) -> list[str]:
    return [*subject.notes] if subject.things else ["There is nothing here yet.", *subject.notes]


def _lines(entries: list[Entry], room: float) -> Iterator[str]:
    line, used = "", 0.0
    for entry in entries:
        if line and used + entry.width > room:
            yield line
            line, used = "", 0.0
        line += f'<g transform="translate({used:g} 0)">{entry.drawn}</g>'
        used += entry.width + SPACE
    if line:
        yield line


def _entries(subject: Subject) -> Iterator[Entry]:
    things = Counter(thing.type for thing in subject.things)
    for name, kind in KINDS.items():
        if things[name]:
            icon = f'<g class="{css_class(name)}"><path class="icon" transform="translate(0 3)" d="{kind.icon}"/></g>'
            yield _entry(icon, 16, f"{kind.many.capitalize()} ({things[name]})")
    links = Counter(link.type for link in subject.links)
    for name, tie in TIES.items():
        if links[name]:
            yield _entry(_sample(name, tie.head), SAMPLE, f"{tie.name.capitalize()} ({links[name]})")
    if derived := sum(link.derived for link in subject.links):
        yield _entry(_sample("LINKED_TO", "", "derived"), SAMPLE, f"Came by itself ({derived})")


def _sample(name: str, head: str, also: str = "") -> str:
    tip = f'<path class="tip" transform="translate({SAMPLE:g} 11)" d="{head}"/>' if head else ""
    end = SAMPLE - 9 if head else SAMPLE
    return f'<g class="link {css_class(name)} {also}"><path class="way" d="M0 11H{end:g}"/>{tip}</g>'


def _entry(drawn: str, before: float, text: str) -> Entry:
    return Entry(f'{drawn}<text x="{before + 6:g}" y="15">{xml_text(text)}</text>', before + 6 + labels.width(text))
