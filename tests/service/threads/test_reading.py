"""Who sees which threads, one by one and in lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from uuid import UUID

import pytest

from services.threads.domain.access import Gate, Part, rights
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import CursorIsNotValid
from shared.contracts.threads.access import State, ThreadNotFound
from shared.contracts.threads.participants import ParticipantRole, ParticipantStatus
from shared.contracts.threads.threads import Thread, ThreadPage
from tests.service.threads.conftest import People, Service, sent


def ids(page: ThreadPage | Sequence[Thread]) -> list[UUID]:
    return [thread.id for thread in (page.threads if isinstance(page, ThreadPage) else page)]


async def opened(threads: Service, caller: Principal, count: int, **fields: object) -> list[Thread]:
    """Threads, newest first."""
    made = [await threads.open(caller, **fields) for _ in range(count)]
    return made[::-1]


async def test_a_contact_is_known_by_their_verified_email(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent, participants=[{"role": "client", "contact": "Ann@X.org"}])
    ann, stranger = people.new(Role.CLIENT, "ann@x.ORG"), people.new(Role.CLIENT, "ben@x.org")
    assert (await threads.get(thread, ann)).id == thread.id
    assert ids(await threads.page(ann)) == [thread.id]
    for caller in (stranger, people.client):
        with pytest.raises(ThreadNotFound):
            await threads.get(thread, caller)
        assert await threads.page(caller) == ThreadPage(threads=[], total=0, has_more=False, next_cursor=None)


async def test_who_was_removed_sees_it_no_more(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent, participants=[sent(people.client)])
    await threads.get(thread, people.client)
    await threads.change(thread, people.agent, participants=[])
    with pytest.raises(ThreadNotFound):
        await threads.get(thread, people.client)
    assert ids(await threads.page(people.client)) == []


@dataclass(frozen=True)
class Case:
    """A thread, and how somebody takes part in it."""

    kind: str
    is_private: bool
    guest_access_allowed: bool
    archived: bool
    part: str | None  # by user or contact; none, or left again


async def test_the_list_shows_what_the_rules_let_see(threads: Service, people: People) -> None:
    """Every combination: the list's SQL, the single thread and `domain.access` say the same of everybody."""
    somebody = people.new(Role.CLIENT, "some@x.org")
    cases = [
        Case(*case)
        for case in product(("group", "assistant"), (True, False), (True, False), (True, False), (None, "user", "contact", "left"))
    ]
    made: list[tuple[Case, Thread]] = []
    for case in cases:
        entry = {"role": "client", "contact": "Some@x.org"} if case.part == "contact" else sent(somebody)
        thread = await threads.open(
            people.other_agent,
            kind=case.kind,
            isPrivate=case.is_private,
            guestAccessAllowed=case.guest_access_allowed,
            participants=[entry] if case.part else [],
        )
        if case.part == "left":
            await threads.change(thread, people.other_agent, participants=[])
        if case.archived:
            await threads.archive(thread, people.other_agent)
        made.append((case, thread))
    for role in Role:
        caller = somebody.model_copy(update={"role": role})
        expected = {thread.id for case, thread in made if seen(case, thread, caller)}
        for archived in (True, False):
            page = await threads.page(caller, archived=archived, limit=200)
            assert set(ids(page)) == {thread.id for case, thread in made if case.archived == archived} & expected, role
            assert page.total == len(page.threads)
        assert {thread.id for _, thread in made if await is_found(threads, thread, caller)} == expected


def seen(case: Case, thread: Thread, caller: Principal) -> bool:
    gate = Gate(
        thread.kind, thread.creator_id, case.is_private, case.guest_access_allowed, State.ARCHIVED if case.archived else State.ACTIVE
    )
    part = Part(ParticipantRole.MEMBER, ParticipantStatus.ACTIVE) if case.part in ("user", "contact") else None
    return rights(caller, gate, part).sees


async def is_found(threads: Service, thread: Thread, caller: Principal) -> bool:
    try:
        return (await threads.get(thread, caller)).id == thread.id
    except ThreadNotFound:
        return False


async def test_the_list_is_newest_activity_first(threads: Service, people: People) -> None:
    third, second, first = await opened(threads, people.agent, 3)
    await threads.change(first, people.agent, title="Tour")
    page = await threads.page(people.agent)
    assert ids(page) == [first.id, third.id, second.id]
    assert (page.total, page.has_more, page.next_cursor) == (3, False, None)
    assert page.threads[1] == third


async def test_the_list_is_filtered_by_status_and_archived(threads: Service, people: People) -> None:
    plain, old = await opened(threads, people.agent, 2)
    confirmed = await threads.open(people.agent, status="Confirmed")
    await threads.archive(old, people.agent)
    assert ids(await threads.page(people.agent)) == [confirmed.id, plain.id]
    assert ids(await threads.page(people.agent, archived=True)) == [old.id]
    assert ids(await threads.page(people.agent, status="Confirmed")) == [confirmed.id]
    assert (await threads.page(people.agent, status="Cancelled")).total == 0


async def test_pages_by_cursor_and_by_offset_hold_everything_once(threads: Service, people: People) -> None:
    made = ids(await opened(threads, people.agent, 7))
    by_cursor: list[UUID] = []
    page = await threads.page(people.agent, limit=3)
    while True:
        by_cursor += ids(page)
        assert page.total == 7
        if page.next_cursor is None:
            break
        page = await threads.page(people.agent, limit=3, cursor=page.next_cursor)
    by_offset = [await threads.page(people.agent, limit=3, offset=offset) for offset in (0, 3, 6, 9)]
    assert by_cursor == made
    assert [ids(page) for page in by_offset] == [made[:3], made[3:6], made[6:], []]
    assert [page.has_more for page in by_offset] == [True, True, False, False]


async def test_a_cursor_of_another_list_is_refused(threads: Service, people: People) -> None:
    await opened(threads, people.agent, 2)
    cursor = (await threads.page(people.agent, limit=1)).next_cursor
    assert cursor is not None
    asked: tuple[tuple[Principal, dict[str, object]], ...] = (
        (people.agent, {"archived": True}),
        (people.agent, {"status": "Draft"}),
        (people.admin, {}),
    )
    for caller, filters in asked:
        with pytest.raises(CursorIsNotValid):
            await threads.page(caller, cursor=cursor, **filters)
    for cursor_of_nobody in ("x", cursor[:-1], cursor + "A"):
        with pytest.raises(CursorIsNotValid):
            await threads.page(people.agent, cursor=cursor_of_nobody)


async def test_a_page_that_would_be_too_long_ends_early(threads: Service, people: People) -> None:
    crowd = [{"role": "client", "name": f"{number}" + "é" * 250, "contact": f"{number}" + "ü" * 250} for number in range(99)]
    made = ids(await opened(threads, people.agent, 40, description="ö" * 10_000, maxParticipants=100, participants=crowd))
    page = await threads.page(people.agent)
    assert 1 < len(page.threads) < 40
    assert (page.has_more, page.total) == (True, 40)
    rest = await threads.page(people.agent, cursor=page.next_cursor)
    assert ids(page) + ids(rest) == made[: len(page.threads) + len(rest.threads)]


async def test_a_list_shows_each_threads_own_participants(threads: Service, people: People) -> None:
    one = await threads.open(people.agent, participants=[sent(people.client)])
    other = await threads.open(people.agent, participants=[sent(people.guest), sent(people.other_client)])
    page = await threads.page(people.agent)
    assert [thread.participants for thread in page.threads] == [other.participants, one.participants]
