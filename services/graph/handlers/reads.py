"""What hangs together with what."""

from collections.abc import Sequence
from uuid import UUID

from pydantic_core import to_json

from services.graph import domain
from services.graph.hops import Direction
from services.graph.service import Service
from services.graph.walking import MOST_NODES, Budget, Question, Reached, Walker, shortest
from shared.contracts.artifacts import Artifact, ArtifactType
from shared.contracts.graph.links import LinkType
from shared.contracts.graph.reads import Cut, Engine, FindPath, GetImpact, GetRelated, Node, Related, Way
from shared.contracts.principal import Principal
from shared.messaging.work import Encoded

FARTHEST = 100
"""Links that the impact of a thing is followed over; its nodes end it long before."""


async def get_related(request: GetRelated, caller: Principal, service: Service) -> Encoded[Related]:
    return await _related(request, Direction.BOTH, request.depth, caller, service)


async def get_impact(request: GetImpact, caller: Principal, service: Service) -> Encoded[Related]:
    return await _related(request, Direction.ALONG, FARTHEST, caller, service)


async def _related(
    request: GetRelated | GetImpact, direction: Direction, depth: int, caller: Principal, service: Service
) -> Encoded[Related]:
    place = domain.place(request.type, request.id)
    types = domain.named(ArtifactType, request.types, "types")
    question = Question(caller, direction, sorted(domain.named(LinkType, request.link_types, "linkTypes")))
    enough = request.limit + 1 if request.types is None else MOST_NODES

    async def ask(walker: Walker) -> tuple[Reached, Budget]:
        return await walker.reach(await walker.root(place, caller), question, depth=depth, enough=enough)

    (reached, budget), engine = await service.engines(ask)
    found = [identifier for ring in reached.rings[1:] for identifier in ring if reached.things[identifier].type in types]
    cut = budget.cut or (Cut.LIMIT if len(found) > request.limit else None)
    return _encoded(reached, found[: request.limit], cut, engine)


async def find_path(request: FindPath, caller: Principal, service: Service) -> Way:
    start, end = domain.place_of(request.from_), domain.place_of(request.to)
    question = Question(caller, Direction.BOTH, sorted(domain.named(LinkType, request.link_types, "linkTypes")))

    async def ask(walker: Walker) -> tuple[list[Artifact], Budget]:
        return await shortest(walker, await walker.root(start, caller), await walker.root(end, caller), question)

    (way, budget), engine = await service.engines(ask)
    cut = None if way else budget.cut
    return Way(path=nodes(way), distance=len(way) - 1 if way else None, partial=cut is not None, reason=cut, engine=engine)


def nodes(artifacts: Sequence[Artifact]) -> list[Node]:
    return [_node(one) for one in artifacts]


def _node(one: Artifact) -> Node:
    return Node.model_construct(type=one.type, id=one.id, title=one.title, project_id=one.project_id, thread_id=one.thread_id)


def _encoded(reached: Reached, found: Sequence[UUID], cut: Cut | None, engine: Engine) -> Encoded[Related]:
    """A `Related`, as text at once: models of 500 things and of each step to them took half of the time of the whole answer."""
    things = reached.things
    (root,) = reached.rings[0]
    steps = {identifier: f'{{"type":"{thing.type}","id":"{identifier}"}}' for identifier, thing in things.items()}
    related = ",".join(_related_text(things[identifier], [steps[step] for step in reached.way(identifier)]) for identifier in found)
    end = f'"partial":{_text(cut is not None)},"reason":{_text(cut)},"engine":{_text(engine)}'
    return Encoded(f'{{"root":{{{_node_text(things[root])}}},"related":[{related}],{end}}}'.encode())


def _related_text(one: Artifact, way: Sequence[str]) -> str:
    return f'{{{_node_text(one)},"distance":{len(way) - 1},"path":[{",".join(way)}]}}'


def _node_text(one: Artifact) -> str:
    """The fields of a `Node`."""
    project_id, thread_id = _id_text(one.project_id), _id_text(one.thread_id)
    return f'"type":"{one.type}","id":"{one.id}","title":{_text(one.title)},"projectId":{project_id},"threadId":{thread_id}'


def _id_text(identifier: UUID | None) -> str:
    return "null" if identifier is None else f'"{identifier}"'


def _text(value: object) -> str:
    return to_json(value).decode()
