"""What has been read, over HTTP."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from shared.contracts.principal import Role
from tests.system.house import House
from tests.system.people import Json, Person, expect, message_path, messages_of, path_of, refusal, taking_part


async def mark(person: Person, thread: Json, how: str, message: Json) -> Json:
    field = "fromMessageId" if how == "unread" else "lastMessageId"
    return expect(await person.post(f"{path_of(thread)}/{how}", {field: message["id"]}), 200)


def counts(thread: Json, unread: int, last: Json | None) -> Json:
    return {
        "threadId": thread["id"],
        "unreadCount": unread,
        "capped": False,
        "mentionCount": 0,
        "lastReadMessageId": last["id"] if last else None,
    }


async def readers(person: Person, thread: Json) -> list[str]:
    return [receipt["userId"] for receipt in expect(await person.get(f"{path_of(thread)}/receipts"), 200)["receipts"]]


async def until(asked: Callable[[], Awaitable[object]], wanted: object) -> None:
    """Events come within a second; until then lists show what was."""
    async with asyncio.timeout(30):
        while await asked() != wanted:
            await asyncio.sleep(0.05)


async def test_a_thread_is_read_and_unread(agent: Person, client: Person) -> None:
    thread = await agent.open(participants=taking_part(client))
    said = [await agent.say(thread, str(number)) for number in range(3)]
    await agent.say(thread, "careful", channel="note")
    await client.say(thread, "own")
    assert expect(await client.get(f"{path_of(thread)}/unread"), 200) == counts(thread, 3, None)
    assert await mark(client, thread, "read", said[1]) == counts(thread, 1, said[1])
    assert await mark(client, thread, "read", said[0]) == counts(thread, 1, said[1])
    assert await mark(client, thread, "unread", said[1]) == counts(thread, 2, said[0])


async def test_everybody_is_shown_how_far_everybody_is(agent: Person, client: Person) -> None:
    thread = await agent.open(participants=taking_part(client))
    first, second = [await agent.say(thread, str(number)) for number in range(2)]
    await mark(client, thread, "read", first)
    delivered = await mark(client, thread, "delivered", second)
    shown = expect(await agent.get(f"{path_of(thread)}/receipts"), 200)
    assert shown == {"receipts": [delivered], "hasMore": False, "nextCursor": None}
    assert (delivered["userId"], delivered["userRole"], delivered["userName"]) == (client.id, "client", client.user["name"])
    assert (delivered["lastReadMessageId"], delivered["lastReadSeq"]) == (first["id"], 1)
    assert delivered["lastDeliveredMessageId"] == second["id"]


async def test_who_takes_no_part_reads_unseen(house: House, agent: Person, client: Person) -> None:
    thread = await client.open()
    message = await client.say(thread)
    assert (await mark(agent, thread, "read", message))["lastReadMessageId"] == message["id"]
    assert (await mark(agent, thread, "delivered", message))["userId"] == agent.id
    assert await readers(client, thread) == []
    assert await readers(agent, thread) == [agent.id]
    assert not {"thread_read", "thread_delivered"} & set(await house.events("messages", thread["id"]))


async def test_who_is_taken_out_is_listed_no_more_until_they_come_again(house: House, agent: Person) -> None:
    by_account, by_contact = await house.person(), await house.verified(Role.CLIENT)
    contact = {"role": "client", "name": "Vera", "contact": by_contact.user["email"]}
    thread = await agent.open(participants=[*taking_part(by_account), contact])
    message = await agent.say(thread)
    people = sorted((by_account, by_contact), key=lambda person: UUID(person.id))
    for person in people:
        await mark(person, thread, "read", message)
    assert await readers(agent, thread) == [person.id for person in people]
    seats = expect(await agent.get(f"{path_of(thread)}/participants"), 200)["participants"]
    for seat in seats:
        if seat["userId"] != agent.id:
            expect(await agent.delete(f"{path_of(thread)}/participants/{seat['id']}"), 204)
    await until(lambda: readers(agent, thread), [])
    expect(await agent.post(f"{path_of(thread)}/participants", {"userId": by_account.id}), 201)
    await until(lambda: readers(agent, thread), [by_account.id])


async def test_what_was_read_and_is_hidden_now_is_named_to_nobody(agent: Person, client: Person) -> None:
    thread = await agent.open(participants=taking_part(client))
    message = await agent.say(thread)
    await mark(client, thread, "read", message)
    await asyncio.sleep(0.002)  # what was said in the very millisecond is seen
    expect(await agent.delete(f"{path_of(thread)}/participants/{client.id}"), 204)
    expect(await agent.post(f"{path_of(thread)}/participants", {"userId": client.id, "canSeeHistory": False}), 201)
    assert refusal(await client.get(message_path(message))) == (404, "message_not_found")
    assert expect(await client.get(f"{path_of(thread)}/unread"), 200) == counts(thread, 0, None)


async def test_marking_unread_reads_nothing(agent: Person, client: Person) -> None:
    thread = await agent.open(participants=taking_part(client))
    first, second = [await agent.say(thread, str(number)) for number in range(2)]
    await mark(client, thread, "read", second)
    (before,) = expect(await client.get(f"{path_of(thread)}/receipts"), 200)["receipts"]
    await asyncio.sleep(0.002)
    await mark(client, thread, "unread", second)
    (after,) = expect(await client.get(f"{path_of(thread)}/receipts"), 200)["receipts"]
    assert (after["lastReadMessageId"], after["lastReadAt"]) == (first["id"], before["lastReadAt"])


async def test_several_threads_are_read_at_once(agent: Person, client: Person) -> None:
    threads = [await agent.open(participants=taking_part(client)) for _ in range(2)]
    said = [await agent.say(thread) for thread in threads]
    hidden = await agent.say(await agent.open())
    marks = [{"threadId": message["threadId"], "lastMessageId": message["id"]} for message in (*said, hidden)]
    answer = expect(await client.post("/api/collab/read", {"threads": marks}), 200)
    assert answer == {"threads": [counts(thread, 0, message) for thread, message in zip(threads, said, strict=True)]}


async def test_a_mark_is_a_message_of_its_thread(agent: Person, client: Person) -> None:
    thread = await agent.open(participants=taking_part(client))
    note = await agent.say(thread, "careful", channel="note")
    elsewhere = await agent.say(await agent.open(participants=taking_part(client)))
    for message in (note, elsewhere):
        answer = await client.post(f"{path_of(thread)}/read", {"lastMessageId": message["id"]})
        assert refusal(answer) == (422, "marked_message_not_found")


async def test_replies_are_a_list_of_their_own(agent: Person, client: Person) -> None:
    thread = await agent.open(participants=taking_part(client))
    root = await client.say(thread, "question")
    first = await agent.say(thread, "answer", replyTo=root["id"])
    second = await client.say(thread, "thanks", replyTo=first["id"])
    assert [message["rootId"] for message in (first, second)] == [root["id"]] * 2
    page = expect(await client.get(f"{message_path(root)}/replies", limit=1), 200)
    assert (page["messages"], page["hasMore"]) == ([first], True)
    rest = expect(await client.get(f"{message_path(root)}/replies", cursor=page["nextCursor"]), 200)
    assert rest == {"messages": [second], "hasMore": False, "nextCursor": None}


async def test_an_admin_reads_what_was_deleted_and_is_audited_for_it(house: House, admin: Person, client: Person) -> None:
    thread = await admin.open(participants=taking_part(client))
    message = await client.say(thread, "rude")
    expect(await admin.ask("DELETE", f"{message_path(message)}?reason=rude"), 204)
    (version,) = expect(await admin.get(f"{message_path(message)}/history"), 200)["history"]
    assert (version["message"], version["changedBy"], version["reason"]) == (message, admin.id, "rude")
    assert await house.events("messages", admin.id) == ["action_audited", "action_audited"]
    assert refusal(await client.get(f"{message_path(message)}/history")) == (403, "permission_is_missing")


async def test_people_say_nothing_that_programs_say(agent: Person) -> None:
    thread = await agent.open()
    for fields in ({"messageType": "robot", "robotId": "r2"}, {"authorName": "Somebody else"}, {"deliveryStatus": "streaming"}):
        answer = await agent.post(messages_of(thread), {"content": "beep", **fields})
        assert refusal(answer) == (403, "permission_is_missing")
    message = await agent.say(thread)
    assert refusal(await agent.patch(message_path(message), {"deliveryStatus": "failed"})) == (403, "permission_is_missing")
