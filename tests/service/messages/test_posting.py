"""Posting: places, keys, replies, notes."""

import asyncio
from uuid import UUID

import pytest

from shared.contracts.messages.messages import Channel, Message, NoteIsNotAllowed, RepliedMessageNotFound
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import KeyWasUsedForAnother, RequestIsInvalid
from shared.contracts.threads.access import ThreadIsArchived, ThreadNotFound
from shared.identifiers import new_id, time_of
from tests.service.messages.conftest import Service
from tests.service.neighbours import principal


async def test_messages_take_the_next_place_of_their_thread(messages: Service, thread: UUID, agent: Principal) -> None:
    posted = [await messages.post(thread, f"no. {number}", agent) for number in range(3)]
    assert [message.seq for message in posted] == [1, 2, 3]
    assert [message.sub_seq for message in posted] == [0, 0, 0]
    assert (await messages.page(thread, agent)).messages == posted


async def test_a_message_carries_its_author_and_what_was_sent(messages: Service, thread: UUID, agent: Principal) -> None:
    message = await messages.post(thread, "Hello", agent, channel="email", metadata={"emailSubject": "Hi"}, client_message_id="k")
    assert (message.author_id, message.author_role, message.author_name) == (agent.user_id, Role.AGENT, "Ada")
    assert (message.channel, message.metadata, message.client_message_id) == (Channel.EMAIL, {"emailSubject": "Hi"}, "k")
    assert (message.edited_at, message.deleted_at, message.delivery_status.value) == (None, None, "delivered")


async def test_an_id_holds_the_time_of_its_message(messages: Service, thread: UUID, agent: Principal) -> None:
    message = await messages.post(thread, "When?", agent)
    assert time_of(message.id) == message.created_at


async def test_twenty_writers_leave_no_gap_and_no_double(messages: Service, thread: UUID, agent: Principal) -> None:
    async def write(writer: int) -> list[Message]:
        return [await messages.post(thread, f"{writer}.{number}", agent) for number in range(25)]

    posted = [message for many in await asyncio.gather(*(write(writer) for writer in range(20))) for message in many]
    assert sorted(message.seq for message in posted) == list(range(1, 501))
    in_order = sorted(posted, key=lambda message: message.seq)
    assert in_order == sorted(posted, key=lambda message: message.created_at)


async def test_the_same_key_and_body_is_answered_with_the_first_message(messages: Service, thread: UUID, agent: Principal) -> None:
    first = await messages.post(thread, "once", agent, client_message_id="key", metadata={"a": 1, "b": 2})
    again = await messages.post(thread, "once", agent, client_message_id="key", metadata={"b": 2, "a": 1})
    assert again == first
    assert await messages.events(thread) == ["message_posted"]


async def test_a_thousand_concurrent_retries_are_one_message(messages: Service, thread: UUID, agent: Principal) -> None:
    posted = await asyncio.gather(*(messages.post(thread, "once", agent, client_message_id="key") for _ in range(1_000)))
    assert len({message.id for message in posted}) == 1
    assert await messages.events(thread) == ["message_posted"]


async def test_the_same_key_with_another_body_is_refused(messages: Service, thread: UUID, agent: Principal) -> None:
    await messages.post(thread, "one", agent, client_message_id="key")
    with pytest.raises(KeyWasUsedForAnother):
        await messages.post(thread, "another", agent, client_message_id="key")


async def test_a_key_belongs_to_its_thread_and_author(messages: Service, thread: UUID, agent: Principal) -> None:
    other = principal(workspace_id=agent.workspace_id)
    ids = {
        (await messages.post(thread, "one", agent, client_message_id="key")).id,
        (await messages.post(thread, "two", other, client_message_id="key")).id,
        (await messages.post(new_id(), "three", agent, client_message_id="key")).id,
    }
    assert len(ids) == 3


