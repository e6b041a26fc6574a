"""Edits and deletes."""

from uuid import UUID

import pytest

from shared.contracts.messages.messages import (
    DELETE_MESSAGE,
    EDIT_MESSAGE,
    GET_MESSAGE,
    DeleteMessage,
    EditMessage,
    EditWindowIsOver,
    GetMessage,
    Message,
    MessageIsDeleted,
    MessageNotFound,
    NotTheAuthor,
    RepliedMessageNotFound,
)
from shared.contracts.principal import Principal, Role
from shared.contracts.threads.access import ThreadIsArchived
from tests.service.messages.conftest import Service
from tests.service.neighbours import principal


async def edit(messages: Service, message: Message, content: str, caller: Principal) -> Message:
    return await messages.call(EDIT_MESSAGE, EditMessage(message_id=message.id, content=content), caller)


async def delete(messages: Service, message: Message, caller: Principal) -> Message:
    return await messages.call(DELETE_MESSAGE, DeleteMessage(message_id=message.id), caller)


async def test_an_edit_changes_the_content_and_keeps_the_place(messages: Service, thread: UUID, agent: Principal) -> None:
    message = await messages.post(thread, "frist", agent)
    changed = await edit(messages, message, "first <script>x</script>", agent)
    assert changed.edited_at is not None
    assert changed == message.model_copy(update={"content": "first ", "edited_at": changed.edited_at})
    assert await messages.call(GET_MESSAGE, GetMessage(message_id=message.id), agent) == changed
    assert await messages.events(thread) == ["message_posted", "message_edited"]


async def test_only_the_author_edits(messages: Service, thread: UUID, agent: Principal) -> None:
    message = await messages.post(thread, "mine", agent)
    with pytest.raises(NotTheAuthor):
        await edit(messages, message, "yours", principal(Role.ADMIN, agent.workspace_id))


async def test_an_edit_after_five_minutes_is_refused(messages: Service, thread: UUID, agent: Principal) -> None:
    message = await messages.post(thread, "first", agent)
    assert (await edit(messages, message, "in time", agent)).content == "in time"
    old = await messages.backdated(message, seconds=301)
    with pytest.raises(EditWindowIsOver):
        await edit(messages, old, "late", agent)


async def test_a_deleted_message_keeps_its_place_and_says_nothing(messages: Service, thread: UUID, agent: Principal) -> None:
    message = await messages.post(thread, "secret", agent, metadata={"a": 1})
    gone = await delete(messages, message, agent)
    assert gone == message.model_copy(update={"content": "", "metadata": {}, "deleted_at": gone.deleted_at})
    assert (await messages.page(thread, agent)).messages == [gone]
    assert await delete(messages, message, agent) == gone
    assert await messages.events(thread) == ["message_posted", "message_deleted"]
    with pytest.raises(MessageIsDeleted):
        await edit(messages, message, "back", agent)
    with pytest.raises(RepliedMessageNotFound):
        await messages.post(thread, "to whom?", agent, reply_to=message.id)


async def test_a_post_repeated_after_its_message_was_deleted_answers_with_what_is_left(
    messages: Service, thread: UUID, agent: Principal
) -> None:
    message = await messages.post(thread, "once", agent, client_message_id="key")
    gone = await delete(messages, message, agent)
    assert await messages.post(thread, "once", agent, client_message_id="key") == gone


async def test_others_messages_are_deleted_by_those_who_may(messages: Service, thread: UUID, agent: Principal) -> None:
    client = principal(Role.CLIENT, agent.workspace_id)
    by_agent, by_client = await messages.post(thread, "a", agent), await messages.post(thread, "b", client)
    with pytest.raises(NotTheAuthor):
        await delete(messages, by_agent, client)
    assert (await delete(messages, by_client, agent)).deleted_at is not None


async def test_nothing_changes_in_an_archived_thread(messages: Service, thread: UUID, agent: Principal) -> None:
    message = await messages.post(thread, "first", agent)
    messages.threads.archived.add(thread)
    with pytest.raises(ThreadIsArchived):
        await edit(messages, message, "second", agent)
    with pytest.raises(ThreadIsArchived):
        await delete(messages, message, agent)


async def test_a_note_is_hidden_from_whoever_may_not_see_it(messages: Service, thread: UUID, agent: Principal) -> None:
    client = principal(Role.CLIENT, agent.workspace_id)
    note = await messages.post(thread, "careful", agent, channel="note")
    with pytest.raises(MessageNotFound):
        await edit(messages, note, "mine", client)
    with pytest.raises(MessageNotFound):
        await delete(messages, note, client)
    await edit(messages, note, "very careful", agent)
    await delete(messages, note, agent)
    assert await messages.events(thread) == ["note_posted", "note_edited", "note_deleted"]
