"""What a picture shows, whatever its things are called, and how it is laid out."""

import asyncio
import re
from itertools import combinations
from random import Random
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psutil import Process
from structlog.testing import capture_logs

from services.graph.drawing import labels
from services.graph.drawing.artist import AT_ONCE, WAITING, Artist, plans
from services.graph.drawing.picture import card_width
from services.graph.drawing.placing import NODE_HEIGHT
from services.graph.drawing.styles import KINDS, TIES
from services.graph.drawing.subject import Link, Subject, Thing
from services.graph.drawing.worker import Plan, draw
from services.graph.handlers.pictures import MOST_LINKS, subject_of
from shared.contracts.artifacts import ArtifactType
from shared.contracts.graph.links import LinkType
from shared.contracts.graph.reads import Cut, GraphEdge, GraphNode, ProjectGraph
from shared.contracts.refusals import ServiceIsUnavailable

SVG = "{http://www.w3.org/2000/svg}"
TYPES = [kind.value for kind in ArtifactType]
TITLES = ("Book it", "src/pages/index.tsx", "A message that says much more than there is room for in one line", "旅行の計画", "🎉 Party")
HOSTILE = (
    "<script>alert(1)</script>",
    "]]><script/>",
    "&lt;b&gt; &amp; &#x41; \"quoted\" 'too'",
    "a\x00b\x01c\x0bd\x1fe\ufffef\uffffg\ud800h",
    "\u202eevil\u2066 \u200f\u061cright to left",
    "é" + "\u0301" * 500,
    "👩‍👩‍👧‍👦" * 40,
    "x" * 5_000,
    "<![CDATA[<svg onload=alert(1)>",
    "--><image href='https://example.com/a.png'/>",
    "\n\t \u2028",
    "",
)


def things(count: int) -> list[Thing]:
    return [Thing(f"thing-{place}", TYPES[place % len(TYPES)], f"{TITLES[place % len(TITLES)]} {place}") for place in range(count)]


def ring(count: int, *, every: int = 1) -> list[Link]:
    """Each to the next; of the first of `every` so many none goes on."""
    pairs = [(place, place + 1) for place in range(count - 1) if every == 1 or (place + 1) % every]
    types = list(TIES)
    return [Link(f"link-{number}", *ends, types[number % len(types)], number % 3 == 0) for number, ends in enumerate(pairs)]


def node_of(thing: Thing) -> GraphNode:
    said = {"label": thing.title, "type": thing.type}
    return GraphNode.model_validate({"key": thing.id, "data": {"id": thing.id, **said}, "attributes": said})


def edge_of(identifier: str, source: str, target: str) -> GraphEdge:
    said, ends = {"type": "LINKED_TO", "derived": False}, {"source": source, "target": target}
    return GraphEdge.model_validate({"key": identifier, **ends, "data": {"id": identifier, **ends, **said}, "attributes": said})


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314  what is read is ours


def ids(svg: str, name: str) -> list[str]:
    return [
        one.attrib["data-id"] for one in parsed(svg).iter(f"{SVG}g") if "data-id" in one.attrib and one.attrib["class"].split()[0] == name
    ]


def cards(svg: str) -> list[tuple[float, float, float]]:
    """Left, top and width of each thing, as it is shown."""
    found: list[tuple[float, float, float]] = []

    def walk(element: ElementTree.Element, left: float, top: float) -> None:
        if moved := re.match(r"translate\(([\d.-]+) ([\d.-]+)\)", element.attrib.get("transform", "")):
            left, top = left + float(moved[1]), top + float(moved[2])
        if element.attrib.get("class", "").startswith("thing"):
            card = element.find(f"{SVG}rect")
            assert card is not None
            found.append((left, top, float(card.attrib["width"])))
        for child in element:
            walk(child, left, top)

    walk(parsed(svg), 0.0, 0.0)
    return found


def overlapping(svg: str) -> list[tuple[object, object]]:
    return [
        (one, other)
        for one, other in combinations(cards(svg), 2)
        if one[0] < other[0] + other[2] and other[0] < one[0] + one[2] and abs(one[1] - other[1]) < NODE_HEIGHT
    ]


def test_every_kind_of_thing_and_of_link_has_a_look_of_its_own() -> None:
    assert set(KINDS) == {kind.value for kind in ArtifactType}
    assert set(TIES) == {kind.value for kind in LinkType}
    for looks in (KINDS, TIES):
        assert len({getattr(look, "icon", getattr(look, "head", "")) for look in looks.values()}) == len(looks)
    assert len({kind.light for kind in KINDS.values()}) == len({kind.dark for kind in KINDS.values()}) == len(KINDS)