async def test_a_key_that_is_used_while_a_first_message_is_written_is_read_all_the_same(
    messages: Service, thread: UUID, agent: Principal
) -> None:
    """As another replica uses it: the thread has no message yet, so its head was made by a transaction of its own."""
    async with messages.background.workspace(agent.workspace_id) as elsewhere:
        await elsewhere.execute(
            "INSERT INTO message_keys (thread_id, author_id, key, workspace_id, digest, message_id) VALUES ($1, $2, 'key', $3, '', $4)",
            *(thread, agent.user_id, agent.workspace_id, new_id()),
        )
        post = asyncio.create_task(messages.post(thread, "one", agent, client_message_id="key"))
        while not await messages.database.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
            await asyncio.sleep(0.01)
    with pytest.raises(KeyWasUsedForAnother):
        await post
    assert await messages.events(thread) == []


async def test_a_reply_names_a_message_of_its_thread(messages: Service, thread: UUID, agent: Principal) -> None:
    first = await messages.post(thread, "question", agent)
    assert (await messages.post(thread, "answer", agent, reply_to=first.id)).reply_to == first.id
    for elsewhere in (new_id(), (await messages.post(new_id(), "other thread", agent)).id):
        with pytest.raises(RepliedMessageNotFound):
            await messages.post(thread, "answer", agent, reply_to=elsewhere)


async def test_content_is_cleaned(messages: Service, thread: UUID, agent: Principal) -> None:
    message = await messages.post(thread, '<b onclick="x()">bold</b><script>alert(1)</script> & more', agent)
    assert message.content == "<b>bold</b> &amp; more"


@pytest.mark.parametrize("content", ["<script>alert(1)</script>", "   ", "<p> </p>"])
async def test_content_of_which_nothing_is_left_is_refused(messages: Service, thread: UUID, agent: Principal, content: str) -> None:
    with pytest.raises(RequestIsInvalid) as refused:
        await messages.post(thread, content, agent)
    assert [(error.field, error.code) for error in refused.value.errors] == [("content", "empty")]


async def test_nothing_is_posted_where_threads_refuses(messages: Service, thread: UUID, agent: Principal) -> None:
    hidden = new_id()
    messages.threads.archived.add(thread)
    messages.threads.hidden.add((hidden, agent.user_id))
    with pytest.raises(ThreadIsArchived):
        await messages.post(thread, "late", agent)
    with pytest.raises(ThreadNotFound):
        await messages.post(hidden, "not mine", agent)
    assert await messages.events(thread) == []


async def test_one_bad_post_of_a_group_fails_alone(messages: Service, thread: UUID, agent: Principal) -> None:
    outcomes = await asyncio.gather(
        *(messages.post(thread, f"{number}", agent, reply_to=new_id() if number == 7 else None) for number in range(15)),
        return_exceptions=True,
    )
    assert [isinstance(outcome, RepliedMessageNotFound) for outcome in outcomes] == [number == 7 for number in range(15)]
    assert [message.seq for message in (await messages.page(thread, agent)).messages] == list(range(1, 15))


class TestNotes:
    async def test_a_note_takes_no_seq(self, messages: Service, thread: UUID, agent: Principal) -> None:
        contents = [("one", "in-app"), ("note", "note"), ("note", "note"), ("two", "in-app"), ("note", "note")]
        posted = [await messages.post(thread, content, agent, channel=channel) for content, channel in contents]
        assert [(message.seq, message.sub_seq) for message in posted] == [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1)]
        assert await messages.events(thread) == ["message_posted", "note_posted", "note_posted", "message_posted", "note_posted"]

    async def test_a_client_posts_none_and_sees_none(self, messages: Service, thread: UUID, agent: Principal) -> None:
        client = principal(Role.CLIENT, agent.workspace_id)
        first = await messages.post(thread, "hello", client)
        note = await messages.post(thread, "careful", agent, channel="note")
        with pytest.raises(NoteIsNotAllowed):
            await messages.post(thread, "mine", client, channel="note")
        with pytest.raises(RepliedMessageNotFound):
            await messages.post(thread, "what?", client, reply_to=note.id)
        assert (await messages.page(thread, client)).messages == [first]
        assert (await messages.page(thread, agent)).messages == [first, note]

    async def test_a_reply_to_a_note_is_a_note(self, messages: Service, thread: UUID, agent: Principal) -> None:
        note = await messages.post(thread, "careful", agent, channel="note")
        assert (await messages.post(thread, "indeed", agent, reply_to=note.id)).channel is Channel.NOTE
