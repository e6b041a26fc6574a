"""Whatever is done to a thread, in whatever order, it is as a simple model says."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import Refusal
from shared.contracts.threads.access import Access, Right
from shared.contracts.threads.participants import Participant, ParticipantStatus
from shared.contracts.threads.threads import Thread
from shared.identifiers import new_id
from tests.service.threads.conftest import People, Service, sent

MOST = 4
COMERS = ("other_client", "other_owner", "owner", "guest", "admin")
ACTORS = ("client", "agent", *COMERS)
SUPERVISORS = ("agent", "admin", "owner", "other_owner")
some = st.sampled_from([None, True, False])


@dataclass(frozen=True)
class Part:
    """Somebody's part, in the model."""

    role: str = "member"
    muted: bool = False
    speaks: bool = True
    invites: bool = False
    history: bool = True


@dataclass
class Model:
    """A group that a client opened; agents and admins may do everything to it where they see it, who moderates it may change it."""

    state: str = "active"
    private: bool = False
    guests: bool = True
    parts: dict[str, Part] = field(default_factory=lambda: {"client": Part("moderator")})
    gone: dict[str, Part] = field(default_factory=dict)

    def sees(self, who: str) -> bool:
        if who in self.parts:
            return self.guests or who != "guest"
        return who in SUPERVISORS and not self.private

    def edits(self, who: str) -> bool:
        moderates = who in self.parts and self.parts[who].role == "moderator"
        return self.sees(who) and (who in ("agent", "admin", "client") or (moderates and who != "guest"))

    def invites(self, who: str) -> bool:
        part = self.parts.get(who)
        return self.edits(who) or (part is not None and part.invites and part.role != "observer" and not part.muted)

    def moderated_without(self, who: str) -> bool:
        others = {name: part for name, part in self.parts.items() if name != who}
        return not others or any(part.role == "moderator" for part in others.values())

    def add(self, actor: str, comer: str, sent: Part) -> str:
        joins = actor == comer and comer not in self.parts
        if not self.sees(actor):
            return "thread_not_found"
        if not self.edits(actor) and (sent.invites or not (self.invites(actor) or joins)):
            return "thread_is_read_only_for_you"
        if self.state == "archived":
            return "thread_is_archived"
        if comer in self.parts:
            return "already_takes_part"
        if len(self.parts) >= MOST:
            return "thread_is_full"
        sent = replace(sent, role="guest" if comer == "guest" else "member")
        self.parts[comer] = sent if self.edits(actor) else self.no_more(actor, comer, sent)
        return "done"

    def no_more(self, actor: str, comer: str, sent: Part) -> Part:
        """Than who brings them in has, and than they had."""
        own, had = self.parts.get(actor, Part()), self.gone.get(comer, Part())
        role = "guest" if actor == "guest" or own.role == "guest" else sent.role
        role = had.role if had.role in ("observer", "guest") else role
        return Part(role, had.muted, sent.speaks and had.speaks, history=sent.history and own.history and had.history)

    def leave(self, who: str) -> None:
        self.gone[who] = self.parts.pop(who)

    def remove(self, actor: str, who: str) -> str:
        if not self.sees(actor):
            return "thread_not_found"
        known = self.parts.keys() | self.gone.keys()
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
        self.leave(who)
        return "done"

    def change(self, actor: str, who: str, changes: dict[str, Any]) -> str:
        role = changes.get("role")
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
        if self.parts[who].role == "moderator" and role not in (None, "moderator"):
            if who == "client":
                return "creator_stays"
            if not self.moderated_without(who):
                return "thread_needs_a_moderator"
        self.parts[who] = replace(self.parts[who], **changes)
        return "done"

    def edit(self, actor: str) -> str:
        if not self.sees(actor):
            return "thread_not_found"
        if not self.edits(actor):
            return "thread_is_read_only_for_you"
        return "thread_is_archived" if self.state == "archived" else "done"

    def replace(self, actor: str, names: set[str]) -> str:
        if (refusal := self.edit(actor)) != "done":
            return refusal
        leaving = self.parts.keys() - names - {"client"}
        parts = {who: part for who, part in self.parts.items() if who not in leaving}
        parts |= {who: Part("guest" if who == "guest" else "member") for who in names - parts.keys()}
        let_go = any(self.parts[who].role == "moderator" for who in leaving)
        if let_go and parts and not any(part.role == "moderator" for part in parts.values()):
            return "thread_needs_a_moderator"
        if len(parts) > MOST:
            return "request_is_invalid"
        for who in leaving:
            self.leave(who)
        self.parts = parts
        return "done"

    def posts(self, who: str) -> str:
        if not self.sees(who):
            return "thread_not_found"
        part = self.parts.get(who)
        if part is not None and (part.role == "observer" or part.muted or not part.speaks):
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
            self.model = Model()
            threads.identity.roles[self.people.guest.user_id] = Role.GUEST
            self.thread: Thread = done(threads.open(self.people.client, maxParticipants=MOST))

        def who(self, name: str) -> Principal:
            found: Principal = getattr(self.people, name)
            return found

        @rule(
            actor=st.sampled_from(ACTORS),
            comer=st.sampled_from(COMERS),
            part=st.builds(Part, speaks=st.booleans(), invites=st.booleans(), history=st.booleans()),
        )
        def add(self, actor: str, comer: str, part: Part) -> None:
            flags = {"canSendMessages": part.speaks, "canInviteOthers": part.invites, "canSeeHistory": part.history}
            asking = threads.invite(self.thread, self.who(actor), self.who(comer), **flags)
            expected = self.model.add(actor, comer, part)
            assert done(outcome(asking)) == expected

        @rule(actor=st.sampled_from(ACTORS), who=st.sampled_from(ACTORS))
        def remove(self, actor: str, who: str) -> None:
            asking = threads.remove(self.thread, self.who(actor), self.who(who).user_id)
            assert done(outcome(asking)) == self.model.remove(actor, who)

        @rule(
            actor=st.sampled_from(ACTORS),
            who=st.sampled_from(ACTORS),
            role=st.sampled_from([None, "member", "moderator", "observer"]),
            muted=some,
            speaks=some,
            invites=some,
        )
        def change(self, actor: str, who: str, role: str | None, muted: bool | None, speaks: bool | None, invites: bool | None) -> None:
            status = None if muted is None else "muted" if muted else "active"
            sent = {"participantRole": role, "canSendMessages": speaks, "canInviteOthers": invites, "status": status}
            asking = threads.set(self.thread, self.who(actor), self.who(who).user_id, **_given(sent))
            changes = _given({"role": role, "muted": muted, "speaks": speaks, "invites": invites})
            assert done(outcome(asking)) == self.model.change(actor, who, changes)

        @rule(actor=st.sampled_from(ACTORS), names=st.sets(st.sampled_from(ACTORS), max_size=MOST + 1))
        def replace_participants(self, actor: str, names: set[str]) -> None:
            listed = [sent(self.who(name)) for name in sorted(names)]
            asking = threads.change(self.thread, self.who(actor), participants=listed)
            assert done(outcome(asking)) == self.model.replace(actor, names)

        @rule(actor=st.sampled_from(ACTORS), private=st.booleans(), guests=st.booleans())
        def hide(self, actor: str, private: bool, guests: bool) -> None:
            asking = threads.change(self.thread, self.who(actor), isPrivate=private, guestAccessAllowed=guests)
            expected = self.model.edit(actor)
            assert done(outcome(asking)) == expected
            if expected == "done":
                self.model.private, self.model.guests = private, guests

        @precondition(lambda self: self.model.sees("agent") and self.model.state != "archived")
        @rule(state=st.sampled_from(["active", "closed", "archived"]))
        def move(self, state: str) -> None:
            done(threads.change(self.thread, self.people.agent, state=state))
            self.model.state = state

        @precondition(lambda self: self.model.sees("agent") and self.model.state == "archived")
        @rule()
        def restore(self) -> None:
            done(threads.change(self.thread, self.people.agent, archived=False))
            self.model.state = "active"

        @invariant()
        def everybody_may_what_the_model_says(self) -> None:
            asked = [threads.access(self.thread, self.who(name), Right.POST) for name in ACTORS]
            answers = done(_all([outcome(asking) for asking in asked]))
            assert dict(zip(ACTORS, answers, strict=True)) == {name: self.model.posts(name) for name in ACTORS}

        @precondition(lambda self: any(map(self.model.sees, ACTORS)))
        @invariant()
        def those_take_part_whom_the_model_says(self) -> None:
            seeing = self.who(next(filter(self.model.sees, ACTORS)))
            thread = done(threads.get(self.thread, seeing))
            names = {self.who(name).user_id: name for name in ACTORS}
            found = {names[one.user_id]: _part(one) for one in thread.participants if one.user_id}
            assert (found, thread.participant_count) == (self.model.parts, len(self.model.parts))
            read = done(threads.access(self.thread, seeing, Right.READ))
            assert (isinstance(read, Access), thread.state.value, read.state.value) == (True, self.model.state, self.model.state)

    return Group


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _part(one: Participant) -> Part:
    muted = one.status is ParticipantStatus.MUTED
    return Part(one.participant_role.value, muted, one.can_send_messages, one.can_invite_others, one.can_see_history)


async def _all(asking: list[Coroutine[Any, Any, str]]) -> list[str]:
    return list(await asyncio.gather(*asking))


async def test_a_thread_is_as_its_model_says(threads: Service) -> None:
    group = machine(threads, asyncio.get_running_loop())
    few = settings(max_examples=25, stateful_step_count=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    await asyncio.to_thread(run_state_machine_as_test, group, settings=few)
