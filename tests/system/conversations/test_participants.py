"""Participants and rooms of every kind through the API."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from unittest.mock import ANY

import httpx2
import pytest

from shared.contracts.principal import Role
from shared.contracts.subscriptions import Subscription
from shared.identifiers import new_id
from shared.messaging.streams import EVENTS
from tests.system.house import House, running_gateway
from tests.system.people import Json, Person, expect, messages_of, opening, path_of, refusal, taking_part, wrong_fields

THREADS = "/api/collab/threads"


async def test_somebody_is_invited_changed_and_removed(agent: Person, client: Person) -> None:
    thread = await agent.open()
    path = f"{path_of(thread)}/participants"
    answer = await agent.post(path, {"userId": client.id, "canInviteOthers": True})
    added = expect(answer, 201)
    assert added == {
        "id": ANY,
        "userId": client.id,
        "role": ANY,
        "participantRole": "member",
        "name": ANY,
        "contact": None,
        "status": "active",
        "canSendMessages": True,
        "canInviteOthers": True,
        "canSeeHistory": True,
        "joinedAt": ANY,
        "lastReadAt": None,
    }
    assert answer.headers["location"] == f"{path}/{added['id']}"
    assert expect(await client.get(answer.headers["location"]), 200) == added
    page = expect(await client.get(path), 200)
    assert list(page) == ["participants", "hasMore", "nextCursor"]
    assert [one["userId"] for one in page["participants"]] == [agent.id, client.id]
    muted = expect(await agent.patch(f"{path}/{client.id}", {"status": "muted", "reason": "Was rude"}), 200)
    assert muted == added | {"status": "muted"}
    assert refusal(await client.post(messages_of(thread), {"content": "x"})) == (403, "thread_is_read_only_for_you")
    assert (await agent.delete(f"{path}/{client.id}?reason=Enough")).status_code == 204
    assert refusal(await client.get(path_of(thread))) == (404, "thread_not_found")


@asynccontextmanager
async def all_well(_: House) -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def without_valkey(house: House) -> AsyncIterator[None]:
    house.servers.valkey.freeze()
    try:
        yield
    finally:
        house.servers.valkey.thaw()


@asynccontextmanager
async def without_consumers(house: House) -> AsyncIterator[None]:
    """No service hears of any event."""
    assert house.operator.client is not None
    stream = house.operator.client.jetstream()
    consumers = [subscription.consumer for subscription in Subscription.known]
    for consumer in consumers:
        assert (await stream.pause_consumer(EVENTS, consumer, "2100-01-01T00:00:00Z")).paused
    try:
        yield
    finally:
        for consumer in consumers:
            await stream.resume_consumer(EVENTS, consumer)


@pytest.mark.parametrize("while_it_is", [all_well, without_valkey, without_consumers])
async def test_a_removed_participant_is_refused_by_another_gateway_in_the_very_next_request(
    house: House, agent: Person, client: Person, while_it_is: Callable[[House], AbstractAsyncContextManager[None]]
) -> None:
    async with running_gateway(house.servers, requests_per_minute=0) as url, httpx2.AsyncClient(base_url=url, timeout=20) as other:
        thread = await agent.open()
        async with while_it_is(house):
            for _ in range(5):
                expect(await agent.post(f"{path_of(thread)}/participants", {"userId": client.id}), 201)
                expect(await other.get(path_of(thread), headers=client.bearer), 200)
                assert (await agent.delete(f"{path_of(thread)}/participants/{client.id}")).status_code == 204
                for path in (path_of(thread), messages_of(thread), f"{path_of(thread)}/participants"):
                    assert refusal(await other.get(path, headers=client.bearer)) == (404, "thread_not_found")


@pytest.mark.parametrize("part", [{"status": "muted"}, {"participantRole": "observer"}, {"canSendMessages": False}])
@pytest.mark.parametrize("role", [Role.AGENT, Role.PRODUCT_OWNER])
async def test_a_supervisor_posts_as_the_part_that_they_take_lets_them(house: House, agent: Person, role: Role, part: Json) -> None:
    supervisor = await house.person(role)
    thread = await agent.open(participants=taking_part(supervisor))
    await supervisor.say(thread)
    expect(await agent.patch(f"{path_of(thread)}/participants/{supervisor.id}", part), 200)
    assert refusal(await supervisor.post(messages_of(thread), {"content": "x"})) == (403, "thread_is_read_only_for_you")
    expect(await supervisor.delete(f"{path_of(thread)}/participants/{supervisor.id}"), 204)
    await supervisor.say(thread)


async def test_a_pair_has_one_direct_thread_whoever_asks_first(agent: Person, client: Person) -> None:
    first = await agent.post(THREADS, opening("direct", participants=taking_part(client)))
    thread = expect(first, 201)
    again = await client.post(THREADS, opening("direct", participants=taking_part(agent)))
    assert expect(again, 200)["id"] == thread["id"]
    assert again.headers["location"] == first.headers["location"] == path_of(thread)
    await client.say(thread)
    await agent.say(thread)
    assert refusal(await agent.delete(path_of(thread))) == (409, "direct_thread_is_fixed")
    assert wrong_fields(await agent.post(THREADS, opening("direct"))) == {"body": "invalid"}


async def test_who_may_not_see_history_is_shown_no_earlier_last_message(agent: Person, client: Person) -> None:
    thread = await agent.open()
    await agent.say(thread, "Before")
    async with asyncio.timeout(30):
        while expect(await agent.get(path_of(thread)), 200)["lastMessage"] is None:
            await asyncio.sleep(0.05)
    expect(await agent.post(f"{path_of(thread)}/participants", {"userId": client.id, "canSeeHistory": False}), 201)
    assert expect(await client.get(path_of(thread)), 200)["lastMessage"] is None
    assert (await client.threads())["threads"][0]["lastMessage"] is None


async def test_lists_are_filtered_by_kind_state_and_words(agent: Person, client: Person) -> None:
    mine, word = taking_part(client), f"w{new_id().hex}"
    support = await agent.open("support", participants=mine, title=f"About {word}")
    closed = await agent.open(participants=mine, ref=word[:32])
    expect(await agent.patch(path_of(closed), {"state": "closed"}), 200)

    async def listed(**query: object) -> list[str]:
        return [thread["id"] for thread in (await client.threads(**query))["threads"]]

    assert await listed(kind="support") == [support["id"]]
    assert await listed(state="closed") == [closed["id"]]
    assert await listed(q=f"about {word[:20]}") == [support["id"]]
    assert await listed(q=word[:30]) == [closed["id"], support["id"]]
    assert await listed(q="nothing") == []


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ({"kind": "picnic"}, "kind", "not_one_of"),
        ({"state": "open"}, "state", "not_one_of"),
        ({"state": "active", "archived": "true"}, "body", "invalid"),
        ({"unread": "maybe"}, "unread", "bool_parsing"),
        ({"unread": "true", "offset": 1}, "body", "invalid"),
        ({"q": ""}, "q", "too_short"),
        ({"q": "x" * 201}, "q", "too_long"),
    ],
)
async def test_a_list_says_which_field_is_wrong(query: dict[str, object], field: str, code: str, client: Person) -> None:
    assert wrong_fields(await client.get(THREADS, **query)) == {field: code}


async def test_the_history_of_a_thread_is_for_auditors(admin: Person, agent: Person, client: Person) -> None:
    thread = await agent.open(title="Before")
    expect(await agent.patch(path_of(thread), {"title": "After", "reason": "Clearer"}), 200)
    expect(await agent.post(f"{path_of(thread)}/participants", {"userId": client.id, "reason": "Asked by mail"}), 201)
    added, change, _ = expect(await admin.get(f"{path_of(thread)}/history"), 200)["changes"]
    assert (added["kind"], added["operation"], added["changedBy"], added["before"]) == ("participant", "INSERT", agent.id, {})
    assert added["reason"] == "Asked by mail"
    assert (change["kind"], change["targetId"], change["changedBy"], change["reason"]) == ("thread", thread["id"], agent.id, "Clearer")
    assert (change["operation"], change["before"]["title"]) == ("UPDATE", "Before")
    assert refusal(await agent.get(f"{path_of(thread)}/history")) == (403, "permission_is_missing")
