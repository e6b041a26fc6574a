"""Receipts and counts, against a model that is a list: whatever happens in whichever order, both say the same."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from shared.contracts.messages.messages import DELETE_MESSAGE, DeleteMessage, Message
from shared.contracts.messages.receipts import (
    GET_UNREAD,
    LIST_RECEIPTS,
    MARK_DELIVERED,
    MARK_READ,
    MARK_UNREAD,
    GetUnread,
    ListReceipts,
    MarkDelivered,
    MarkRead,
    MarkUnread,
)
from shared.contracts.principal import Principal, Role
from shared.identifiers import new_id
from tests.service.messages.conftest import Service
from tests.service.neighbours import principal

KINDS = {
    "agent": {"note", "guarded", "chat"},
    "client": {"guarded", "chat"},
    "guest": {"chat"},
}
READERS = st.sampled_from(sorted(KINDS))
PLACES = st.integers(0, 30)


@dataclass
class Said:
    message: Message
    kind: str
    deleted: bool = False


@dataclass
class Reader:
    """What the model knows of somebody: their marks are places in the list of all that was said."""

    person: Principal
    sees: set[str]
    joined: int = 0
    sees_from: int = 0
    read: int = -1
    delivered: int = -1
    has_receipt: bool = field(default=False)


class Conversation(RuleBasedStateMachine):
    """One thread; `say`, `mark` and the rest do the same to the service and to the model."""

    messages: Service
    loop: asyncio.AbstractEventLoop

    def __init__(self) -> None:
        super().__init__()
        self.thread, self.workspace = new_id(), new_id()
        self.said: list[Said] = []
        self.readers: dict[str, Reader] = {}
        self.robot = principal(Role.SYSTEM, self.workspace)
        self.admin = principal(Role.ADMIN, self.workspace)

    def do[T](self, work: Coroutine[Any, Any, T]) -> T:
        waiting: Future[T] = asyncio.run_coroutine_threadsafe(work, self.loop)
        return waiting.result(timeout=20)

    @initialize()
    def everybody_joins(self) -> None:
        for role, sees in KINDS.items():
            self.readers[role] = Reader(principal(Role(role), self.workspace), sees)
            self.messages.joins(self.thread, self.readers[role].person)

    @rule(reader=READERS, kind=st.sampled_from(["chat", "chat", "note", "guarded"]))
    def say(self, reader: str, kind: str) -> None:
        person = self.robot if kind == "guarded" else self.readers["agent" if kind == "note" else reader].person
        fields = {"chat": {}, "note": {"channel": "note"}, "guarded": {"message_type": "robot", "robot_id": "r2"}}[kind]
        self.said.append(Said(self.do(self.messages.post(self.thread, "hello", person, **fields)), kind))

    @rule(place=PLACES)
    @precondition(lambda self: self.said)
    def delete(self, place: int) -> None:
        said = self.said[place % len(self.said)]
        said.deleted = True
        self.do(self.messages.call(DELETE_MESSAGE, DeleteMessage(message_id=said.message.id), self.admin))

    @rule(name=READERS, hidden=st.booleans())
    def join_anew(self, name: str, hidden: bool) -> None:
        """From now on; what was said before is hidden from them, or is there and does not count."""
        reader = self.readers[name]
        now = self.do(self.after_all())
        reader.joined = len(self.said)
        self.messages.threads.joined[self.thread, reader.person.user_id] = now
        if hidden:
            reader.sees_from = len(self.said)
            self.messages.threads.seen_from[self.thread, reader.person.user_id] = now

    async def after_all(self) -> datetime:
        """A moment that no message of before shares."""
        await asyncio.sleep(0.002)
        last = self.said[-1].message.created_at if self.said else datetime.now(UTC)
        now = max(datetime.now(UTC), last)
        await asyncio.sleep(0.002)
        return now

    @rule(name=READERS, place=PLACES, how=st.sampled_from(["read", "unread", "delivered"]))
    def mark(self, name: str, place: int, how: str) -> None:
        reader = self.readers[name]
        visible = self.visible(reader)
        if not visible:
            return
        at = visible[place % len(visible)]
        thread, message_id = self.thread, self.said[at].message.id
        if how == "read":
            self.do(self.messages.call(MARK_READ, MarkRead(thread_id=thread, last_message_id=message_id), reader.person))
            reader.has_receipt = True
            reader.read, reader.delivered = max(reader.read, at), max(reader.delivered, at)
        elif how == "unread":
            self.do(self.messages.call(MARK_UNREAD, MarkUnread(thread_id=thread, from_message_id=message_id), reader.person))
            reader.read = max((before for before in visible if before < at), default=-1) if reader.read >= at else reader.read
        else:
            self.do(self.messages.call(MARK_DELIVERED, MarkDelivered(thread_id=thread, last_message_id=message_id), reader.person))
            reader.has_receipt = True
            reader.delivered = max(reader.delivered, at)

    def visible(self, reader: Reader) -> list[int]:
        return [place for place, said in enumerate(self.said) if said.kind in reader.sees and place >= reader.sees_from]

    def newest_visible(self, reader: Reader, up_to: int) -> UUID | None:
        places = [place for place in self.visible(reader) if place <= up_to]
        return self.said[places[-1]].message.id if places else None

    @invariant()
    def counts_are_those_of_the_model(self) -> None:
        for reader in self.readers.values():
            counted = self.do(self.messages.call(GET_UNREAD, GetUnread(thread_id=self.thread), reader.person))
            unread = [
                said
                for place, said in enumerate(self.said)
                if place in self.visible(reader)
                and place > reader.read
                and place >= reader.joined
                and not said.deleted
                and said.message.author_id != reader.person.user_id
            ]
            assert (counted.unread_count, counted.capped, counted.mention_count) == (len(unread), False, 0)
            assert counted.last_read_message_id == (self.said[reader.read].message.id if reader.read >= 0 else None)

    @invariant()
    def everybody_is_shown_the_receipts_that_they_may_see(self) -> None:
        for asking in self.readers.values():
            page = self.do(self.messages.call(LIST_RECEIPTS, ListReceipts(thread_id=self.thread), asking.person))
            shown = {each.user_id: (each.last_read_message_id, each.last_delivered_message_id) for each in page.receipts}
            assert shown == {
                reader.person.user_id: (self.newest_visible(asking, reader.read), self.newest_visible(asking, reader.delivered))
                for reader in self.readers.values()
                if reader.has_receipt
            }


async def test_receipts_are_those_of_the_model(messages: Service) -> None:
    machine = type("Conversation", (Conversation,), {"messages": messages, "loop": asyncio.get_running_loop()})
    quiet = settings(max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    await asyncio.to_thread(run_state_machine_as_test, machine, settings=quiet)  # it waits; the service runs in this loop
