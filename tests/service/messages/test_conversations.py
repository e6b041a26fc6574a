"""Sub-conversations, and what one who does not see all of a thread sees of it."""

from datetime import timedelta
from uuid import UUID

import pytest

from shared.contracts.messages.messages import (
    DELETE_MESSAGE,
    EDIT_MESSAGE,
    GET_MESSAGE,
    LIST_REPLIES,
    DeleteMessage,
    EditMessage,
    GetMessage,
    ListReplies,
    Message,
    MessageNotFound,
    MessagePage,
    RepliedMessageNotFound,
)
from shared.contracts.model import Request
from shared.contracts.operations import Operation
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import CursorIsNotValid
from tests.service.messages.conftest import Service
from tests.service.neighbours import principal


async def replies(messages: Service, message: Message, caller: Principal, **fields: object) -> MessagePage:
    return await messages.call(LIST_REPLIES, ListReplies.model_validate({"message_id": message.id, **fields}), caller)


async def test_replies_and_replies_to_them_are_one_sub_conversation(messages: Service, thread: UUID, agent: Principal) -> None:
    root = await messages.post(thread, "question", agent)
    await messages.post(thread, "something else", agent)
    first = await messages.post(thread, "answer", agent, reply_to=root.id)
    second = await messages.post(thread, "why?", agent, reply_to=first.id)
    third = await messages.post(thread, "another answer", agent, reply_to=root.id)
    assert [message.root_id for message in (root, first, second, third)] == [None, root.id, root.id, root.id]
    assert (await replies(messages, root, agent)).messages == [first, second, third]
    assert (await replies(messages, first, agent)).messages == [second]
    assert await replies(messages, third, agent) == MessagePage(messages=[], has_more=False, next_cursor=None)


async def test_replies_come_in_pages_oldest_first(messages: Service, thread: UUID, agent: Principal) -> None:
    root, other = [await messages.post(thread, "question", agent) for _ in range(2)]
    said = [await messages.post(thread, f"no. {number}", agent, reply_to=root.id) for number in range(5)]
    first = await replies(messages, root, agent, limit=2)
    second = await replies(messages, root, agent, limit=2, cursor=first.next_cursor)
    last = await replies(messages, root, agent, limit=2, cursor=second.next_cursor)
    assert [message for page in (first, second, last) for message in page.messages] == said
    assert (first.has_more, last.has_more, last.next_cursor) == (True, False, None)
    with pytest.raises(CursorIsNotValid):
        await replies(messages, other, agent, cursor=first.next_cursor)
    with pytest.raises(CursorIsNotValid):
        await messages.page(thread, agent, after=first.next_cursor)


async def test_replies_are_for_those_who_see_what_they_reply_to(messages: Service, thread: UUID, agent: Principal) -> None:
    client = principal(Role.CLIENT, agent.workspace_id)
    root = await messages.post(thread, "question", client)
    note = await messages.post(thread, "hm", agent, channel="note")
    answer = await messages.post(thread, "among us", agent, reply_to=note.id)
    aside = await messages.post(thread, "careful", agent, reply_to=root.id, channel="note")
    assert (await replies(messages, note, agent)).messages == [answer]
    assert (await replies(messages, root, agent)).messages == [aside]
    assert (await replies(messages, root, client)).messages == []
    with pytest.raises(MessageNotFound):
        await replies(messages, note, client)


class TestSeenFrom:
    """What was said before one sees a thread is not there for them."""

    async def test_in_pages_and_cursors(self, messages: Service, thread: UUID, agent: Principal) -> None:
        said = [await messages.post(thread, f"no. {number}", agent) for number in range(4)]
        newcomer = principal(Role.CLIENT, agent.workspace_id)
        messages.joins(thread, newcomer, seen_from=said[2].created_at)
        page = await messages.page(thread, newcomer)
        assert (page.messages, page.has_more, page.next_cursor) == (said[2:], False, None)
        newest = await messages.page(thread, newcomer, limit=1)
        older = await messages.page(thread, newcomer, limit=1, before=newest.next_cursor)
        assert (older.messages, older.has_more) == ([said[2]], False)
        by_agent = (await messages.page(thread, agent, limit=3)).next_cursor
        assert (await messages.page(thread, newcomer, before=by_agent)).messages == []
        assert (await messages.page(thread, newcomer, after=by_agent)).messages == said[2:]
        for direction in ("before", "after"):
            with pytest.raises(CursorIsNotValid):
                await messages.page(thread, newcomer, **{direction: str(said[1].id)})

    async def test_by_itself_and_in_replies(self, messages: Service, thread: UUID, agent: Principal) -> None:
        newcomer = principal(Role.CLIENT, agent.workspace_id)
        root, early = await messages.post(thread, "question", newcomer), await messages.post(thread, "early", agent)
        late = await messages.post(thread, "answer", agent, reply_to=root.id)
        messages.joins(thread, newcomer, seen_from=early.created_at + timedelta(milliseconds=1))
        asked: list[tuple[Operation[Request, Message], Request]] = [
            (GET_MESSAGE, GetMessage(message_id=root.id)),
            (EDIT_MESSAGE, EditMessage(message_id=root.id, content="x")),
            (DELETE_MESSAGE, DeleteMessage(message_id=root.id)),
        ]
        for operation, request in asked:
            with pytest.raises(MessageNotFound):
                await messages.call(operation, request, newcomer)
        with pytest.raises(MessageNotFound):
            await replies(messages, root, newcomer)
        with pytest.raises(RepliedMessageNotFound):
            await messages.post(thread, "to whom?", newcomer, reply_to=early.id)
        assert (await messages.post(thread, "thanks", newcomer, reply_to=late.id)).root_id == root.id
        assert (await messages.page(thread, newcomer)).messages[0] == late
