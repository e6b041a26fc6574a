"""Whatever is done to a thread, in whatever order, it is as a simple model says."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import Refusal
from shared.contracts.threads.access import Access, Right
from shared.contracts.threads.threads import Thread
from shared.identifiers import new_id
from tests.service.threads.conftest import People, Service

MOST = 4
COMERS = ("other_client", "other_owner", "owner", "guest", "admin")
ACTORS = ("client", "agent", *COMERS)


@dataclass
class Part:
    """Somebody's part, in the model."""

    role: str = "member"
    muted: bool = False
    speaks: bool = True


@dataclass
class Model:
    """A group that a client opened; agents and admins may do everything to it, who moderates it may change it."""

    state: str = "active"
    parts: dict[str, Part] = field(default_factory=lambda: {"client": Part("moderator")})

    def sees(self, who: str) -> bool:
        return who in self.parts or who in ("agent", "admin", "owner", "other_owner")

    def edits(self, who: str) -> bool:
        moderates = who in self.parts and self.parts[who].role == "moderator"
        return who in ("agent", "admin") or (moderates and who != "guest") or (who == "client" and self.sees(who))

    def moderated_without(self, who: str) -> bool:
        others = {name: part for name, part in self.parts.items() if name != who}
        return not others or any(part.role == "moderator" for part in others.values())

    def add(self, actor: str, comer: str) -> str:
        joins = actor == comer and comer not in self.parts
        if not self.sees(actor):
            return "thread_not_found"
        if not self.edits(actor) and not joins:
            return "thread_is_read_only_for_you"
        if self.state == "archived":
            return "thread_is_archived"
        if comer in self.parts:
            return "already_takes_part"
        if len(self.parts) >= MOST:
            return "thread_is_full"
        self.parts[comer] = Part("guest" if comer == "guest" else "member")
        return "done"

    def remove(self, actor: str, who: str, known: set[str]) -> str:
        if not self.sees(actor):
            return "thread_not_found"
        if (actor != who or who not in known) and not self.edits(actor):
            return "thread_is_read_only_for_you"
        if who not in known:
            return "participant_not_found"
        if who not in self.parts:
            return "done"
        if self.state == "archived":
            return "thread_is_archived"
        if who == "client" and actor != who:
            return "creator_stays"
        if self.parts[who].role == "moderator" and not self.moderated_without(who):
            return "thread_needs_a_moderator"
        del self.parts[who]
        return "done"

    def change(self, actor: str, who: str, role: str | None, muted: bool | None, speaks: bool | None) -> str:
        if not self.sees(actor):
            return "thread_not_found"
        if role == "moderator" and who not in self.parts:
            return "participant_not_found"
        if role == "moderator" and who == "guest" and self.parts[who].role != "moderator":
            return "request_is_invalid"
        if not self.edits(actor):
            return "thread_is_read_only_for_you"
        if who not in self.parts:
            return "participant_not_found"
        if self.state == "archived":
            return "thread_is_archived"
        part = self.parts[who]
        if part.role == "moderator" and role not in (None, "moderator"):
            if who == "client":
                return "creator_stays"
            if not self.moderated_without(who):
                return "thread_needs_a_moderator"
        part.role, part.muted = role or part.role, part.muted if muted is None else muted
        part.speaks = part.speaks if speaks is None else speaks
        return "done"

    def posts(self, who: str) -> str:
        if not self.sees(who):
            return "thread_not_found"
        part = self.parts.get(who)
        speaking = part is not None and part.role != "observer" and not part.muted and part.speaks
        if not speaking and who not in ("agent", "admin", "owner", "other_owner"):
            return "thread_is_read_only_for_you"
        return {"active": "done", "closed": "thread_is_closed", "archived": "thread_is_archived"}[self.state]