@pytest.mark.parametrize("plan", Plan)
@pytest.mark.parametrize("count", [0, 1, 2, 10, 60, 300])
def test_every_thing_and_every_link_is_there_and_nothing_overlaps(count: int, plan: Plan) -> None:
    subject = Subject(things(count), ring(count, every=7), [])
    svg = draw(subject, plan)
    assert sorted(ids(svg, "thing")) == sorted(thing.id for thing in subject.things)
    assert sorted(ids(svg, "link")) == sorted(link.id for link in subject.links)
    assert overlapping(svg) == []
    root = parsed(svg)
    for left, top, wide in cards(svg):
        assert 0 <= left <= left + wide <= float(root.attrib["width"])
        assert 0 <= top <= top + NODE_HEIGHT <= float(root.attrib["height"])


@pytest.mark.parametrize("links_each", [1, 3])
async def test_the_same_graph_is_the_same_picture(links_each: int) -> None:
    pairs = Random(2).sample(list(combinations(range(60), 2)), 60 * links_each)
    nodes = [node_of(Thing(f"{place:032x}", TYPES[place % 6], f"Thing {place}")) for place in range(60)]
    edges = [edge_of(f"{number:032x}", f"{one:032x}", f"{other:032x}") for number, (one, other) in enumerate(pairs)]
    drawn = set()
    for seed in range(3):
        graph = ProjectGraph(nodes=Random(seed).sample(nodes, 60), edges=Random(seed).sample(edges, len(edges)), partial=False, reason=None)
        drawn.add(await Artist(cpu_seconds=20, seconds=60).draw(subject_of(graph)))
    assert len(drawn) == 1


def test_a_picture_shows_the_first_of_very_many_links_and_says_so() -> None:
    nodes = [node_of(Thing(f"{place:032x}", "TASK", "Task")) for place in range(100)]
    edges = [edge_of(f"{number:032x}", f"{one:032x}", f"{other:032x}") for number, (one, other) in enumerate(combinations(range(100), 2))]
    subject = subject_of(ProjectGraph(nodes=nodes, edges=edges, partial=True, reason=Cut.LIMIT))
    assert [link.id for link in subject.links] == [str(edge.key) for edge in edges[:MOST_LINKS]]
    assert subject.notes == [
        *("Not all of it: there are more things, or links, than are shown.", "Not all of it: 3,000 of 4,950 links are shown."),
    ]


@pytest.mark.parametrize("title", HOSTILE, ids=range(len(HOSTILE)))
def test_a_title_stays_text_whatever_it_says(title: str) -> None:
    subject = Subject([Thing("one", "TASK", title), Thing("two", "FILE", title)], [Link("link", 0, 1, "TASK_FILE", False)], [])
    svg = draw(subject, Plan.LAYERS)
    svg.encode()
    assert {element.tag.removeprefix(SVG) for element in parsed(svg).iter()} <= {"svg", "title", "style", "rect", "g", "path", "text"}
    assert not re.search(r"[^\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u202a-\u202e\u2066-\u2069\u200e\u200f]", svg)
    assert len(svg) < 40_000
    assert overlapping(svg) == []


@given(st.lists(st.text(st.characters(), max_size=300), max_size=8))
@settings(deadline=None, max_examples=60)
def test_any_title_makes_a_picture_that_any_parser_reads(titles: list[str]) -> None:
    named = [Thing(str(place), TYPES[place % len(TYPES)], title) for place, title in enumerate(titles)]
    svg = draw(Subject(named, ring(len(named)), []), Plan.ROWS)
    assert len(ids(svg, "thing")) == len(titles)
    assert overlapping(svg) == []


def test_a_picture_loads_and_runs_nothing() -> None:
    svg = draw(Subject(things(12), ring(12), []), Plan.LAYERS)
    names = {name.lower() for element in parsed(svg).iter() for name in element.attrib}
    assert not any(name.startswith("on") or name.endswith("href") or name in ("src", "style") for name in names)
    assert "url(" not in svg
    assert "@import" not in svg


