"""Graphviz' layouts. It is told sizes and places in a list, and nothing that anybody wrote."""

from collections.abc import Sequence

from pygraphviz import AGraph

from services.graph.drawing.packing import packed
from services.graph.drawing.placing import NODE_HEIGHT, Placed, Point, Route

INCH = 72.0
SEED = "7"

_DOT = {
    "rankdir": "LR",
    "splines": "true",
    "nodesep": "0.19",
    "ranksep": "0.6",
    "mclimit": "1",
    "nslimit": "4",
    "nslimit1": "4",
}
_FDP = {"start": SEED, "maxiter": "200", "overlap": "true", "splines": "false", "K": "1"}


def layered(widths: Sequence[float], ends: Sequence[tuple[int, int]]) -> Placed:
    """In columns along the links' direction; parts that do not hang together beside each other."""
    graph = _graph(_DOT, widths)
    for place, (source, target) in enumerate(ends):
        graph.add_edge(source, target, key=place)
    graph.layout(prog="dot")
    left, bottom, right, top = (float(each) for each in graph.graph_attr["bb"].split(","))
    routes = [_route(graph.get_edge(source, target, key=place).attr["pos"], left, top) for place, (source, target) in enumerate(ends)]
    centres = [(x - left, top - y) for x, y in _centres(graph, len(widths))]
    return packed(Placed(centres, routes, right - left, top - bottom, links_on_top=True), widths, ends)


def sprung(widths: Sequence[float], ends: Sequence[tuple[int, int]]) -> list[Point]:
    """About where each belongs: what is linked is near. They overlap."""
    graph = _graph(_FDP, widths)
    graph.add_edges_from(sorted({(min(each), max(each)) for each in ends}))
    graph.layout(prog="fdp")
    return [(x, -y) for x, y in _centres(graph, len(widths))]


def _graph(attributes: dict[str, str], widths: Sequence[float]) -> AGraph:
    graph = AGraph(strict=False, directed=True)
    graph.graph_attr.update(attributes)
    graph.node_attr.update(shape="box", fixedsize="true", height=NODE_HEIGHT / INCH, label="")
    graph.edge_attr.update(arrowhead="normal", arrowsize="0.9")
    for place, wide in enumerate(widths):
        graph.add_node(place, width=wide / INCH)
    return graph


def _centres(graph: AGraph, count: int) -> list[Point]:
    return [_point(graph.get_node(place).attr["pos"]) for place in range(count)]


def _route(written: str, left: float, top: float) -> Route:
    """As `e,x,y x,y x,y x,y x,y …`: the head's tip, then the curve to where the head begins."""
    head, *points = written.split()
    tip, curve = _point(head.removeprefix("e,")), [_point(point) for point in points]
    return Route([(x - left, top - y) for x, y in curve], (tip[0] - left, top - tip[1]))


def _point(written: str) -> Point:
    x, y = written.rstrip("!").split(",")
    return float(x), float(y)