def machine(threads: Service, loop: asyncio.AbstractEventLoop) -> type[RuleBasedStateMachine]:
    """Rules run in a thread of their own; the service and its connections live in the test's loop."""

    def done[T](asking: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(asking, loop).result(10)

    async def outcome(asking: Coroutine[Any, Any, Any]) -> str:
        try:
            await asking
        except Refusal as refusal:
            return refusal.code
        return "done"

    class Group(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.people = People(new_id())
            self.model, self.known = Model(), {"client"}
            threads.identity.roles[self.people.guest.user_id] = Role.GUEST
            self.thread: Thread = done(threads.open(self.people.client, maxParticipants=MOST))

        def who(self, name: str) -> Principal:
            found: Principal = getattr(self.people, name)
            return found

        @rule(actor=st.sampled_from(ACTORS), comer=st.sampled_from(COMERS))
        def add(self, actor: str, comer: str) -> None:
            asking = threads.invite(self.thread, self.who(actor), self.who(comer))
            expected = self.model.add(actor, comer)
            assert done(outcome(asking)) == expected
            self.known |= self.model.parts.keys()

        @rule(actor=st.sampled_from(ACTORS), who=st.sampled_from(ACTORS))
        def remove(self, actor: str, who: str) -> None:
            asking = threads.remove(self.thread, self.who(actor), self.who(who).user_id)
            assert done(outcome(asking)) == self.model.remove(actor, who, self.known)

        @rule(
            actor=st.sampled_from(ACTORS),
            who=st.sampled_from(ACTORS),
            role=st.sampled_from([None, "member", "moderator", "observer"]),
            muted=st.sampled_from([None, True, False]),
            speaks=st.sampled_from([None, True, False]),
        )
        def change(self, actor: str, who: str, role: str | None, muted: bool | None, speaks: bool | None) -> None:
            sent: dict[str, Any] = {"participantRole": role, "canSendMessages": speaks}
            sent["status"] = None if muted is None else "muted" if muted else "active"
            sent = {name: value for name, value in sent.items() if value is not None}
            asking = threads.set(self.thread, self.who(actor), self.who(who).user_id, **sent)
            assert done(outcome(asking)) == self.model.change(actor, who, role, muted, speaks)

        @precondition(lambda self: self.model.state != "archived")
        @rule(state=st.sampled_from(["active", "closed", "archived"]))
        def move(self, state: str) -> None:
            done(threads.change(self.thread, self.people.agent, state=state))
            self.model.state = state

        @precondition(lambda self: self.model.state == "archived")
        @rule()
        def restore(self) -> None:
            done(threads.change(self.thread, self.people.agent, archived=False))
            self.model.state = "active"

        @invariant()
        def everybody_may_what_the_model_says(self) -> None:
            asked = [threads.access(self.thread, self.who(name), Right.POST) for name in ACTORS]
            answers = done(_all([outcome(asking) for asking in asked]))
            assert dict(zip(ACTORS, answers, strict=True)) == {name: self.model.posts(name) for name in ACTORS}

        @invariant()
        def those_take_part_whom_the_model_says(self) -> None:
            thread = done(threads.get(self.thread, self.people.agent))
            names = {self.who(name).user_id: name for name in ACTORS}
            found = {
                names[one.user_id]: Part(one.participant_role.value, one.status.value == "muted", one.can_send_messages)
                for one in thread.participants
                if one.user_id
            }
            assert (found, thread.participant_count) == (self.model.parts, len(self.model.parts))
            read = done(threads.access(self.thread, self.people.agent, Right.READ))
            assert (isinstance(read, Access), thread.state.value, read.state.value) == (True, self.model.state, self.model.state)

    return Group


async def _all(asking: list[Coroutine[Any, Any, str]]) -> list[str]:
    return list(await asyncio.gather(*asking))


async def test_a_thread_is_as_its_model_says(threads: Service) -> None:
    group = machine(threads, asyncio.get_running_loop())
    some = settings(max_examples=25, stateful_step_count=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    await asyncio.to_thread(run_state_machine_as_test, group, settings=some)
