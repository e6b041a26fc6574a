"""Pages and single messages."""

from uuid import UUID

import pytest

from services.messages.repository import pages as repository
from shared.contracts.messages.messages import DELETE_MESSAGE, GET_MESSAGE, DeleteMessage, GetMessage, MessageNotFound, MessagePage
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import CursorIsNotValid
from shared.contracts.threads.access import ThreadNotFound
from shared.identifiers import new_id
from tests.service.messages.conftest import Service
from tests.service.neighbours import principal


async def fill(messages: Service, thread: UUID, agent: Principal, count: int) -> None:
    for number in range(1, count + 1):
        await messages.post(thread, f"no. {number}", agent)


def seqs(page: MessagePage) -> list[int]:
    return [message.seq for message in page.messages]


async def test_without_a_cursor_a_page_is_the_newest_and_goes_on_to_older(messages: Service, thread: UUID, agent: Principal) -> None:
    await fill(messages, thread, agent, 5)
    newest = await messages.page(thread, agent, limit=2)
    assert (seqs(newest), newest.has_more) == ([4, 5], True)
    older = await messages.page(thread, agent, limit=2, before=newest.next_cursor)
    assert (seqs(older), older.has_more) == ([2, 3], True)
    oldest = await messages.page(thread, agent, limit=2, before=older.next_cursor)
    assert (seqs(oldest), oldest.has_more, oldest.next_cursor) == ([1], False, None)


async def test_after_goes_to_newer_and_an_empty_poll_gives_its_cursor_back(messages: Service, thread: UUID, agent: Principal) -> None:
    await fill(messages, thread, agent, 3)
    first = (await messages.page(thread, agent)).messages[0]
    page = await messages.page(thread, agent, after=str(first.id), limit=1)
    assert (seqs(page), page.has_more) == ([2], True)
    page = await messages.page(thread, agent, after=page.next_cursor)
    assert (seqs(page), page.has_more) == ([3], False)
    empty = await messages.page(thread, agent, after=page.next_cursor)
    assert (seqs(empty), empty.has_more, empty.next_cursor) == ([], False, page.next_cursor)
    await messages.post(thread, "no. 4", agent)
    assert seqs(await messages.page(thread, agent, after=empty.next_cursor)) == [4]


async def test_a_message_id_is_a_cursor_both_ways(messages: Service, thread: UUID, agent: Principal) -> None:
    await fill(messages, thread, agent, 4)
    third = (await messages.page(thread, agent)).messages[2]
    assert seqs(await messages.page(thread, agent, before=str(third.id))) == [1, 2]
    assert seqs(await messages.page(thread, agent, after=str(third.id))) == [4]


async def test_a_cursor_that_is_not_of_this_list_is_refused(messages: Service, thread: UUID, agent: Principal) -> None:
    await fill(messages, thread, agent, 3)
    cursor = (await messages.page(thread, agent, limit=1)).next_cursor
    assert cursor is not None
    elsewhere = await messages.post(new_id(), "other thread", agent)
    flipped = cursor[:-3] + ("A" if cursor[-3] != "A" else "B") + cursor[-2:]
    for bad in ("nonsense", "ünsinn", flipped, str(new_id()), str(elsewhere.id), ""):
        with pytest.raises(CursorIsNotValid):
            await messages.page(thread, agent, before=bad)
    with pytest.raises(CursorIsNotValid):
        await messages.page(elsewhere.thread_id, agent, before=cursor)


async def test_a_note_is_no_cursor_for_those_who_cannot_see_it(messages: Service, thread: UUID, agent: Principal) -> None:
    note = await messages.post(thread, "careful", agent, channel="note")
    assert seqs(await messages.page(thread, agent, before=str(note.id))) == []
    with pytest.raises(CursorIsNotValid):
        await messages.page(thread, principal(Role.CLIENT, agent.workspace_id), before=str(note.id))


async def test_a_page_is_the_contract_s_own_form(messages: Service, thread: UUID, agent: Principal) -> None:
    """PostgreSQL writes a page's JSON; a single message's is written by the contract."""
    first = await messages.post(
        thread, 'Say "ü" \\ <b>x</b>\n\t😀', agent, metadata={"a": {"b": [1, 2.5, None, "ü"]}}, client_message_id="k"
    )
    await messages.post(thread, "reply", agent, reply_to=first.id)
    await messages.call(DELETE_MESSAGE, DeleteMessage(message_id=first.id), agent)
    for found in (await messages.page(thread, agent)).messages:
        assert found == await messages.call(GET_MESSAGE, GetMessage(message_id=found.id), agent)


async def test_a_page_ends_at_a_megabyte(messages: Service, thread: UUID, agent: Principal) -> None:
    for _ in range(21):
        await messages.post(thread, "&" * 10_000, agent)  # five times as long once it is cleaned
    page = await messages.page(thread, agent, limit=200)
    assert page.has_more
    assert len(page.messages) == repository.PAGE_LENGTH // 50_400
    older = await messages.page(thread, agent, limit=200, before=page.next_cursor)
    assert seqs(older) + seqs(page) == list(range(1, 22))


async def test_hidden_missing_and_foreign_messages_are_alike(messages: Service, thread: UUID, agent: Principal) -> None:
    message = await messages.post(thread, "mine", agent)
    stranger = principal(workspace_id=agent.workspace_id)
    messages.threads.hidden.add((thread, stranger.user_id))
    for caller, message_id in ((stranger, message.id), (agent, new_id()), (principal(), message.id), (agent, UUID(int=1))):
        with pytest.raises(MessageNotFound):
            await messages.call(GET_MESSAGE, GetMessage(message_id=message_id), caller)
    with pytest.raises(ThreadNotFound):
        await messages.page(thread, stranger)
