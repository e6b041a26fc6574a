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

from services.messages.repository.parts import Part, move
from shared.contracts.messages.messages import DELETE_MESSAGE, EDIT_MESSAGE, DeleteMessage, EditMessage, Message
from shared.contracts.messages.receipts import (
    GET_UNREAD,
    LIST_RECEIPTS,
    MARK_DELIVERED,
    MARK_READ,
    MARK_THREADS_READ,
    MARK_UNREAD,
    GetUnread,
    ListReceipts,
    MarkDelivered,
    MarkRead,
    MarkThreadsRead,
    MarkUnread,
    ReadUpTo,
)
from shared.contracts.principal import Principal, Role
from shared.credentials import background_role
from shared.database.connections import Database, as_role
from shared.identifiers import new_id
from tests.servers import Servers
from tests.service.messages.conftest import Service
from tests.service.neighbours import principal

KINDS = {
    "agent": {"note", "guarded", "chat"},
    "client": {"guarded", "chat"},
    "guest": {"chat"},
}
READERS = st.sampled_from(sorted(KINDS))
PLACES = st.integers(0, 30)
NAMED = st.sets(READERS, max_size=2)


@dataclass
class Said:
    message: Message
    kind: str
    author: Principal
    mentions: set[str]
    deleted: bool = False


@dataclass
class Reader:
    """What the model knows of somebody: their marks are places in the list of all that was said."""

    person: Principal
    username: str
    sees: set[str]
    joined: int | None = 0
    sees_from: int = 0
    read: int = -1
    delivered: int = -1
    has_receipt: bool = field(default=False)


class Conversation(RuleBasedStateMachine):
    """One thread; `say`, `mark` and the rest do the same to the service and to the model."""

    messages: Service
    background: Database
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
            member = self.messages.identity.member(f"{role}{self.thread.hex}", Role(role))
            person = principal(Role(role), self.workspace).model_copy(update={"user_id": member.id})
            self.readers[role] = Reader(person, member.username, sees)
            self.messages.joins(self.thread, person)

    @rule(reader=READERS, kind=st.sampled_from(["chat", "chat", "note", "guarded"]), named=NAMED)
    def say(self, reader: str, kind: str, named: set[str]) -> None:
        person = self.robot if kind == "guarded" else self.readers["agent" if kind == "note" else reader].person
        fields = {"chat": {}, "note": {"channel": "note"}, "guarded": {"message_type": "robot", "robot_id": "r2"}}[kind]
        message = self.do(self.messages.post(self.thread, self.content(named), person, **fields))
        self.said.append(Said(message, kind, person, named))

    @rule(place=PLACES, named=NAMED)
    @precondition(lambda self: self.said)
    def edit(self, place: int, named: set[str]) -> None:
        said = self.said[place % len(self.said)]
        if not said.deleted:
            said.mentions = named
            request = EditMessage(message_id=said.message.id, content=self.content(named))
            self.do(self.messages.call(EDIT_MESSAGE, request, said.author))

    def content(self, named: set[str]) -> str:
        return " ".join(["hello", *(f"@{self.readers[name].username}" for name in sorted(named))])

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
        self.do(self.said_of(reader, now, takes_part=True))
        if hidden:
            reader.sees_from = len(self.said)
            self.messages.threads.seen_from[self.thread, reader.person.user_id] = now

    @rule(name=READERS)
    def leave(self, name: str) -> None:
        """They still see the thread, as those do who need not take part."""
        reader = self.readers[name]
        joined = self.messages.threads.joined.pop((self.thread, reader.person.user_id), None)
        if joined is not None:
            reader.joined = None
            self.do(self.said_of(reader, joined, takes_part=False))

    async def said_of(self, reader: Reader, joined: datetime, *, takes_part: bool) -> None:
        """As threads' events tell it, by whole milliseconds."""
        at = joined.replace(microsecond=joined.microsecond // 1000 * 1000)
        async with self.background.installation() as connection:
            await move(connection, [Part(self.thread, reader.person.user_id, None, at, takes_part)])

    async def after_all(self) -> datetime:
        """A moment that no message of before shares."""
        await asyncio.sleep(0.002)
        last = self.said[-1].message.created_at if self.said else datetime.now(UTC)
        now = max(datetime.now(UTC), last)
        await asyncio.sleep(0.002)
        return now

    @rule(name=READERS, place=PLACES, how=st.sampled_from(["read", "several", "unread", "delivered"]))
    def mark(self, name: str, place: int, how: str) -> None:
        reader = self.readers[name]
        visible = self.visible(reader)
        if not visible:
            return
        at = visible[place % len(visible)]
        thread, message_id = self.thread, self.said[at].message.id
        if how in ("read", "several"):
            self.do(self.read(reader, message_id) if how == "read" else self.read_several(reader, message_id))
            reader.has_receipt = True
            reader.read, reader.delivered = max(reader.read, at), max(reader.delivered, at)
        elif how == "unread":
            self.do(self.messages.call(MARK_UNREAD, MarkUnread(thread_id=thread, from_message_id=message_id), reader.person))
            reader.read = max((before for before in visible if before < at), default=-1) if reader.read >= at else reader.read
        else:
            self.do(self.messages.call(MARK_DELIVERED, MarkDelivered(thread_id=thread, last_message_id=message_id), reader.person))
            reader.has_receipt = True
            reader.delivered = max(reader.delivered, at)

    async def read(self, reader: Reader, message_id: UUID) -> None:
        await self.messages.call(MARK_READ, MarkRead(thread_id=self.thread, last_message_id=message_id), reader.person)

    async def read_several(self, reader: Reader, message_id: UUID) -> None:
        """Beside an older message of the same thread, and a thread without that message."""
        older = self.said[self.visible(reader)[0]].message.id
        marks = [(new_id(), message_id), (self.thread, message_id), (self.thread, older)]
        request = MarkThreadsRead(threads=[ReadUpTo(thread_id=thread, last_message_id=message) for thread, message in marks])
        answer = await self.messages.call(MARK_THREADS_READ, request, reader.person)
        assert [each.thread_id for each in answer.threads] == [self.thread]

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
                and reader.joined is not None
                and place >= reader.joined
                and not said.deleted
                and said.message.author_id != reader.person.user_id
            ]
            mentioning = [said for said in unread if reader.person.role.value in said.mentions]
            assert (counted.unread_count, counted.capped, counted.mention_count) == (len(unread), False, len(mentioning))
            assert counted.last_read_message_id == self.newest_visible(reader, reader.read)

    @invariant()
    def everybody_is_shown_the_receipts_that_they_may_see(self) -> None:
        for asking in self.readers.values():
            page = self.do(self.messages.call(LIST_RECEIPTS, ListReceipts(thread_id=self.thread), asking.person))
            shown = {each.user_id: (each.last_read_message_id, each.last_delivered_message_id) for each in page.receipts}
            assert shown == {
                reader.person.user_id: (self.newest_visible(asking, reader.read), self.newest_visible(asking, reader.delivered))
                for reader in self.readers.values()
                if reader.has_receipt and (reader.joined is not None or reader is asking)
            }


async def test_receipts_are_those_of_the_model(messages: Service, servers: Servers) -> None:
    role = background_role("messages")
    background = Database(as_role(servers.postgres_url, role, servers.credentials.postgres[role]), "messages", connections=1)
    await background.open()
    there = {"messages": messages, "background": background, "loop": asyncio.get_running_loop()}
    machine = type("Conversation", (Conversation,), there)
    quiet = settings(max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    await asyncio.to_thread(run_state_machine_as_test, machine, settings=quiet)  # it waits; the service runs in this loop
    await background.close()
