"""CHECK_ACCESS: what the messages service asks before it does anything."""

import asyncio

import pytest

from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import Refusal
from shared.contracts.threads.access import Access, Right, State, ThreadIsArchived, ThreadIsClosed, ThreadIsReadOnlyForYou, ThreadNotFound
from shared.contracts.threads.threads import Thread
from shared.identifiers import new_id
from tests.service.threads.conftest import People, Service, sent


async def answer(threads: Service, thread: Thread, caller: Principal, right: Right = Right.POST) -> Access | type[Refusal]:
    try:
        return await threads.access(thread, caller, right)
    except Refusal as refusal:
        return type(refusal)


async def test_who_may_post_and_what_else_they_may(threads: Service, people: People) -> None:
    thread = await threads.open(people.owner, participants=[sent(people.client), sent(people.guest)])
    outside = Access(thread_id=thread.id, state=State.ACTIVE, notes=False, deletes_others=False)
    plain = outside.model_copy(update={"joined_at": thread.created_at})
    asked = (people.admin, people.agent, people.owner, people.other_owner, people.client, people.guest, people.other_client)
    assert await asyncio.gather(*(answer(threads, thread, caller) for caller in asked)) == [
        outside.model_copy(update={"notes": True, "deletes_others": True}),
        outside.model_copy(update={"notes": True, "deletes_others": True}),
        plain.model_copy(update={"deletes_others": True}),
        outside,
        plain,
        plain.model_copy(update={"hidden_robots": True}),
        ThreadNotFound,
    ]


async def test_a_thread_that_is_not_there_and_one_that_is_hidden_are_the_same(threads: Service, people: People) -> None:
    private = await threads.open(people.agent, isPrivate=True)
    missing = private.model_copy(update={"id": new_id()})
    for right in Right:
        for caller in (people.admin, people.client):
            assert await answer(threads, private, caller, right) is ThreadNotFound
            assert await answer(threads, missing, caller, right) is ThreadNotFound


async def test_a_closed_thread_is_read_and_not_posted_to(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent, participants=[sent(people.client)])
    await threads.change(thread, people.agent, state="closed")
    assert await answer(threads, thread, people.client) is ThreadIsClosed
    read = await threads.access(thread, people.client, Right.READ)
    assert read.state is State.CLOSED


async def test_an_archived_thread_is_read_and_not_posted_to(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent, participants=[sent(people.client)])
    await threads.archive(thread, people.agent)
    assert await answer(threads, thread, people.client) is ThreadIsArchived
    read = await threads.access(thread, people.client, Right.READ)
    assert read.state is State.ARCHIVED


@pytest.mark.parametrize("change", [{"participantRole": "observer"}, {"status": "muted"}, {"canSendMessages": False}])
async def test_observers_the_muted_and_the_silent_read_and_do_not_post(threads: Service, people: People, change: dict[str, object]) -> None:
    thread = await threads.open(people.agent, participants=[sent(people.client)])
    await threads.set(thread, people.agent, people.client.user_id, **change)
    assert await answer(threads, thread, people.client) is ThreadIsReadOnlyForYou
    assert isinstance(await answer(threads, thread, people.client, Right.READ), Access)


async def test_one_who_is_user_and_contact_takes_part_as_the_user(threads: Service, people: People) -> None:
    ann = people.new(Role.CLIENT, "ann@x.org")
    thread = await threads.open(people.agent, participants=[sent(ann), {"role": "client", "contact": "ann@x.org"}])
    assert isinstance(await answer(threads, thread, ann), Access)
    await threads.set(thread, people.agent, thread.participants[1].id, status="muted")
    assert await answer(threads, thread, ann) is ThreadIsReadOnlyForYou


async def test_who_is_added_may_post_at_once_and_who_is_removed_may_not(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent)
    for _ in range(5):
        await threads.change(thread, people.agent, participants=[sent(people.client)])
        assert isinstance(await answer(threads, thread, people.client), Access)
        await threads.change(thread, people.agent, participants=[])
        assert await answer(threads, thread, people.client) is ThreadNotFound


async def test_many_who_ask_at_once_get_their_own_answers(threads: Service, people: People) -> None:
    clients = [people.new(Role.CLIENT) for _ in range(10)]
    made = [await threads.open(people.agent, participants=[sent(client)]) for client in clients]
    asked = [(thread, client) for thread in made for client in clients] * 5
    answers = await asyncio.gather(*(answer(threads, thread, client) for thread, client in asked))
    for (thread, client), given in zip(asked, answers, strict=True):
        if thread.participants[1].user_id == client.user_id:
            assert isinstance(given, Access)
            assert (given.thread_id, given.joined_at) == (thread.id, thread.created_at)
        else:
            assert given is ThreadNotFound


async def test_who_may_not_see_what_was_before_is_told_from_when_on(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent)
    late = await threads.invite(thread, people.agent, people.client, canSeeHistory=False)
    read = await threads.access(thread, people.client, Right.READ)
    assert (read.joined_at, read.seen_from) == (late.joined_at, late.joined_at)
    await threads.set(thread, people.agent, late.id, canSeeHistory=True)
    assert (await threads.access(thread, people.client, Right.READ)).seen_from is None


@pytest.mark.parametrize("kind", ["direct", "assistant"])
async def test_not_even_admins_see_others_direct_and_assistant_threads(threads: Service, people: People, kind: str) -> None:
    thread = await threads.open(people.agent, kind=kind, participants=[sent(people.client)])
    assert isinstance(await answer(threads, thread, people.client), Access)
    for right in Right:
        assert await answer(threads, thread, people.admin, right) is ThreadNotFound
    assert thread.id not in [one.id for one in (await threads.page(people.admin)).threads]
    assert thread.id in [one.id for one in (await threads.page(people.client)).threads]
