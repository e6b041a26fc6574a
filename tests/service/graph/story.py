"""What may happen to a graph, done to the service and to the model; after each step both are asked, and Neo4j and PostgreSQL apart."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import suppress
from random import Random
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.graph.engines import MirrorIsAway
from services.graph.mirror.mirror import Mirror
from services.graph.repository.mirror import MirrorSource, Window
from services.graph.service import Service as Handled
from shared.contracts.artifacts import Artifact, ArtifactType
from shared.contracts.graph.links import UNLINK_IN_PROJECT, UNLINK_IN_THREAD, UnlinkInProject, UnlinkInThread
from shared.contracts.graph.reads import Engine
from shared.contracts.model import Event
from shared.contracts.refusals import Refusal
from shared.identifiers import new_id
from tests.service.graph.asking import Questions
from tests.service.graph.conftest import Service
from tests.service.graph.events import event_of, project_of
from tests.service.graph.mirrored import caught_up, summed
from tests.service.graph.model import MESSAGE, TASK, Made, Model, Says, Told
from tests.service.neighbours import principal

IN_PROJECTS = (TASK, ArtifactType.FILE, ArtifactType.PAGE)
IN_THREADS = (MESSAGE, ArtifactType.ATTACHMENT, ArtifactType.THREAD)
OF_EVENTS = (*IN_PROJECTS, MESSAGE)
TITLES = ("Turin", "'}) DETACH DELETE n //", "`Task`:File {id: $id}", '" RETURN 1 UNION MATCH (n) DETACH DELETE n', "\\u0027 $rows 🜁")
BEGUN_WITH = 9
PATIENCE = 170.0
TRIES = 10

place = st.integers(0, 30)
who = st.integers(0, 2)


class Story(RuleBasedStateMachine):
    """Three people, two projects with their threads, and a thread. `late`: the event is heard some other time."""

    graph: Service
    mirror: Mirror
    by_sql: Handled
    answered: Counter[Engine]
    loop: asyncio.AbstractEventLoop

    def __init__(self) -> None:
        super().__init__()
        self.workspace, self.projects, self.alone = new_id(), [new_id(), new_id()], new_id()
        self.people = [principal(workspace_id=self.workspace) for _ in range(3)]
        threads = {new_id(): project for project in self.projects}
        self.places = [*self.projects, *threads, self.alone]
        everybody = {person.user_id for person in self.people}
        self.model = Model(threads, {one: set(everybody) for one in self.places})
        self.links: list[Made] = []
        self.says: dict[UUID, Says] = {}
        self.told: list[Told] = []
        self.unheard: list[Told] = []
        self.unknown = list(threads)
        self.window: Window | None = None
        self.restarts, self.wipes = 1, 1

    def do[T](self, work: Coroutine[Any, Any, T]) -> T:
        waiting: Future[T] = asyncio.run_coroutine_threadsafe(work, self.loop)
        return waiting.result(timeout=PATIENCE)

    def outcome(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What is answered, or its refusal's code."""
        try:
            return self.do(work)
        except Refusal as refusal:
            return refusal.code

    @initialize(seed=st.integers(0, 2**32), kinds=st.lists(st.sampled_from(IN_PROJECTS), min_size=5, max_size=5))
    def begin(self, seed: int, kinds: list[ArtifactType]) -> None:
        self.random = Random(seed)
        self.questions = Questions(self, self.random)
        for number, kind in enumerate((*kinds, *IN_THREADS, MESSAGE)):
            self.add(kind, number, late=bool(number % 2))

    @property
    def things(self) -> list[Artifact]:
        return list(self.model.things.values())

    def thing(self, at: int) -> Artifact:
        return self.things[at % len(self.things)]

    @rule(kind=st.sampled_from(OF_EVENTS), at=place, late=st.booleans())
    def add(self, kind: ArtifactType, at: int, late: bool) -> None:
        places = self.projects if kind in IN_PROJECTS else self.places[len(self.projects) :]
        where = "project_id" if kind in IN_PROJECTS else "thread_id"
        number = 1 + sum(one.type is TASK for one in self.things) if kind is TASK else None
        fields: dict[str, Any] = {"number": number, "title": TITLES[at % len(TITLES)], where: places[at % len(places)]}
        thing = self.graph.owners.add(kind, self.workspace, **fields)
        self.model.things[thing.id] = thing
        self.say(thing, Says(), late=late)

    def say(self, thing: Artifact, says: Says, *, late: bool) -> None:
        """Its event is heard, or waits."""
        self.says[thing.id] = says
        told = Told(thing, Says() if thing.deleted else says)
        if thing.type not in OF_EVENTS:
            return
        self.told.append(told)
        if late:
            self.unheard.append(told)
        else:
            self.hear([told], [])

    def hear(self, events: list[Told], threads: list[UUID]) -> None:
        projects: list[Event] = [project_of(self.model.threads[thread], thread) for thread in threads]
        self.do(self.graph.hears(self.workspace, *projects, *map(event_of, events)))
        self.model.hear(events, threads)

    def change(self, thing: Artifact, *, late: bool, **fields: Any) -> None:
        self.model.things[thing.id] = changed = self.graph.owners.change(thing, **fields)
        self.say(changed, self.says[thing.id], late=late)

    @rule(at=place, title=st.sampled_from(TITLES), late=st.booleans())
    def rename(self, at: int, title: str, late: bool) -> None:
        if not self.thing(at).deleted:
            self.change(self.thing(at), title=title, late=late)

    @rule(at=place, late=st.booleans())
    def delete(self, at: int, late: bool) -> None:
        if not self.thing(at).deleted:
            self.change(self.thing(at), deleted=True, late=late)

    @rule(at=place)
    def restore(self, at: int) -> None:
        """Heard at once: what is there for its owner is never deleted for the graph."""
        if self.thing(at).deleted:
            self.change(self.thing(at), deleted=False, late=False)

    @rule(at=place, others=st.lists(place, max_size=3), numbers=st.sets(st.integers(1, 6), max_size=2), late=st.booleans())
    def say_something_else(self, at: int, others: list[int], numbers: set[int], late: bool) -> None:
        speakers = [one for one in self.things if one.type in (MESSAGE, ArtifactType.PAGE) and not one.deleted]
        if not speakers:
            return
        speaker = speakers[at % len(speakers)]
        named = dict.fromkeys(self.thing(other).id for other in others)
        things = [self.model.things[one] for one in named if one != speaker.id]
        if speaker.type is MESSAGE:
            reply = [one for one in things if one.type is MESSAGE][:1]
            says = Says((*reply, *(one for one in things if one.type in IN_PROJECTS)), tuple(sorted(numbers)))
        else:
            says = Says(tuple(one for one in things if one.type is ArtifactType.FILE)[:1])
        self.says[speaker.id] = says
        self.change(speaker, late=late)

    @rule(by=who, one=place, other=place, at=place)
    def link(self, by: int, one: int, other: int, at: int) -> None:
        person, ends, scope = self.people[by], (self.thing(one), self.thing(other)), self.places[at % len(self.places)]
        if ends[0].id == ends[1].id:
            return
        linking = self.graph.link if scope in self.projects else self.graph.link_in_thread
        made, expected = self.outcome(linking(*ends, person, scope)), self.model.outcome(person.user_id, ends[0].id, ends[1].id, scope)
        if expected != "done":
            assert made == expected
            return
        same = self.model.same(ends[0].id, ends[1].id, scope)
        assert same in (None, made.id)
        self.model.link(link := Made(made.id, ends[0].id, ends[1].id, scope))
        if same is None:
            self.links.append(link)

    @precondition(lambda self: self.links)
    @rule(by=who, at=place)
    def unlink(self, by: int, at: int) -> None:
        person, link = self.people[by], self.links[at % len(self.links)]
        expected = self.model.outcome_of_unlinking(person.user_id, link)
        if link.scope in self.projects:
            asking = self.graph.gateway(UNLINK_IN_PROJECT, UnlinkInProject(project_id=link.scope, link_id=link.id), person)
            found = self.outcome(asking)
        else:
            found = self.outcome(self.graph.gateway(UNLINK_IN_THREAD, UnlinkInThread(thread_id=link.scope, link_id=link.id), person))
        assert (found if isinstance(found, str) else "done") == expected
        if expected == "done":
            self.model.made.pop(link.id, None)

    @rule(by=who, at=place)
    def join_or_leave(self, by: int, at: int) -> None:
        person, where = self.people[by].user_id, self.places[at % len(self.places)]
        self.model.members[where] ^= {person}
        self.graph.owners.outside ^= {(person, where)}

    @rule(by=who, at=place)
    def hide_or_show(self, by: int, at: int) -> None:
        pair = {(self.people[by].user_id, self.thing(at).id)}
        self.model.hidden ^= pair
        self.graph.owners.hidden ^= pair

    @rule(most=st.integers(1, 10))
    def hear_what_was_late(self, most: int) -> None:
        """Some of it, in any order, and perhaps which threads are projects'."""
        self.random.shuffle(self.unheard)
        some, self.unheard = self.unheard[:most], self.unheard[most:]
        threads, self.unknown = self.unknown[: most // 5], self.unknown[most // 5 :]
        self.hear(some, threads)

    @rule(most=st.integers(1, 20))
    def hear_again(self, most: int) -> None:
        heard = [told for told in self.told if told not in self.unheard]
        self.hear(self.random.sample(heard, min(most, len(heard))), [])

    @precondition(lambda self: self.restarts)
    @rule()
    def restart(self) -> None:
        self.restarts -= 1
        self.do(self.graph.restart())

    @precondition(lambda self: self.wipes)
    @rule(wholly=st.booleans())
    def wipe(self, wholly: bool) -> None:
        """As the operator does it, or as somebody who takes away even what says whose it is."""
        self.wipes -= 1
        self.do(self.emptied() if wholly else self.mirror.begin_anew())

    async def emptied(self) -> None:
        for _ in range(TRIES):
            with suppress(MirrorIsAway):  # it, or the service that writes meanwhile, is ended where each waits for the other
                await self.mirror.neo4j.run("MATCH (n) DETACH DELETE n")
                return
        raise AssertionError("it could not be emptied")

    @rule()
    def keep_a_batch(self) -> None:
        source = MirrorSource(self.graph.background)
        head = self.do(source.head())
        self.window = self.do(source.window(max(0, head - 200), head, 200))

    @precondition(lambda self: self.window is not None)
    @rule()
    def a_batch_comes_late(self) -> None:
        assert self.window is not None
        with suppress(MirrorIsAway):  # it was emptied meanwhile, and is not made yet
            self.do(self.mirror.put(self.random.sample(self.window.entities, len(self.window.entities))))

    @rule()
    def settle(self) -> None:
        """The mirror has everything, and is asked."""
        self.do(caught_up(self.graph, self.mirror))
        assert {self.questions.ask() for _ in range(5)} <= {Engine.NEO4J, None}
        assert self.do(summed(self.graph, self.mirror)).count == 0

    @invariant()
    def both_ways_and_the_model_agree(self) -> None:
        if self.things:
            self.questions.ask()