def test_the_whole_title_is_there_where_its_label_is_cut() -> None:
    title = "Invoices of travellers who booked before the tables of taxes changed"
    svg = draw(Subject([Thing("one", "TASK", title)], [], []), Plan.LAYERS)
    (shown,) = [text.text or "" for text in parsed(svg).iter(f"{SVG}text") if (text.text or "").startswith("Invoices")]
    assert shown.endswith("…")
    assert labels.width(shown) <= labels.WIDEST
    assert f"<title>Task: {title}</title>" in svg


def test_an_emoji_is_not_cut_in_two() -> None:
    assert not labels.label("👩‍👩‍👧‍👦" * 30).removesuffix("…").endswith("\u200d")
    assert not labels.cut("ab\u200dcd", 4).removesuffix("…").endswith("\u200d")


def test_what_is_not_all_of_it_says_so_and_why() -> None:
    svg = draw(Subject(things(3), [], ["Not all of it: there are more things, or links, than are shown."]), Plan.LAYERS)
    root = parsed(svg)
    assert "Not all of it: there are more things, or links, than are shown." in [text.text for text in root.iter(f"{SVG}text")]
    assert "Not all of it" in root.attrib["aria-label"]


def test_a_picture_says_what_it_shows_to_whoever_does_not_see_it() -> None:
    root = parsed(draw(Subject(things(7), ring(7), []), Plan.LAYERS))
    assert root.attrib["role"] == "img"
    said = "Project graph: 2 tasks, 1 file, 1 page, 1 message, 1 thread, 1 attachment, 6 links"
    assert root.attrib["aria-label"] == root[0].text == said


def test_a_link_that_came_by_itself_is_dashed_and_each_type_has_its_head() -> None:
    ends = [(0, 1), (0, 2), (0, 3), (4, 0)]
    links = [Link(str(place), *pair, name, name == "LINKED_TO") for place, (pair, name) in enumerate(zip(ends, TIES, strict=True))]
    svg = draw(Subject(things(5), links, []), Plan.LAYERS)
    drawn = [one for one in parsed(svg).iter(f"{SVG}g") if "data-id" in one.attrib and one.attrib["class"].startswith("link")]
    assert [one.attrib["class"] for one in drawn] == ["link linked-to derived", "link task-file", "link task-page", "link task-message"]
    assert len({one.findall(f"{SVG}path")[1].attrib["d"] for one in drawn}) == 4
    assert ".derived .way{stroke-dasharray" in svg


def test_a_card_is_as_wide_as_its_label() -> None:
    short, long = (card_width(Thing("one", "TASK", title)) for title in ("A", "A title of some length"))
    assert short < long < labels.WIDEST + 50


def test_what_has_very_many_links_is_not_tried_in_layers() -> None:
    some = [Link(str(number), 0, 1, "LINKED_TO", False) for number in range(61)]
    assert plans(Subject(things(10), some[:60], []))[0] is Plan.LAYERS
    assert plans(Subject(things(10), some, []))[0] is Plan.SPRINGS


async def test_what_takes_too_long_in_layers_is_drawn_otherwise() -> None:
    pairs = Random(1).sample(list(combinations(range(1_200), 2)), 2_400)
    subject = Subject(things(1_200), [Link(f"{one}-{two}", one, two, "LINKED_TO", False) for one, two in pairs], [])
    with capture_logs() as logs:
        svg = await Artist(cpu_seconds=1, seconds=20).draw(subject)
    assert next(one["plan"] for one in logs if one["event"] == "picture_was_not_drawn") is Plan.LAYERS
    assert len(ids(svg, "link")) == 2_400
    assert overlapping(svg) == []


async def test_what_nobody_can_draw_in_time_is_refused_and_leaves_no_process() -> None:
    before = set(Process().children())
    with pytest.raises(ServiceIsUnavailable):
        await Artist(seconds=0.001).draw(Subject(things(2), [], []))
    assert set(Process().children()) <= before


async def test_only_so_many_pictures_wait() -> None:
    artist = Artist()
    asked = [artist.draw(Subject(things(place), [], [])) for place in range(AT_ONCE + WAITING + 3)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers] == [str] * (AT_ONCE + WAITING) + [ServiceIsUnavailable] * 3


async def test_a_picture_is_drawn_beside_the_service_and_kept() -> None:
    subject = Subject(things(20), ring(20, every=6), [])
    artist = Artist()
    drawn = await artist.draw(subject)
    assert drawn == draw(subject, Plan.LAYERS)
    assert await artist.draw(subject) is drawn
