"""What messages do to the threads that they are posted to."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import UUID

import pytest

from services.threads.repository.activity import Said, active_count, move
from shared.contracts.messages.messages import Channel, DeliveryStatus, Message, MessageDeleted, MessagePosted, MessageType, NotePosted
from shared.contracts.model import Event
from shared.contracts.principal import Role
from shared.contracts.threads.threads import LastMessage, Thread
from shared.database.connections import Database
from shared.identifiers import id_at, new_id
from tests.service.threads.conftest import People, Service, sent


def message(thread_id: UUID, seq: int, content: str, *, minutes: int = 0) -> Message:
    """A message as messages tells of it, posted some minutes from now."""
    at = (datetime.now(UTC) + timedelta(minutes=minutes)).replace(microsecond=0)
    return Message(
        id=id_at(at),
        thread_id=thread_id,
        seq=seq,
        sub_seq=0,
        author_id=None,
        author_role=Role.CLIENT,
        author_name="Ann",
        channel=Channel.IN_APP,
        message_type=MessageType.CHAT,
        content=content,
        reply_to=None,
        metadata={},
        content_metadata={},
        root_id=None,
        mentions=[],
        robot_id=None,
        robot_response_to=None,
        delivery_status=DeliveryStatus.DELIVERED,
        client_message_id=None,
        created_at=at,
        edited_at=None,
        deleted_at=None,
    )


async def say(background: Database, *said: Said) -> None:
    async with background.installation() as connection:
        await move(connection, said)


async def test_a_post_moves_its_thread_to_the_front_and_shows_its_beginning(threads: Service, people: People, background: Database) -> None:
    old = await threads.open(people.agent, participants=[sent(people.client)])
    new = await threads.open(people.agent)
    posted = message(old.id, 1, "<p>Hello <b>there</b></p>" + "x" * 300, minutes=1)
    await say(background, Said(posted, 1))
    first, second = (await threads.page(people.agent)).threads
    text = ("Hello there " + "x" * 300)[:200]
    assert first.last_message == LastMessage(id=posted.id, seq=1, author_name="Ann", preview=text, created_at=posted.created_at)
    assert (first.id, first.last_seq, first.updated_at) == (old.id, 1, posted.created_at)
    assert second == new


async def test_whatever_the_order_the_newest_version_of_the_newest_message_stays(
    threads: Service, people: People, background: Database
) -> None:
    for order in permutations(((1, 1, "one"), (2, 1, "two"), (2, 2, "two, edited"), (1, 2, "one, edited"))):
        thread = await threads.open(people.agent)
        for seq, version, content in order:
            await say(background, Said(message(thread.id, seq, content), version))
        shown = await threads.get(thread, people.agent)
        assert shown.last_message is not None
        assert (shown.last_seq, shown.last_message.preview) == (2, "two, edited")


async def test_a_batch_is_as_good_as_one_after_the_other(threads: Service, people: People, background: Database) -> None:
    one, other = await threads.open(people.agent), await threads.open(people.agent)
    said = [Said(message(thread.id, seq, f"{seq}"), 1) for seq in (3, 1, 2) for thread in (one, other)]
    await say(background, *said, *said)
    assert [await last_seq(threads, thread, people) for thread in (one, other)] == [3, 3]


async def last_seq(threads: Service, thread: Thread, people: People) -> int:
    return (await threads.get(thread, people.agent)).last_seq


async def test_an_old_post_does_not_move_a_thread_back(threads: Service, people: People, background: Database) -> None:
    thread = await threads.open(people.agent)
    await say(background, Said(message(thread.id, 1, "late", minutes=-60), 1))
    shown = await threads.get(thread, people.agent)
    assert (shown.last_seq, shown.updated_at) == (1, thread.updated_at)


async def test_batches_that_overlap_do_not_wait_for_each_other_in_a_ring(threads: Service, people: People, background: Database) -> None:
    made = [await threads.open(people.agent) for _ in range(10)]
    batches = [[Said(message(thread.id, seq, f"{seq}"), 1) for thread in made[:: 1 if seq % 2 else -1]] for seq in range(1, 41)]
    await asyncio.gather(*(say(background, *batch) for batch in batches))
    assert [await last_seq(threads, thread, people) for thread in made] == [40] * 10


async def tell(threads: Service, event: Event, thread: Thread, people: People) -> None:
    """As the relay of messages does."""
    assert threads.messages.client is not None
    headers = {"ce-id": str(new_id()), "ce-type": event.event_type}
    subject, data = event.subject(people.workspace_id, thread.id), event.model_dump_json().encode()
    await threads.messages.client.publish(subject, data, headers=headers)


async def test_what_messages_tells_comes_in_and_notes_move_nothing(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent)
    posted = message(thread.id, 1, "first")
    note = message(thread.id, 1, "secret", minutes=1).model_copy(update={"channel": Channel.NOTE, "sub_seq": 1})
    blank = posted.model_copy(update={"content": "", "deleted_at": posted.created_at})
    await tell(threads, MessagePosted(entity_id=posted.id, version=1, message=posted), thread, people)
    await tell(threads, NotePosted(entity_id=note.id, version=1, message=note), thread, people)
    await tell(threads, MessageDeleted(entity_id=posted.id, version=2, message=blank), thread, people)
    async with asyncio.timeout(15):
        while (shown := await threads.get(thread, people.agent)).last_message is None or shown.last_message.preview:
            await asyncio.sleep(0.1)
    assert (shown.last_seq, shown.last_message.id, shown.last_message.seq) == (1, posted.id, 1)
    assert shown.updated_at == max(posted.created_at, thread.updated_at)


@pytest.mark.parametrize("state", ["closed", "archived"])
async def test_only_active_threads_are_counted(threads: Service, people: People, background: Database, state: str) -> None:
    thread = await threads.open(people.agent)
    before = await active_count(background)
    await threads.change(thread, people.agent, state=state)
    assert await active_count(background) == before - 1
