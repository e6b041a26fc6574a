"""Clients that ask again and again: what is new, what changed, and nothing where nothing did."""

import asyncio

from tests.system.house import House
from tests.system.people import Json, Person, expect, message_path, messages_of, path_of, taking_part


async def test_a_poll_of_nothing_new_is_not_modified(agent: Person, client: Person) -> None:
    thread = await agent.open(participants=taking_part(client))
    message = await agent.say(thread)
    path = f"{messages_of(thread)}?after={message['id']}"
    first = await client.ask("GET", path)
    tag = first.headers["etag"]
    assert expect(first, 200)["messages"] == []
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        same = await client.ask("GET", path, if_none_match=known)
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert (await client.ask("GET", path, if_none_match='"other"')).status_code == 200
    newer = await agent.say(thread, "More")
    changed = await client.ask("GET", path, if_none_match=tag)
    assert expect(changed, 200)["messages"] == [newer]


async def test_a_poll_tells_what_changed(agent: Person, client: Person) -> None:
    thread = await agent.open(participants=taking_part(client))
    message = await agent.say(thread)
    page = await client.page(thread)
    edited = expect(await agent.patch(message_path(message), {"content": "Hello again"}), 200)
    poll = await client.page(thread, after=message["id"], changedSince=page["asOf"])
    assert (poll["messages"], poll["changed"]) == ([], [edited])
    again: Json = await client.page(thread, after=poll["nextCursor"], changedSince=poll["asOf"])
    assert again == poll | {"changed": []}


async def test_a_poll_of_what_changed_is_not_modified_until_something_is(agent: Person, client: Person) -> None:
    thread = await agent.open(participants=taking_part(client))
    message = await agent.say(thread)
    page = await client.page(thread)
    path = f"{messages_of(thread)}?after={message['id']}&changedSince={page['asOf']}"
    tag = (await client.ask("GET", path)).headers["etag"]
    for _ in range(2):
        same = await client.ask("GET", path, if_none_match=tag)
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    edited = expect(await agent.patch(message_path(message), {"content": "Hello again"}), 200)
    changed = await client.ask("GET", path, if_none_match=tag)
    assert expect(changed, 200)["changed"] == [edited]
    newer = await agent.say(thread, "More")
    more = await client.ask("GET", path, if_none_match=changed.headers["etag"])
    assert (expect(more, 200)["changed"], more.json()["messages"]) == ([edited], [newer])
    path = f"{messages_of(thread)}?after={more.json()['nextCursor']}&changedSince={more.json()['asOf']}"
    last = await client.ask("GET", path)
    assert (expect(last, 200)["messages"], last.json()["changed"], last.json()["asOf"]) == ([], [], more.json()["asOf"])
    assert (await client.ask("GET", path, if_none_match=last.headers["etag"])).status_code == 304


async def test_what_is_not_polled_has_no_tag(agent: Person) -> None:
    thread = await agent.open()
    await agent.say(thread)
    page = await agent.ask("GET", messages_of(thread), if_none_match="*")
    assert page.status_code == 200
    assert "etag" not in page.headers


async def test_who_sees_no_history_is_not_told_that_it_changed(agent: Person, client: Person) -> None:
    thread = await agent.open()
    old = await agent.say(thread, "Old")
    await asyncio.sleep(0.002)  # what was said in the very millisecond is seen
    expect(await agent.post(f"{path_of(thread)}/participants", {"userId": client.id, "canSeeHistory": False}), 201)
    new = await agent.say(thread, "New")
    path = f"{messages_of(thread)}?after={new['id']}"
    before = await client.ask("GET", path)
    expect(await agent.patch(message_path(old), {"content": "Old, and changed"}), 200)
    after = await client.ask("GET", path)
    assert (after.json(), after.headers["etag"]) == (before.json(), before.headers["etag"])


async def test_the_document_says_that_a_poll_may_be_not_modified(house: House) -> None:
    document = expect(await house.http.get("/api/openapi.json"), 200)
    described = document["paths"]["/api/collab/threads/{threadId}/messages"]["get"]
    assert list(described["responses"])[:2] == ["200", "304"]
    assert "content" not in described["responses"]["304"]
    assert "ETag" in described["responses"]["304"]["headers"]
    assert "If-None-Match" in [parameter["name"] for parameter in described["parameters"]]
