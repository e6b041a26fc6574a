"""Those who poll learn what is new, and what changed of what they have."""

from uuid import UUID

import pytest

from shared.contracts.messages.messages import DELETE_MESSAGE, EDIT_MESSAGE, DeleteMessage, EditMessage, Message
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import CursorIsNotValid
from shared.identifiers import new_id
from tests.service.messages.conftest import Service
from tests.service.neighbours import principal


async def edit(messages: Service, message: Message, content: str, caller: Principal) -> Message:
    return await messages.call(EDIT_MESSAGE, EditMessage(message_id=message.id, content=content), caller)


async def test_a_poll_tells_what_changed_since_the_last_one(messages: Service, thread: UUID, agent: Principal) -> None:
    first, second, third = [await messages.post(thread, f"no. {number}", agent) for number in range(3)]
    start = await messages.page(thread, agent, after=str(second.id))
    assert (start.messages, start.changed) == ([third], None)
    edited = await edit(messages, first, "first", agent)
    gone = await messages.call(DELETE_MESSAGE, DeleteMessage(message_id=third.id), agent)
    poll = await messages.page(thread, agent, after=start.next_cursor, changed_since=start.as_of)
    assert (poll.messages, poll.changed) == ([], [edited, gone])
    again = await messages.page(thread, agent, after=poll.next_cursor, changed_since=poll.as_of)
    assert again == poll.model_copy(update={"changed": []})
    assert await messages.page(thread, agent, after=again.next_cursor, changed_since=again.as_of) == again, "a poll of nothing is the same"


async def test_changes_come_in_parts_and_none_is_left_out(messages: Service, thread: UUID, agent: Principal) -> None:
    said = [await messages.post(thread, f"no. {number}", agent) for number in range(5)]
    poll = await messages.page(thread, agent, after=str(said[-1].id))
    changed = [await edit(messages, message, "again", agent) for message in reversed(said)]
    found: list[Message] = []
    for _ in range(3):
        poll = await messages.page(thread, agent, after=poll.next_cursor, changed_since=poll.as_of, limit=2)
        found += poll.changed or []
    assert found == changed


async def test_what_is_not_read_yet_comes_as_it_is_and_is_no_change(messages: Service, thread: UUID, agent: Principal) -> None:
    first, second = [await messages.post(thread, f"no. {number}", agent) for number in range(2)]
    start = await messages.page(thread, agent, after=str(first.id), limit=1)
    edited = await edit(messages, second, "second", agent)
    poll = await messages.page(thread, agent, after=str(first.id), changed_since=start.as_of)
    assert (poll.messages, poll.changed) == ([edited], [])


async def test_a_poll_tells_nothing_of_changes_to_what_its_reader_cannot_see(messages: Service, thread: UUID, agent: Principal) -> None:
    client = principal(Role.CLIENT, agent.workspace_id)
    message = await messages.post(thread, "hello", client)
    note = await messages.post(thread, "careful", agent, channel="note")
    start = await messages.page(thread, client, after=str(message.id))
    await edit(messages, note, "very careful", agent)
    assert await messages.page(thread, client, after=str(message.id)) == start
    poll = await messages.page(thread, client, after=str(message.id), changed_since=start.as_of)
    assert (poll.changed, poll.as_of) == ([], start.as_of)
    assert len((await messages.page(thread, agent, after=str(note.id), changed_since=start.as_of)).changed or []) == 1


async def test_a_message_that_is_not_there_to_be_seen_is_no_place_to_poll_from(messages: Service, thread: UUID, agent: Principal) -> None:
    client, late = principal(Role.CLIENT, agent.workspace_id), principal(Role.CLIENT, agent.workspace_id)
    old, note = await messages.post(thread, "old", client), await messages.post(thread, "careful", agent, channel="note")
    new, elsewhere = await messages.post(thread, "new", client), await messages.post(new_id(), "there", agent)
    messages.joins(thread, late, seen_from=new.created_at)
    assert (await messages.page(thread, agent, after=str(note.id))).messages == [new]
    for caller, message_id in ((client, note.id), (late, old.id), (agent, elsewhere.id), (agent, new_id())):
        with pytest.raises(CursorIsNotValid):
            await messages.page(thread, caller, after=str(message_id))


async def test_a_moment_of_another_thread_is_refused(messages: Service, thread: UUID, agent: Principal) -> None:
    message, elsewhere = await messages.post(thread, "here", agent), await messages.post(new_id(), "there", agent)
    poll = await messages.page(elsewhere.thread_id, agent, after=str(elsewhere.id))
    for moment in (poll.as_of, poll.next_cursor, "nonsense"):
        with pytest.raises(CursorIsNotValid):
            await messages.page(thread, agent, after=str(message.id), changed_since=moment)


async def test_a_poll_tells_nothing_of_changes_to_what_is_older_than_its_reader_sees(
    messages: Service, thread: UUID, agent: Principal
) -> None:
    newcomer = principal(Role.CLIENT, agent.workspace_id)
    old, new = [await messages.post(thread, content, agent) for content in ("old", "new")]
    messages.joins(thread, newcomer, seen_from=new.created_at)
    start = await messages.page(thread, newcomer, after=str(new.id))
    await edit(messages, old, "older", agent)
    assert await messages.page(thread, newcomer, after=str(new.id)) == start
    edited = await edit(messages, new, "newer", agent)
    poll = await messages.page(thread, newcomer, after=str(new.id), changed_since=start.as_of)
    assert (poll.changed, poll.as_of != start.as_of) == ([edited], True)
    assert (await messages.page(thread, newcomer, after=str(new.id))).as_of == poll.as_of
