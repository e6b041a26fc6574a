"""Notes are among agents and admins: nothing that anyone else is answered tells of them."""

import asyncio
from unittest.mock import ANY

import pytest
import pytest_asyncio

from shared.contracts.principal import Role
from tests.system.house import House
from tests.system.people import Json, Person, expect, message_path, messages_of, path_of, refusal, taking_part


@pytest_asyncio.fixture(loop_scope="session")
async def thread(house: House, agent: Person, owner: Person, client: Person, guest: Person) -> Json:
    return await agent.open(participants=taking_part(owner, client, guest))


async def test_a_note_has_the_place_of_the_message_before_it(agent: Person, admin: Person, client: Person, thread: Json) -> None:
    first = await client.say(thread, "Hello")
    notes = [await agent.say(thread, "Difficult", channel="note"), await admin.say(thread, "Indeed", channel="note")]
    second = await client.say(thread, "Anyone?")
    assert [(note["seq"], note["subSeq"]) for note in notes] == [(1, 1), (1, 2)]
    assert [(message["seq"], message["subSeq"]) for message in (first, second)] == [(1, 0), (2, 0)]
    assert (await agent.page(thread))["messages"] == [first, *notes, second]


async def test_a_note_before_all_messages_has_the_place_nought(agent: Person, client: Person, thread: Json) -> None:
    note, message = await agent.say(thread, channel="note"), await client.say(thread)
    assert [(each["seq"], each["subSeq"]) for each in (note, message)] == [(0, 1), (1, 0)]


@pytest.mark.parametrize("role", [Role.PRODUCT_OWNER, Role.CLIENT, Role.GUEST])
async def test_nobody_else_is_shown_a_note(role: Role, house: House, agent: Person) -> None:
    person = await house.person(role)
    thread = await agent.open(participants=taking_part(person))
    said: list[Json] = []
    for number in range(4):
        said.append(await agent.say(thread, str(number)))
        note = await agent.say(thread, f"about {number}", channel="note")
    assert await person.page(thread) == {"messages": said, "hasMore": False, "nextCursor": None, "asOf": ANY}
    page = await person.page(thread, limit=2)
    assert (page["messages"], page["hasMore"]) == (said[2:], True)
    assert (await person.page(thread, limit=2, before=page["nextCursor"])) == {"messages": said[:2], "hasMore": False, "nextCursor": None}
    newer = await person.page(thread, limit=4, after=said[0]["id"])
    assert (newer["messages"], newer["hasMore"]) == (said[1:], False)
    for path in ("before", "after"):
        assert refusal(await person.get(messages_of(thread), **{path: note["id"]})) == (400, "cursor_is_not_valid")
    assert refusal(await person.get(message_path(note))) == (404, "message_not_found")
    assert refusal(await person.delete(message_path(note))) == (404, "message_not_found")
    assert refusal(await person.post(messages_of(thread), {"content": "x", "replyTo": note["id"]})) == (422, "replied_message_not_found")


@pytest.mark.parametrize("role", [Role.PRODUCT_OWNER, Role.CLIENT, Role.GUEST])
async def test_nobody_else_writes_notes(role: Role, house: House, agent: Person) -> None:
    person = await house.person(role)
    thread = await agent.open(participants=taking_part(person))
    assert refusal(await person.post(messages_of(thread), {"content": "x", "channel": "note"})) == (403, "note_is_not_allowed")


async def test_a_reply_to_a_note_is_a_note(agent: Person, admin: Person, client: Person, thread: Json) -> None:
    note = await agent.say(thread, "Difficult", channel="note")
    reply = await admin.say(thread, "Why?", replyTo=note["id"])
    assert (reply["channel"], reply["subSeq"]) == ("note", 2)
    assert (await client.page(thread))["messages"] == []


async def test_a_note_moves_no_thread(house: House, agent: Person, client: Person, thread: Json) -> None:
    message = await client.say(thread, "Hello")
    newer = await agent.open(participants=taking_part(client))
    note = await agent.say(thread, "Difficult", channel="note")
    expect(await agent.patch(message_path(note), {"content": "Very"}), 200)
    expect(await agent.delete(message_path(note)), 204)
    await agent.say(newer, "Newest")
    async with asyncio.timeout(30):  # events of a service are in order: what would come of the note has come
        while expect(await client.get(path_of(newer)), 200)["lastSeq"] == 0:
            await asyncio.sleep(0.02)
    shown = expect(await client.get(path_of(thread)), 200)
    assert shown["lastSeq"] == 1
    assert shown["lastMessage"] == {
        "id": message["id"],
        "seq": 1,
        "authorName": client.user["name"],
        "preview": "Hello",
        "createdAt": message["createdAt"],
    }
    assert [each["id"] for each in (await client.threads())["threads"]] == [newer["id"], thread["id"]]
    events = await house.events("messages", thread["id"])
    assert events == ["message_posted", "note_posted", "note_edited", "note_deleted"]


async def test_a_note_is_edited_and_deleted_as_a_message_is(agent: Person, admin: Person, thread: Json) -> None:
    note = await agent.say(thread, "Difficult", channel="note")
    edited = expect(await agent.patch(message_path(note), {"content": "Very"}), 200)
    assert edited == note | {"content": "Very", "editedAt": ANY}
    expect(await admin.delete(message_path(note)), 204)
    assert (await agent.page(thread))["messages"] == [edited | {"content": "", "deletedAt": ANY}]


async def test_who_sees_notes_no_more_is_not_shown_their_own_again(house: House, admin: Person, agent: Person, thread: Json) -> None:
    note = await admin.say(thread, "Difficult", channel="note")
    sent = [
        {"content": "Why?", "replyTo": note["id"], "clientMessageId": "reply"},
        {"content": "Hm", "channel": "note", "clientMessageId": "note"},
    ]
    for body in sent:
        expect(await agent.post(messages_of(thread), body), 201)
    expect(await admin.patch(f"/api/users/{agent.id}", {"role": "client"}), 200)
    answers = [refusal(await agent.post(messages_of(thread), body)) for body in sent]
    assert answers == [(422, "replied_message_not_found"), (403, "note_is_not_allowed")]
    assert (await agent.page(thread))["messages"] == []
