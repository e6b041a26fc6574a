"""What programs say in threads, over HTTP: as robots, for contacts from outside, and a part at a time."""

from collections.abc import Mapping
from unittest.mock import ANY

import pytest_asyncio

from tests.system.house import House
from tests.system.people import Json, Person, expect, message_path, messages_of, path_of, refusal, taking_part, wrong_fields
from tests.system.programs import Program, program_of

TALKS = (
    "chat:room:read",
    "chat:message:read",
    "chat:message:send",
    "chat:message:edit",
    "chat:message:delete",
    "supervisor:chat:read",
    "supervisor:chat:send",
)
ROBOT = {"messageType": "robot", "robotId": "r2"}
MIA = {"authorName": "Mia", "authorContact": "+39 011 555", "authorRole": "client"}


@pytest_asyncio.fixture(loop_scope="session")
async def robot(house: House) -> Program:
    return await program_of(house, house.host, *TALKS)


async def say(program: Program, thread: Json, content: str, **fields: object) -> Json:
    return expect(await program.ask("POST", messages_of(thread), {"content": content, **fields}), 201)


async def change(program: Program, message: Json, fields: Mapping[str, object]) -> Json:
    return expect(await program.ask("PATCH", message_path(message), fields), 200)


async def test_what_robots_say_is_nowhere_for_guests_unless_it_is_for_them(
    agent: Person, client: Person, guest: Person, robot: Program
) -> None:
    thread = await agent.open(participants=taking_part(client, guest))
    question = await client.say(thread, "How?")
    hidden = await say(robot, thread, "beep", **ROBOT, robotResponseTo=question["id"])
    shown = await say(robot, thread, "boop", **ROBOT, isRobotVisibleToGuests=True)
    assert [(message["seq"], message["subSeq"]) for message in (question, hidden, shown)] == [(1, 0), (1, 1), (2, 0)]
    assert (await client.page(thread))["messages"] == [question, hidden, shown]
    assert await guest.page(thread) == {"messages": [question, shown], "hasMore": False, "nextCursor": None, "asOf": ANY}
    for answer in (
        await guest.get(message_path(hidden)),
        await guest.get(f"{message_path(hidden)}/replies"),
        await guest.delete(message_path(hidden)),
    ):
        assert refusal(answer) == (404, "message_not_found")
    assert refusal(await guest.post(messages_of(thread), {"content": "What?", "replyTo": hidden["id"]})) == (
        422,
        "replied_message_not_found",
    )
    marked = await guest.post(f"{path_of(thread)}/read", {"lastMessageId": hidden["id"]})
    assert refusal(marked) == (422, "marked_message_not_found")
    unread = [expect(await person.get(f"{path_of(thread)}/unread"), 200)["unreadCount"] for person in (guest, agent)]
    assert unread == [2, 3]


async def test_a_reply_to_what_guests_do_not_see_and_its_changes_are_hidden_from_them(
    agent: Person, guest: Person, robot: Program, house: House
) -> None:
    thread = await agent.open(participants=taking_part(guest))
    hidden = await say(robot, thread, "beep", **ROBOT)
    before = await guest.page(thread)
    reply = await agent.say(thread, "thanks", replyTo=hidden["id"])
    expect(await agent.patch(message_path(reply), {"content": "thank you"}), 200)
    expect(await agent.delete(message_path(hidden)), 204)
    assert await guest.page(thread) == before
    said = [name for name in await house.events("messages", thread["id"]) if "message" in name]
    assert said == [f"guarded_message_{done}" for done in ("posted", "posted", "edited", "deleted")]


async def test_a_message_is_delivered_a_part_at_a_time(agent: Person, client: Person, robot: Program) -> None:
    thread = await agent.open(participants=taking_part(client))
    message = await say(robot, thread, "To", deliveryStatus="streaming")
    more = await change(robot, message, {"content": "To be", "deliveryStatus": "batch-delay"})
    assert more == message | {"content": "To be", "deliveryStatus": "batch-delay"}
    assert (await client.page(thread))["messages"] == [more]
    failed = await change(robot, message, {"deliveryStatus": "failed"})
    assert refusal(await robot.ask("PATCH", message_path(failed), {"deliveryStatus": "delivered"})) == (
        409,
        "delivery_status_does_not_follow",
    )
    await change(robot, message, {"deliveryStatus": "streaming"})
    whole = await change(robot, message, {"content": "To be or not", "deliveryStatus": "delivered"})
    assert whole == message | {"content": "To be or not", "deliveryStatus": "delivered"}
    for status in ("streaming", "batch-delay", "failed"):
        again = await robot.ask("PATCH", message_path(whole), {"deliveryStatus": status})
        assert refusal(again) == (409, "delivery_status_does_not_follow")


async def test_nobody_else_moves_a_delivery(agent: Person, robot: Program, house: House) -> None:
    thread = await agent.open()
    message = await say(robot, thread, "To", deliveryStatus="streaming")
    other = await program_of(house, house.host, *TALKS)
    for answer in (
        await agent.patch(message_path(message), {"deliveryStatus": "delivered"}),
        await other.ask("PATCH", message_path(message), {"deliveryStatus": "delivered"}),
    ):
        assert refusal(answer) == (403, "not_the_author")


async def test_a_bridge_posts_for_a_contact_and_is_answerable_for_it(agent: Person, client: Person, house: House) -> None:
    thread = await agent.open(participants=taking_part(client))
    bridge = await program_of(house, house.host, *TALKS, "chat:message:send-for-contact")
    message = await say(bridge, thread, "Ciao", channel="whatsapp", clientMessageId="wa-1", **MIA)
    assert (message["authorId"], message["authorName"], message["authorRole"]) == (None, "Mia", "client")
    assert "authorContact" not in message
    assert await say(bridge, thread, "Ciao", channel="whatsapp", clientMessageId="wa-1", **MIA) == message
    assert (await client.page(thread))["messages"] == [message]
    edited = await change(bridge, message, {"content": "Ciao!"})
    assert (edited["content"], edited["authorName"]) == ("Ciao!", "Mia")
    assert refusal(await client.patch(message_path(message), {"content": "Mine"})) == (403, "not_the_author")
    expect(await bridge.ask("DELETE", message_path(message)), 204)


async def test_posting_for_a_contact_is_granted_by_a_scope_of_its_own_and_takes_all_of_the_contact(
    agent: Person, robot: Program, house: House
) -> None:
    thread = await agent.open()
    assert refusal(await robot.ask("POST", messages_of(thread), {"content": "Ciao", **MIA})) == (403, "permission_is_missing")
    assert refusal(await house.host.post(messages_of(thread), {"content": "Ciao", **MIA})) == (403, "permission_is_missing")
    bridge = await program_of(house, house.host, *TALKS, "chat:message:send-for-contact")
    answer = await bridge.ask("POST", messages_of(thread), {"content": "Ciao", "authorName": "Mia"})
    assert wrong_fields(answer) == {"authorContact": "missing", "authorRole": "missing"}
