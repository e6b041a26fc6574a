"""Direct threads: one for a pair, whoever of them asks first."""

import asyncio

import pytest

from shared.contracts.principal import Principal
from shared.contracts.refusals import PermissionIsMissing, RequestIsInvalid
from shared.contracts.threads.threads import OPEN_THREAD, OpenThread, Thread
from shared.identifiers import new_id
from tests.service.threads.conftest import People, Service, sent


async def direct(threads: Service, caller: Principal, other: Principal) -> Thread:
    return await threads.open(caller, kind="direct", title=f"{caller.name} and {other.name}", participants=[sent(other)])


async def test_a_pair_has_one_whoever_asks_first(threads: Service, people: People) -> None:
    first = await direct(threads, people.client, people.agent)
    assert [one.user_id for one in first.participants] == [people.client.user_id, people.agent.user_id]
    for caller, other in ((people.agent, people.client), (people.client, people.agent)):
        again = await direct(threads, caller, other)
        assert (again.id, again.title, again.creator_id) == (first.id, first.title, people.client.user_id)
    assert (await direct(threads, people.agent, people.other_client)).id != first.id
    assert await threads.events(first) == ["thread_opened", "participant_added", "participant_added"]


async def test_who_asks_second_is_told_that_it_was_there(threads: Service, people: People) -> None:
    for outcome in ("reply", "found"):
        request = OpenThread.model_validate({"kind": "direct", "title": "Us", "participants": [sent(people.client)]})
        assert (await threads.gateway.answer(OPEN_THREAD, request, people.agent)).kind == outcome


async def test_of_many_who_ask_at_once_all_get_the_same(threads: Service, people: People) -> None:
    asking = [direct(threads, *pair) for pair in ((people.agent, people.client), (people.client, people.agent)) * 6]
    assert len({thread.id for thread in await asyncio.gather(*asking)}) == 1


async def test_a_pair_has_one_in_each_workspace(threads: Service, people: People) -> None:
    here = await direct(threads, people.agent, people.client)
    elsewhere = {"workspace_id": new_id()}
    there = await direct(threads, people.agent.model_copy(update=elsewhere), people.client.model_copy(update=elsewhere))
    assert here.id != there.id


async def test_it_is_with_one_other_who_is_a_member(threads: Service, people: People) -> None:
    with pytest.raises(RequestIsInvalid):
        await direct(threads, people.agent, people.agent)
    threads.identity.strangers.add(people.other_client.user_id)
    with pytest.raises(RequestIsInvalid):
        await direct(threads, people.agent, people.other_client)
    with pytest.raises(PermissionIsMissing):
        await direct(threads, people.guest, people.agent)
