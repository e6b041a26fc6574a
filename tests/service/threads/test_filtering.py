"""What lists of threads can be asked for, and what they show of what is unread."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
import pytest_asyncio

from shared.contracts.refusals import CursorIsNotValid, ServiceIsUnavailable
from shared.contracts.threads.threads import Thread, ThreadPage
from tests.service.threads.conftest import People, Service, sent


def ids(page: ThreadPage) -> list[UUID]:
    return [thread.id for thread in page.threads]


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def nothing_unread(threads: Service) -> AsyncIterator[None]:
    threads.counts.unread.clear()
    threads.counts.asked.clear()
    yield
    threads.counts.is_away = False


async def test_a_list_is_filtered_by_kind_and_state(threads: Service, people: People) -> None:
    group, support = await threads.open(people.agent), await threads.open(people.agent, kind="support")
    closed = await threads.open(people.agent)
    await threads.change(closed, people.agent, state="closed")
    archived = await threads.open(people.agent)
    await threads.archive(archived, people.agent)
    for asked, found in (
        ({"kind": "support"}, [support]),
        ({"kind": "group"}, [closed, group]),
        ({"kind": "booking"}, []),
        ({"state": "active"}, [support, group]),
        ({"state": "closed"}, [closed]),
        ({"state": "archived"}, [archived]),
        ({"state": "closed", "kind": "support"}, []),
    ):
        page = await threads.page(people.agent, **asked)
        assert (ids(page), page.total) == ([thread.id for thread in found], len(found)), asked


async def test_threads_are_found_by_the_beginnings_of_words_in_title_and_ref(threads: Service, people: People) -> None:
    turin = await threads.open(people.agent, title="Перелёт в Турин", ref="BKG-1234")
    tea = await threads.open(people.agent, title="Ein Café in São Paulo: 'drop' & <b>", ref="R7")
    private = await threads.open(people.other_agent, title="Turin, privately", isPrivate=True)
    for words, found in (
        ("турин", [turin]),
        ("ПЕРЕЛ", [turin]),
        ("bkg-12", [turin]),
        ("1234 турин", [turin]),
        ("турин café", []),
        ("cafe\u0301 r7", [tea]),
        ("são", [tea]),
        ("drop' | :* & !", [tea]),
        ("aulo", []),
        ("!!", []),
    ):
        page = await threads.page(people.agent, q=words)
        assert (ids(page), page.total) == ([thread.id for thread in found], len(found)), words
    assert ids(await threads.page(people.other_agent, q="privately turin")) == [private.id]
    assert ids(await threads.page(people.client, q="турин")) == []
    await threads.change(turin, people.agent, title="Roma")
    assert ids(await threads.page(people.agent, q="турин")) == []
    assert ids(await threads.page(people.agent, q="rom")) == [turin.id]


async def test_words_are_found_in_ones_own_workspace_alone(threads: Service, people: People) -> None:
    await threads.open(people.agent, title="Turin")
    stranger = People(people.guest.user_id).admin
    assert await threads.page(stranger, q="turin") == ThreadPage(threads=[], total=0, has_more=False, next_cursor=None)


async def test_words_are_found_by_their_index(threads: Service, people: People) -> None:
    await crowd(threads, people, 3_000)
    await threads.database.execute("ANALYZE threads.threads")
    plan = await threads.database.fetch(
        """EXPLAIN SELECT id FROM threads.threads WHERE deleted_at IS NULL AND workspace_id::text = 'x'
        AND threads.found_by(workspace_id, title, ref) @@ '''x'':*'::tsquery"""
    )
    assert any("threads_words" in row[0] for row in plan)


async def crowd(threads: Service, people: People, count: int) -> None:
    """Many threads, as if they were there for long."""
    await threads.database.execute(
        """WITH made AS (
            INSERT INTO threads.threads (id, workspace_id, kind, title, creator_id)
            SELECT uuidv7(), $1, 'group', 'Crowd', $2 FROM generate_series(1, $3) RETURNING id)
        INSERT INTO threads.activity (thread_id, workspace_id) SELECT id, $1 FROM made""",
        people.workspace_id,
        people.agent.user_id,
        count,
    )


async def test_long_words_are_found_by_their_beginning(threads: Service, people: People) -> None:
    word = "\ufdfa" * 255  # each is eighteen letters in its normal form
    thread = await threads.open(people.agent, title=word)
    assert ids(await threads.page(people.agent, q=word[:200])) == [thread.id]


async def test_a_list_shows_what_is_unread_by_one_question(threads: Service, people: People) -> None:
    made = [await threads.open(people.agent) for _ in range(4)]
    threads.counts.unread = {made[1].id: 3}
    page = await threads.page(people.agent)
    assert [(one.unread_count, one.mention_count) for one in page.threads] == [(0, 0), (0, 0), (3, 1), (0, 0)]
    (asked,) = threads.counts.asked
    assert [one.thread_id for one in asked] == ids(page)
    assert all(one.notes and one.joined_at and one.seen_from is None for one in asked)
    assert (await threads.get(made[1], people.agent)).unread_count == 3


async def test_what_is_asked_is_how_the_reader_stands_in_each_thread(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent)
    late = await threads.invite(thread, people.agent, people.client, canSeeHistory=False)
    await threads.page(people.client)
    await threads.page(people.owner)
    guest = await threads.invite(thread, people.agent, people.guest, participantRole="guest")
    await threads.page(people.guest)
    (client,), (owner,), (guarded,) = threads.counts.asked
    assert (guarded.joined_at, guarded.hidden_robots, client.hidden_robots, owner.hidden_robots) == (guest.joined_at, True, False, False)
    assert (client.joined_at, client.seen_from, client.notes) == (late.joined_at, late.joined_at, False)
    assert (owner.joined_at, owner.seen_from, owner.notes) == (None, None, False)


async def test_without_messages_a_list_is_shown_without_counts(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent)
    threads.counts.is_away = True
    (shown,) = (await threads.page(people.agent)).threads
    assert (shown.id, shown.unread_count, shown.mention_count) == (thread.id, None, None)
    assert (await threads.get(thread, people.agent)).unread_count is None
    with pytest.raises(ServiceIsUnavailable):
        await threads.page(people.agent, unread=True)


async def test_unread_threads_alone_are_listed_page_by_page(threads: Service, people: People) -> None:
    made = [await threads.open(people.agent) for _ in range(9)][::-1]
    threads.counts.unread = {made[place].id: 1 for place in (0, 3, 4, 8)}
    found: list[UUID] = []
    page = await threads.page(people.agent, unread=True, limit=3)
    assert (ids(page), page.total, page.has_more) == ([made[0].id, made[3].id, made[4].id], None, True)
    found += ids(page)
    while page.next_cursor is not None:
        page = await threads.page(people.agent, unread=True, limit=3, cursor=page.next_cursor)
        found += ids(page)
    assert found == [made[place].id for place in (0, 3, 4, 8)]
    cursor = (await threads.page(people.agent, limit=3)).next_cursor
    with pytest.raises(CursorIsNotValid):
        await threads.page(people.agent, unread=True, cursor=cursor)


async def test_looking_for_unread_threads_ends_and_goes_on_from_there(threads: Service, people: People) -> None:
    last = await threads.open(people.agent)
    await crowd(threads, people, 1_200)
    threads.counts.unread = {last.id: 1}
    page = await threads.page(people.agent, unread=True)
    assert (page.threads, page.has_more) == ([], True)
    assert [len(asked) for asked in threads.counts.asked] == [200] * 5
    page = await threads.page(people.agent, unread=True, cursor=page.next_cursor)
    assert (ids(page), page.has_more) == ([last.id], False)


async def test_a_last_message_from_before_is_hidden_from_who_may_not_see_it(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent, participants=[sent(people.other_client)])
    await said(threads, thread)
    await threads.invite(thread, people.agent, people.client, canSeeHistory=False)
    for caller, shown in ((people.other_client, True), (people.client, False)):
        assert ((await threads.page(caller)).threads[0].last_message is not None) == shown
        assert ((await threads.get(thread, caller)).last_message is not None) == shown
    await said(threads, thread)
    assert (await threads.get(thread, people.client)).last_message is not None


async def test_a_list_shows_a_thread_as_it_is_shown_alone(threads: Service, people: People) -> None:
    thread = await threads.open(
        people.agent,
        kind="booking",
        bookingId="B-1",
        ref="R-1",
        title='A "quoted" title, ünïcode 🙂',
        clientName="Ann",
        status="Confirmed",
        description="two\nlines",
        issueId="I-1",
        issueDescription="<b>",
        settings={"participants": [], "deep": {"list": [1, 2.5, None, True]}},
        participants=[sent(people.client), {"role": "client", "name": "Ben", "contact": "ben@x.org"}],
    )
    await said(threads, thread)
    empty = await threads.open(people.agent)
    late = await threads.invite(empty, people.agent, people.client, canSeeHistory=False)
    assert late.can_see_history is False
    for caller in (people.agent, people.client):
        listed = {one.id: one for one in (await threads.page(caller)).threads}
        for one in (thread, empty):
            assert listed[one.id].model_dump() == (await threads.get(one, caller)).model_dump()


async def said(threads: Service, thread: Thread) -> None:
    """A message, as the consumer of messages' events notes it."""
    await threads.database.execute(
        """UPDATE threads.activity SET last_seq = last_seq + 1, last_message_id = uuidv7(), last_message_at = clock_timestamp(),
        last_message_preview = 'Hello', revision = revision + 1 WHERE thread_id = $1""",
        thread.id,
    )
