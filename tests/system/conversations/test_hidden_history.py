"""Who may not see a thread's history (`canSeeHistory: false`) is answered nothing that was said before they came, by any route."""

from unittest.mock import ANY
from uuid import UUID

import pytest

from tests.system.house import House
from tests.system.people import Json, Person, expect, message_path, messages_of, path_of, refusal


async def invited(inviter: Person, thread: Json, person: Person, **flags: object) -> Json:
    body = {"userId": person.id, "canSeeHistory": False, **flags}
    return expect(await inviter.post(f"{path_of(thread)}/participants", body), 201)


async def ahead(house: House, thread: Json) -> None:
    """The thread's next message is later than the clock, as after many at once: each is a millisecond after the one before."""
    moved = await house.database.execute(
        "UPDATE messages.heads SET last_at = date_trunc('milliseconds', now()) + interval '5 s' WHERE thread_id = $1", UUID(thread["id"])
    )
    assert moved == "UPDATE 1"


async def unread(person: Person, thread: Json) -> tuple[int, int]:
    counts = expect(await person.get(f"{path_of(thread)}/unread"), 200)
    return counts["unreadCount"], counts["mentionCount"]


@pytest.mark.parametrize("again", [False, True])
async def test_what_is_ahead_of_the_clock_is_history_too(house: House, agent: Person, client: Person, again: bool) -> None:
    thread = await agent.open(isPrivate=True)
    await agent.say(thread, "first")
    if again:
        await invited(agent, thread, client)
        expect(await client.delete(f"{path_of(thread)}/participants/{client.id}"), 204)
    await ahead(house, thread)
    before = await agent.say(thread, "before")
    seat = await invited(agent, thread, client)
    assert seat["joinedAt"] > before["createdAt"]
    assert (await client.page(thread))["messages"] == []
    assert await unread(client, thread) == (0, 0)
    after = await agent.say(thread, "after")
    assert (await client.page(thread))["messages"] == [after]
    assert await unread(client, thread) == (1, 0)


async def test_no_route_tells_of_what_was_before(house: House, agent: Person, client: Person) -> None:
    thread, name = await agent.open(), client.user["username"]
    root = await agent.say(thread, f"@{name} before")
    reply = await agent.say(thread, "a reply before", replyTo=root["id"])
    await invited(agent, thread, client)
    for message in (root, reply):
        assert refusal(await client.get(message_path(message))) == (404, "message_not_found")
        assert refusal(await client.get(f"{message_path(message)}/replies")) == (404, "message_not_found")
        for way in ("before", "after"):
            assert refusal(await client.get(messages_of(thread), **{way: message["id"]})) == (400, "cursor_is_not_valid")
        answer = await client.post(messages_of(thread), {"content": "x", "replyTo": message["id"]})
        assert refusal(answer) == (422, "replied_message_not_found")
        answer = await client.post(f"{path_of(thread)}/read", {"lastMessageId": message["id"]})
        assert refusal(answer) == (422, "marked_message_not_found")
    assert await client.page(thread) == {"messages": [], "hasMore": False, "nextCursor": None, "asOf": ANY}
    assert await unread(client, thread) == (0, 0)
    listed = (await client.threads())["threads"][0]
    assert (listed["id"], listed["unreadCount"], listed["mentionCount"]) == (thread["id"], 0, 0)
    late = await agent.say(thread, f"@{name} late, to what was before", replyTo=root["id"])
    assert (await client.page(thread))["messages"] == [late]
    assert await unread(client, thread) == (1, 1)


async def test_a_poll_tells_of_no_change_of_what_was_before(agent: Person, client: Person) -> None:
    thread = await agent.open()
    before = await agent.say(thread, "before")
    await invited(agent, thread, client)
    seen = await agent.say(thread, "seen")
    page = await client.page(thread)
    expect(await agent.patch(message_path(before), {"content": "changed"}), 200)
    polled = await client.page(thread, after=seen["id"], changedSince=page["asOf"])
    assert (polled["messages"], polled["changed"]) == ([], [])
    edited = expect(await agent.patch(message_path(seen), {"content": "edited"}), 200)
    polled = await client.page(thread, after=seen["id"], changedSince=page["asOf"])
    assert (polled["messages"], polled["changed"]) == ([], [edited])
