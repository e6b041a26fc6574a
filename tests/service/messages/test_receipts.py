"""How far readers are, and what they have not read."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shared.contracts.messages.messages import DELETE_MESSAGE, DeleteMessage, Message
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
    MarkedMessageNotFound,
    MarkRead,
    MarkThreadsRead,
    MarkUnread,
    ReadUpTo,
    Receipt,
    ReceiptPage,
)
from shared.contracts.messages.unread import COUNT_UNREAD, CountUnread, Standing, Unread
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import CursorIsNotValid
from shared.contracts.threads.access import ThreadNotFound
from shared.identifiers import new_id
from tests.service.messages.conftest import Service
from tests.service.neighbours import principal


async def unread(messages: Service, thread: UUID, reader: Principal) -> Unread:
    return await messages.call(GET_UNREAD, GetUnread(thread_id=thread), reader)


async def read(messages: Service, message: Message, reader: Principal) -> Unread:
    return await messages.call(MARK_READ, MarkRead(thread_id=message.thread_id, last_message_id=message.id), reader)


async def mark_unread(messages: Service, message: Message, reader: Principal) -> Unread:
    return await messages.call(MARK_UNREAD, MarkUnread(thread_id=message.thread_id, from_message_id=message.id), reader)


async def delivered(messages: Service, message: Message, reader: Principal) -> Receipt:
    return await messages.call(MARK_DELIVERED, MarkDelivered(thread_id=message.thread_id, last_message_id=message.id), reader)


async def receipts(messages: Service, thread: UUID, reader: Principal, **fields: object) -> ReceiptPage:
    return await messages.call(LIST_RECEIPTS, ListReceipts.model_validate({"thread_id": thread, **fields}), reader)


def counts(thread: UUID, unread: int, last: Message | None, mentions: int = 0, *, capped: bool = False) -> Unread:
    return Unread(
        thread_id=thread,
        unread_count=unread,
        capped=capped,
        mention_count=mentions,
        last_read_message_id=last.id if last else None,
    )


@pytest.fixture
def client(messages: Service, thread: UUID, agent: Principal) -> Principal:
    """Takes part, as the agent does."""
    client = principal(Role.CLIENT, agent.workspace_id, "Cleo")
    messages.joins(thread, client, agent)
    return client


async def test_what_others_said_is_unread_until_it_is_read(messages: Service, thread: UUID, agent: Principal, client: Principal) -> None:
    said = [await messages.post(thread, f"no. {number}", agent) for number in range(3)]
    assert await unread(messages, thread, client) == counts(thread, 3, None)
    assert await unread(messages, thread, agent) == counts(thread, 0, None)
    assert await read(messages, said[1], client) == counts(thread, 1, said[1])
    assert await unread(messages, thread, client) == counts(thread, 1, said[1])


async def test_reading_never_moves_backwards(messages: Service, thread: UUID, agent: Principal, client: Principal) -> None:
    said = [await messages.post(thread, f"no. {number}", agent) for number in range(3)]
    await read(messages, said[2], client)
    assert await read(messages, said[0], client) == counts(thread, 0, said[2])
    await asyncio.gather(*(read(messages, message, client) for message in said * 5))
    assert await unread(messages, thread, client) == counts(thread, 0, said[2])
    assert len(await messages.said("thread_read", thread)) == 1


async def test_a_thread_is_unread_from_a_message_on_and_never_moves_forward_by_that(
    messages: Service, thread: UUID, agent: Principal, client: Principal
) -> None:
    said = [await messages.post(thread, f"no. {number}", agent) for number in range(4)]
    await read(messages, said[3], client)
    assert await mark_unread(messages, said[2], client) == counts(thread, 2, said[1])
    assert await mark_unread(messages, said[3], client) == counts(thread, 2, said[1])
    assert await mark_unread(messages, said[0], client) == counts(thread, 4, None)
    assert await read(messages, said[0], client) == counts(thread, 3, said[0])


async def test_own_deleted_and_hidden_messages_never_count(messages: Service, thread: UUID, agent: Principal, client: Principal) -> None:
    await messages.post(thread, "own", client)
    await messages.post(thread, "careful", agent, channel="note")
    gone = await messages.post(thread, "gone", agent)
    await messages.call(DELETE_MESSAGE, DeleteMessage(message_id=gone.id), agent)
    assert await unread(messages, thread, client) == counts(thread, 0, None)
    colleague = principal(workspace_id=agent.workspace_id)
    messages.threads.joined[thread, colleague.user_id] = messages.threads.joined[thread, client.user_id]
    assert await unread(messages, thread, colleague) == counts(thread, 2, None)


async def test_robot_messages_that_are_not_for_guests_do_not_count_for_them(messages: Service, thread: UUID, agent: Principal) -> None:
    guest, client = principal(Role.GUEST, agent.workspace_id), principal(Role.CLIENT, agent.workspace_id)
    messages.joins(thread, guest, client)
    robot = principal(Role.SYSTEM, agent.workspace_id, "Robbie")
    await messages.post(thread, "beep", robot, message_type="robot", robot_id="r2")
    await messages.post(thread, "boop", robot, message_type="robot", robot_id="r2", is_robot_visible_to_guests=True)
    assert (await unread(messages, thread, guest)).unread_count == 1
    assert (await unread(messages, thread, client)).unread_count == 2


async def test_what_was_said_before_one_joined_or_sees_it_never_counts(messages: Service, thread: UUID, agent: Principal) -> None:
    client, newcomer, stranger = (principal(Role.CLIENT, agent.workspace_id) for _ in range(3))
    early = await messages.post(thread, "early", agent)
    later = early.created_at + timedelta(seconds=1)
    messages.threads.joined[thread, client.user_id] = later
    assert await unread(messages, thread, client) == counts(thread, 0, None)
    messages.threads.joined[thread, newcomer.user_id] = early.created_at
    assert await unread(messages, thread, newcomer) == counts(thread, 1, None)
    messages.threads.seen_from[thread, newcomer.user_id] = later
    assert await unread(messages, thread, newcomer) == counts(thread, 0, None)
    assert await unread(messages, thread, stranger) == counts(thread, 0, None)


async def test_a_count_ends_at_a_thousand(messages: Service, thread: UUID, agent: Principal, client: Principal) -> None:
    said: list[Message] = []
    while len(said) < 1_003:
        said += await asyncio.gather(*(messages.post(thread, str(number), agent) for number in range(min(200, 1_003 - len(said)))))
    in_order = sorted(said, key=lambda message: message.seq)
    assert await unread(messages, thread, client) == counts(thread, 1_000, None, capped=True)
    assert await read(messages, in_order[1], client) == counts(thread, 1_000, in_order[1], capped=True)
    assert await read(messages, in_order[2], client) == counts(thread, 1_000, in_order[2])
    assert await read(messages, in_order[3], client) == counts(thread, 999, in_order[3])


async def test_what_is_not_there_to_be_seen_cannot_be_marked(messages: Service, thread: UUID, agent: Principal, client: Principal) -> None:
    note = await messages.post(thread, "careful", agent, channel="note")
    elsewhere = await messages.post(new_id(), "elsewhere", agent)
    for missing in (note.id, elsewhere.id, new_id(), UUID(int=1)):
        for operation, request in (
            (MARK_READ, MarkRead(thread_id=thread, last_message_id=missing)),
            (MARK_UNREAD, MarkUnread(thread_id=thread, from_message_id=missing)),
            (MARK_DELIVERED, MarkDelivered(thread_id=thread, last_message_id=missing)),
        ):
            with pytest.raises(MarkedMessageNotFound):
                await messages.call(operation, request, client)
    messages.threads.hidden.add((thread, client.user_id))
    with pytest.raises(ThreadNotFound):
        await unread(messages, thread, client)
    with pytest.raises(ThreadNotFound):
        await receipts(messages, thread, client)


async def test_what_is_read_was_delivered_and_neither_moves_backwards(
    messages: Service, thread: UUID, agent: Principal, client: Principal
) -> None:
    said = [await messages.post(thread, f"no. {number}", agent) for number in range(3)]
    receipt = await delivered(messages, said[1], client)
    assert (receipt.last_delivered_message_id, receipt.last_read_message_id, receipt.last_read_at) == (said[1].id, None, None)
    assert await delivered(messages, said[0], client) == receipt
    await read(messages, said[0], client)
    (receipt,) = (await receipts(messages, thread, agent)).receipts
    assert (receipt.last_delivered_message_id, receipt.last_read_message_id, receipt.last_read_seq) == (said[1].id, said[0].id, 1)
    await read(messages, said[2], client)
    (receipt,) = (await receipts(messages, thread, agent)).receipts
    assert (receipt.last_delivered_message_id, receipt.last_read_message_id) == (said[2].id, said[2].id)
    assert (receipt.user_id, receipt.user_role, receipt.user_name) == (client.user_id, Role.CLIENT, "Cleo")
    assert len(await messages.said("thread_delivered", thread)) == 1


async def test_receipts_tell_nothing_of_notes_to_those_who_see_none(
    messages: Service, thread: UUID, agent: Principal, client: Principal
) -> None:
    first = await messages.post(thread, "hello", client)
    note = await messages.post(thread, "careful", agent, channel="note")
    assert await read(messages, note, agent) == counts(thread, 0, note)
    assert [receipt.last_read_message_id for receipt in (await receipts(messages, thread, agent)).receipts] == [note.id]
    (shown,) = (await receipts(messages, thread, client)).receipts
    assert (shown.last_read_message_id, shown.last_read_seq, shown.last_delivered_message_id) == (first.id, 1, first.id)
    (said,) = await messages.said("thread_read", thread)
    assert (said["lastReadMessageId"], said["lastReadSeq"], said["userId"]) == (str(first.id), 1, str(agent.user_id))


async def test_receipts_come_in_pages(messages: Service, thread: UUID, agent: Principal) -> None:
    message = await messages.post(thread, "hello", agent)
    readers = sorted((principal(workspace_id=agent.workspace_id) for _ in range(5)), key=lambda reader: reader.user_id)
    messages.joins(thread, *readers)
    for reader in readers:
        await read(messages, message, reader)
    first = await receipts(messages, thread, agent, limit=3)
    rest = await receipts(messages, thread, agent, limit=3, cursor=first.next_cursor)
    assert [receipt.user_id for page in (first, rest) for receipt in page.receipts] == [reader.user_id for reader in readers]
    assert (first.has_more, rest.has_more, rest.next_cursor) == (True, False, None)
    with pytest.raises(CursorIsNotValid):
        await receipts(messages, new_id(), agent, cursor=first.next_cursor)


async def test_several_threads_are_read_at_once_and_those_that_are_not_there_are_left_out(messages: Service, agent: Principal) -> None:
    threads, client = [new_id() for _ in range(4)], principal(Role.CLIENT, agent.workspace_id)
    for thread in threads:
        messages.joins(thread, client)
    said = {thread: [await messages.post(thread, str(number), agent) for number in range(2)] for thread in threads}
    messages.threads.hidden.add((threads[3], client.user_id))
    marks = [
        ReadUpTo(thread_id=threads[0], last_message_id=said[threads[0]][1].id),
        ReadUpTo(thread_id=threads[0], last_message_id=said[threads[0]][0].id),
        ReadUpTo(thread_id=threads[1], last_message_id=said[threads[1]][0].id),
        ReadUpTo(thread_id=threads[2], last_message_id=new_id()),
        ReadUpTo(thread_id=threads[3], last_message_id=said[threads[3]][1].id),
    ]
    answer = await messages.call(MARK_THREADS_READ, MarkThreadsRead(threads=marks), client)
    assert answer.threads == [counts(threads[0], 0, said[threads[0]][1]), counts(threads[1], 1, said[threads[1]][0])]
    assert await unread(messages, threads[2], client) == counts(threads[2], 2, None)


async def test_two_that_read_the_same_threads_in_other_orders_do_not_lock_each_other_out(messages: Service, agent: Principal) -> None:
    threads, client = [new_id() for _ in range(20)], principal(Role.CLIENT, agent.workspace_id)
    said = [await messages.post(thread, "hello", agent) for thread in threads]
    marks = [ReadUpTo(thread_id=message.thread_id, last_message_id=message.id) for message in said]
    orders = (marks, marks[::-1], marks[10:] + marks[:10]) * 3
    answers = await asyncio.gather(*(messages.call(MARK_THREADS_READ, MarkThreadsRead(threads=order), client) for order in orders))
    assert [len(answer.threads) for answer in answers] == [20] * 9


async def test_threads_counts_for_its_lists_in_the_order_asked(messages: Service, agent: Principal) -> None:
    client, colleague = principal(Role.CLIENT, agent.workspace_id), principal(workspace_id=agent.workspace_id)
    joined = datetime.now(UTC)
    threads = [new_id() for _ in range(3)]
    for number, thread in enumerate(threads):
        for _ in range(number):
            await messages.post(thread, "hello", agent)
        await messages.post(thread, "careful", agent, channel="note")

    async def asked(reader: Principal, *, notes: bool) -> list[int]:
        standings = [Standing(thread_id=thread, joined_at=joined, seen_from=None, notes=notes) for thread in reversed(threads)]
        answer = await messages.asking_threads(COUNT_UNREAD, CountUnread(threads=standings), reader)
        assert [each.thread_id for each in answer.threads] == threads[::-1]
        return [each.unread_count for each in answer.threads]

    stranger = principal()
    found = await asyncio.gather(
        asked(client, notes=False), asked(colleague, notes=True), asked(agent, notes=True), asked(stranger, notes=True)
    )
    assert list(found) == [[2, 1, 0], [3, 2, 1], [0, 0, 0], [0, 0, 0]]


async def test_marking_unread_is_told_by_the_time_of_reading(messages: Service, thread: UUID, agent: Principal, client: Principal) -> None:
    first, second = [await messages.post(thread, f"no. {number}", agent) for number in range(2)]
    await read(messages, second, client)
    await mark_unread(messages, second, client)
    told = await messages.said("thread_read", thread)
    assert [event["lastReadMessageId"] for event in told] == [str(second.id), str(first.id)]
    assert told[0]["lastReadAt"] == told[1]["lastReadAt"]


async def test_notes_of_several_threads_are_told_as_the_messages_before_them(messages: Service, agent: Principal) -> None:
    marks: list[ReadUpTo] = []
    first: dict[UUID, Message] = {}
    for hidden in (True, False, True):
        thread = new_id()
        messages.joins(thread, agent)
        first[thread] = await messages.post(thread, "hello", agent)
        last = await messages.post(thread, "careful", agent, channel="note") if hidden else first[thread]
        marks.append(ReadUpTo(thread_id=thread, last_message_id=last.id))
    answer = await messages.call(MARK_THREADS_READ, MarkThreadsRead(threads=marks), agent)
    assert [each.last_read_message_id for each in answer.threads] == [mark.last_message_id for mark in marks]
    for thread, message in first.items():
        (told,) = await messages.said("thread_read", thread)
        assert (told["lastReadMessageId"], told["lastReadSeq"]) == (str(message.id), 1)
