"""Questions at random, put to the service, to PostgreSQL alone and to the model."""

from collections.abc import Coroutine, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

from services.graph.handlers.reads import FARTHEST, find_path, get_impact, get_related
from shared.contracts.artifacts import Artifact, ArtifactType
from shared.contracts.graph.links import LinkType
from shared.contracts.graph.reads import DEEPEST, FIND_PATH, GET_IMPACT, GET_RELATED, Engine, FindPath, GetImpact, GetRelated, Related, Way
from shared.contracts.principal import Principal
from shared.messaging.work import Encoded

if TYPE_CHECKING:
    from tests.service.graph.story import Story

NOT_FOUND = "artifact_not_found"
ALL = 1_000


class Questions:
    def __init__(self, story: "Story", random: Random) -> None:
        self._story, self._model, self._random = story, story.model, random

    def ask(self) -> Engine | None:
        """One, which must be answered alike by all; who found what there was."""
        ask = self._random.choice((self.related, self.related, self.impact, self.path))
        person, (root, other) = self._random.choice(self._story.people), self._random.sample(self._story.things, 2)
        engine = ask(root, other, person)
        if engine is not None:
            self._story.answered[engine] += 1
        return engine

    def related(self, root: Artifact, _: Artifact, person: Principal) -> Engine | None:
        depth, types, link_types = self._random.randint(1, DEEPEST), self._some(ArtifactType), self._some(LinkType)
        request = GetRelated(type=root.type.lower(), id=root.id, depth=depth, types=_named(types), link_types=_named(link_types), limit=ALL)
        found = self._both(
            self._story.graph.gateway(GET_RELATED, request, person), _decoded(get_related(request, person, self._story.by_sql))
        )
        distances = self._model.distances(root.id, person.user_id, self._edges(link_types), depth, along=False)
        return self._is_reached(found, root, person, types, link_types, distances)

    def impact(self, root: Artifact, _: Artifact, person: Principal) -> Engine | None:
        types, link_types = self._some(ArtifactType), self._some(LinkType)
        request = GetImpact(type=root.type.lower(), id=root.id, types=_named(types), link_types=_named(link_types), limit=ALL)
        found = self._both(
            self._story.graph.gateway(GET_IMPACT, request, person), _decoded(get_impact(request, person, self._story.by_sql))
        )
        distances = self._model.distances(root.id, person.user_id, self._edges(link_types), FARTHEST, along=True)
        return self._is_reached(found, root, person, types, link_types, distances, along=True)

    def path(self, root: Artifact, other: Artifact, person: Principal) -> Engine | None:
        link_types = self._some(LinkType)
        ends = {"from": f"{root.type}:{root.id}", "to": f"{other.type.lower()}:{other.id}"}
        request = FindPath.model_validate({**ends, "link_types": _named(link_types)})
        found = self._both(self._story.graph.gateway(FIND_PATH, request, person), find_path(request, person, self._story.by_sql))
        if not (self._model.sees(person.user_id, root.id) and self._model.sees(person.user_id, other.id)):
            assert found == NOT_FOUND
            return None
        assert isinstance(found, Way)
        distances = self._model.distances(root.id, person.user_id, self._edges(link_types), FARTHEST, along=False)
        assert (found.distance, found.partial) == (distances.get(other.id), False)
        if found.path:
            assert (found.path[0].id, found.path[-1].id, len(found.path)) == (root.id, other.id, distances[other.id] + 1)
            self._is_a_way([one.id for one in found.path], person, link_types)
            assert [one.title for one in found.path] == [self._model.things[one.id].title for one in found.path]
        return found.engine

    def _is_reached(
        self,
        found: Related | Way | str,
        root: Artifact,
        person: Principal,
        types: Sequence[ArtifactType],
        link_types: Sequence[LinkType],
        distances: Mapping[UUID, int],
        *,
        along: bool = False,
    ) -> Engine | None:
        if not self._model.sees(person.user_id, root.id):
            assert found == NOT_FOUND
            return None
        assert isinstance(found, Related)
        things = self._model.things
        expected = {one: distance for one, distance in distances.items() if one != root.id and things[one].type in types}
        assert {one.id: one.distance for one in found.related} == expected
        assert not found.partial
        for one in found.related:
            assert (one.type, one.title) == (things[one.id].type, things[one.id].title)
            way = [step.id for step in one.path]
            assert (way[0], way[-1], len(way)) == (root.id, one.id, one.distance + 1)
            self._is_a_way(way, person, link_types, along=along)
        assert [one.distance for one in found.related] == sorted(expected.values())
        return found.engine

    def _is_a_way(self, way: Sequence[UUID], person: Principal, link_types: Sequence[LinkType], *, along: bool = False) -> None:
        """Over links that are there, through what the person sees."""
        edges = self._edges(link_types)
        for one, other in pairwise(way):
            assert (one, other) in edges or (not along and (other, one) in edges)
        assert all(self._model.sees(person.user_id, one) for one in way)

    def _edges(self, link_types: Sequence[LinkType]) -> set[tuple[UUID, UUID]]:
        return self._model.edges(link_types)

    def _both[R: (Related, Way)](self, asking: Coroutine[Any, Any, R], by_sql: Coroutine[Any, Any, R]) -> R | str:
        """The service's answer, or its refusal's code: PostgreSQL's is the same."""
        answer, sql = self._story.outcome(asking), self._story.outcome(by_sql)
        assert _shown(answer) == _shown(sql), (answer, sql)
        found: R | str = answer
        return found

    def _some[K: StrEnum](self, kinds: type[K]) -> list[K]:
        """All of them half of the time."""
        every = list(kinds)
        return every if self._random.random() < 0.5 else self._random.sample(every, self._random.randint(1, len(every)))


async def _decoded(asking: Coroutine[Any, Any, Encoded[Related]]) -> Related:
    """What is answered as text is what its model would say."""
    body = (await asking).body
    found = Related.model_validate_json(body)
    assert found.model_dump_json(by_alias=True).encode() == body
    return found


def _named(kinds: Sequence[StrEnum]) -> str:
    return ",".join(kinds).lower()


def _shown(answer: Related | Way | str) -> object:
    """All but who found it."""
    return answer if isinstance(answer, str) else answer.model_dump(exclude={"engine"})
