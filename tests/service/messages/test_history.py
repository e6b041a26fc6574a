"""What messages were before they were changed: for auditors, who are audited themselves."""

from uuid import UUID

import asyncpg
import pytest

from shared.contracts.messages.history import GET_MESSAGE_HISTORY, GetMessageHistory, MessageHistory
from shared.contracts.messages.messages import (
    DELETE_MESSAGE,
    EDIT_MESSAGE,
    DeleteMessage,
    DeliveryStatus,
    EditMessage,
    Message,
    MessageNotFound,
)
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import CursorIsNotValid
from tests.service.messages.conftest import Service
from tests.service.neighbours import principal


async def history(messages: Service, message: Message, caller: Principal, **fields: object) -> MessageHistory:
    return await messages.call(GET_MESSAGE_HISTORY, GetMessageHistory.model_validate({"message_id": message.id, **fields}), caller)


async def edit(messages: Service, message: Message, content: str, caller: Principal, reason: str | None = None) -> Message:
    return await messages.call(EDIT_MESSAGE, EditMessage(message_id=message.id, content=content, reason=reason), caller)


async def test_a_post_has_no_history(messages: Service, thread: UUID, agent: Principal) -> None:
    message = await messages.post(thread, "first", agent)
    assert await history(messages, message, agent) == MessageHistory(history=[], has_more=False, next_cursor=None)


async def test_history_says_what_was_who_changed_it_when_and_why(messages: Service, thread: UUID, agent: Principal) -> None:
    client = principal(Role.CLIENT, agent.workspace_id)
    message = await messages.post(thread, "frist", client, metadata={"a": 1})
    changed = await edit(messages, message, "first", client, "a typo")
    gone = await messages.call(DELETE_MESSAGE, DeleteMessage(message_id=message.id, reason="rude"), agent)
    assert gone.content == ""
    versions = (await history(messages, message, agent)).history
    assert [version.message for version in versions] == [message, changed]
    assert [(version.operation_type, version.changed_by, version.reason) for version in versions] == [
        ("UPDATE", client.user_id, "a typo"),
        ("UPDATE", agent.user_id, "rude"),
    ]
    assert message.created_at <= versions[0].changed_at <= versions[1].changed_at


async def test_history_comes_in_pages_oldest_first(messages: Service, thread: UUID, agent: Principal) -> None:
    message, other = [await messages.post(thread, "0", agent) for _ in range(2)]
    for number in range(1, 6):
        await edit(messages, message, str(number), agent)
    first = await history(messages, message, agent, limit=3)
    last = await history(messages, message, agent, limit=3, cursor=first.next_cursor)
    assert [version.message.content for page in (first, last) for version in page.history] == list("01234")
    assert (first.has_more, last.has_more, last.next_cursor) == (True, False, None)
    with pytest.raises(CursorIsNotValid):
        await history(messages, other, agent, cursor=first.next_cursor)


async def test_reading_a_history_is_audited(messages: Service, thread: UUID, agent: Principal) -> None:
    message = await messages.post(thread, "first", agent)
    await history(messages, message, agent)
    (entry,) = await messages.said("action_audited", agent.user_id)
    assert (entry["actorId"], entry["action"], entry["targetId"]) == (str(agent.user_id), "audit:history:read", str(message.id))
    assert (entry["targetKind"], entry["reason"], entry["details"]) == ("message", None, {"threadId": str(thread)})


async def test_deleting_what_another_said_is_audited_and_ones_own_is_not(messages: Service, thread: UUID, agent: Principal) -> None:
    own = await messages.post(thread, "mine", agent)
    others = await messages.post(thread, "yours", principal(Role.CLIENT, agent.workspace_id))
    for message in (own, others, others):
        await messages.call(DELETE_MESSAGE, DeleteMessage(message_id=message.id, reason="tidying"), agent)
    (entry,) = await messages.said("action_audited", agent.user_id)
    assert (entry["action"], entry["targetId"], entry["reason"]) == ("chat:message:delete", str(others.id), "tidying")


async def test_history_is_for_those_who_see_the_message(messages: Service, thread: UUID, agent: Principal) -> None:
    note = await messages.post(thread, "careful", agent, channel="note")
    for caller in (principal(Role.CLIENT, agent.workspace_id), principal()):
        with pytest.raises(MessageNotFound):
            await history(messages, note, caller)


async def test_what_only_the_service_keeps_count_of_is_no_history(messages: Service, thread: UUID, agent: Principal) -> None:
    message = await messages.post(thread, "first", agent)
    await messages.database.execute("UPDATE messages.messages SET version = version + 1, updated_at = now() WHERE id = $1", message.id)
    assert (await history(messages, message, agent)).history == []


async def test_a_change_without_an_actor_fails(messages: Service, thread: UUID, agent: Principal) -> None:
    message = await messages.post(thread, "first", agent)
    async with messages.database.transaction():
        await messages.database.execute("SET LOCAL app.actor = ''")
        with pytest.raises(asyncpg.RaiseError, match="names nobody"):
            async with messages.database.transaction():
                await messages.database.execute("UPDATE messages.messages SET content = 'x' WHERE id = $1", message.id)


async def test_what_streams_keeps_no_history_until_it_is_said_or_taken_away(messages: Service, thread: UUID, agent: Principal) -> None:
    robot = principal(Role.SYSTEM, agent.workspace_id)
    said, gone = [await messages.post(thread, "b", robot, delivery_status="streaming") for _ in range(2)]
    for length in range(2, 12):
        await edit(messages, said, "b" * length, robot)
    delivered = EditMessage(message_id=said.id, content="beep", delivery_status=DeliveryStatus.DELIVERED)
    await messages.call(EDIT_MESSAGE, delivered, robot)
    assert (await history(messages, said, agent)).history == []
    await edit(messages, said, "beep, beep", robot)
    assert [version.message.content for version in (await history(messages, said, agent)).history] == ["beep"]
    await messages.call(DELETE_MESSAGE, DeleteMessage(message_id=gone.id, reason="noise"), agent)
    (version,) = (await history(messages, gone, agent)).history
    assert (version.message, version.changed_by, version.reason) == (gone, agent.user_id, "noise")
