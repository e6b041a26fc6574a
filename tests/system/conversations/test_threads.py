"""Threads through the API (spec 1, Thread Management)."""

import asyncio
from typing import Any
from unittest.mock import ANY

import pytest

from shared.contracts.principal import Role
from shared.identifiers import new_id
from tests.system.house import House, register
from tests.system.people import Json, Person, expect, messages_of, opening, path_of, refusal, taking_part, wrong_fields

THREADS = "/api/collab/threads"


async def test_a_booking_thread_is_shown_with_all_its_fields(agent: Person) -> None:
    sent = {
        "bookingId": f"BK-{new_id()}",
        "ref": "R-7",
        "title": "  Transfer to Turin  ",
        "clientName": "Ada",
        "status": "Confirmed",
        "participants": [{"role": "client", "name": "Ada", "contact": "+44 20 7946 0000"}],
        "description": "Two bags",
        "issueId": "I-1",
        "issueDescription": "Late",
        "maxParticipants": 3,
        "settings": {"colour": "red"},
    }
    answer = await agent.post(THREADS, sent)
    thread = expect(answer, 201)
    may = {"canSendMessages": True, "canInviteOthers": False, "canSeeHistory": True}
    participant = {"id": ANY, "status": "active", **may, "joinedAt": ANY, "lastReadAt": None}
    creator = {**participant, "userId": agent.id}
    assert thread == sent | {
        "id": ANY,
        "kind": "booking",
        "title": "Transfer to Turin",
        "state": "active",
        "archived": False,
        "isPrivate": False,
        "guestAccessAllowed": True,
        "creatorId": agent.id,
        "parentThreadId": None,
        "projectId": None,
        "escalationLevel": 1,
        "participants": [
            {**creator, "role": "agent", "participantRole": "moderator", "name": agent.user["name"], "contact": None},
            {**participant, "userId": None, "role": "client", "participantRole": "member", "name": "Ada", "contact": "+44 20 7946 0000"},
        ],
        "participantCount": 2,
        "lastMessage": None,
        "lastSeq": 0,
        "unreadCount": 0,
        "mentionCount": 0,
        "createdAt": ANY,
        "updatedAt": thread["createdAt"],
    }
    assert answer.headers["location"] == path_of(thread)
    assert expect(await agent.get(answer.headers["location"]), 200) == thread


async def test_a_thread_is_a_draft_of_a_booking_unless_said_otherwise(agent: Person) -> None:
    booking = expect(await agent.post(THREADS, {"bookingId": str(new_id()), "title": "T"}), 201)
    assert (booking["kind"], booking["status"], booking["maxParticipants"], booking["settings"]) == ("booking", "Draft", 50, {})
    assert (booking["ref"], booking["clientName"], booking["description"], booking["issueId"]) == (None, None, None, None)


async def test_a_booking_has_one_thread_archived_ones_included(agent: Person, owner: Person) -> None:
    thread = await agent.open("booking")
    again = {"bookingId": thread["bookingId"], "title": "Again"}
    assert refusal(await owner.post(THREADS, again)) == (409, "booking_has_a_thread")
    expect(await agent.delete(path_of(thread)), 204)
    assert refusal(await owner.post(THREADS, again)) == (409, "booking_has_a_thread")


async def test_of_many_who_open_the_thread_of_a_booking_one_does(agent: Person) -> None:
    sent = opening("booking")
    answers = await asyncio.gather(*(agent.post(THREADS, sent) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 9]


async def test_a_booking_id_belongs_to_its_workspace(house: House, agent: Person) -> None:
    thread = await agent.open("booking")
    stranger = await house.elsewhere(Role.ADMIN)
    await stranger.open("booking", bookingId=thread["bookingId"])


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"kind": "group", "bookingId": "B"}, "body", "invalid"),
        ({"bookingId": None}, "body", "invalid"),
        ({"bookingId": "b" * 65}, "bookingId", "too_long"),
        ({"bookingId": "  "}, "bookingId", "too_short"),
        ({"title": ""}, "title", "too_short"),
        ({"title": "t" * 256}, "title", "too_long"),
        ({"title": "a\0b"}, "title", "invalid"),
        ({"ref": "r" * 33}, "ref", "too_long"),
        ({"clientName": "c" * 256}, "clientName", "too_long"),
        ({"status": "draft"}, "status", "not_one_of"),
        ({"kind": "picnic"}, "kind", "not_one_of"),
        ({"maxParticipants": 0}, "maxParticipants", "too_small"),
        ({"maxParticipants": "50"}, "maxParticipants", "int_type"),
        ({"maxParticipants": True}, "maxParticipants", "int_type"),
        ({"isPrivate": "yes"}, "isPrivate", "bool_type"),
        ({"guestAccessAllowed": 0}, "guestAccessAllowed", "bool_type"),
        ({"maxParticipants": 100_001}, "maxParticipants", "too_large"),
        ({"maxParticipants": 1, "participants": [{"role": "client", "name": "A"}]}, "participants", "too_many"),
        ({"participants": [{"role": "client"}]}, "participants.0", "invalid"),
        (
            {"participants": [{"role": "client", "contact": "a@b"}, {"role": "agent", "contact": " A@B"}]},
            "participants.1.contact",
            "duplicate",
        ),
        ({"participants": [{"role": "boss", "name": "A"}]}, "participants.0.role", "not_one_of"),
        ({"participants": [{"role": "client", "name": "A", "age": 3}]}, "participants.0.age", "unknown_field"),
        ({"participants": {}}, "participants", "list_type"),
        ({"settings": {"a": "x" * 16_384}}, "settings", "invalid"),
        ({"settings": []}, "settings", "dict_type"),
        ({"creatorId": str(new_id())}, "creatorId", "unknown_field"),
        ({"escalationLevel": 4}, "escalationLevel", "unknown_field"),
    ],
)
async def test_opening_says_which_field_is_wrong(change: Json, field: str, code: str, agent: Person) -> None:
    assert wrong_fields(await agent.post(THREADS, {"bookingId": str(new_id()), "title": "T", **change})) == {field: code}


async def test_a_title_is_needed(agent: Person) -> None:
    assert wrong_fields(await agent.post(THREADS, {"kind": "group"})) == {"title": "missing"}


async def test_a_change_answers_with_the_new_state(house: House, agent: Person) -> None:
    thread = await agent.open("booking", ref="R")
    sent = {"title": "Turin", "status": "Completed", "clientName": "Ada", "ref": None, "settings": {"a": [1]}, "isPrivate": True}
    changed = expect(await agent.patch(path_of(thread), sent), 200)
    assert changed == thread | sent | {"updatedAt": ANY}
    assert changed["updatedAt"] > thread["updatedAt"]
    assert expect(await agent.get(path_of(thread)), 200) == changed
    assert await house.events("threads", thread["id"]) == ["thread_opened", "participant_added", "thread_changed"]


@pytest.mark.parametrize("fixed", [{"kind": "group"}, {"bookingId": "other"}, {"id": str(new_id())}, {"threadId": str(new_id())}])
async def test_what_a_thread_is_cannot_be_changed(fixed: Json, agent: Person) -> None:
    thread = await agent.open("booking")
    assert wrong_fields(await agent.patch(path_of(thread), fixed)) == dict.fromkeys(fixed, "unknown_field")


async def test_participants_are_replaced_and_those_who_stay_keep_their_place(agent: Person, client: Person, owner: Person) -> None:
    thread = await agent.open(participants=taking_part(client))
    creator, before = thread["participants"]
    changed = expect(await agent.patch(path_of(thread), {"participants": taking_part(client, owner)}), 200)
    assert changed["participants"][:2] == [creator, before]
    assert changed["participants"][2]["userId"] == owner.id
    left = expect(await agent.patch(path_of(thread), {"participants": []}), 200)
    assert (left["participants"], left["participantCount"]) == ([creator], 1)


async def test_an_archived_thread_can_be_read_and_not_posted_to(house: House, agent: Person, client: Person) -> None:
    thread = await agent.open(participants=taking_part(client))
    message = await client.say(thread)
    answer = await agent.delete(path_of(thread))
    assert (answer.status_code, answer.content) == (204, b"")
    archived = expect(await client.get(path_of(thread)), 200)
    assert (archived["state"], archived["archived"]) == ("archived", True)
    assert [each["id"] for each in (await client.page(thread))["messages"]] == [message["id"]]
    assert refusal(await client.post(messages_of(thread), {"content": "More"})) == (409, "thread_is_archived")
    assert refusal(await agent.patch(path_of(thread), {"title": "Other"})) == (409, "thread_is_archived")
    assert refusal(await agent.patch(path_of(thread), {"participants": []})) == (409, "thread_is_archived")
    assert refusal(await agent.patch(path_of(thread), {"archived": False, "title": "Other"})) == (409, "thread_is_archived")
    assert (await agent.delete(path_of(thread))).status_code == 204
    restored = expect(await agent.patch(path_of(thread), {"archived": False}), 200)
    assert (restored["state"], restored["archived"]) == ("active", False)
    await client.say(thread)
    events = [name for name in await house.events("threads", thread["id"]) if name.startswith("thread")]
    assert events == ["thread_opened", "thread_archived", "thread_restored"]


async def test_lists_are_newest_activity_first(agent: Person) -> None:
    ref = f"R{new_id().hex[:20]}"
    opened = [await agent.open(ref=ref) for _ in range(3)]
    expect(await agent.patch(path_of(opened[0]), {"title": "Newest"}), 200)
    page = await agent.threads(limit=3)
    assert list(page) == ["threads", "total", "hasMore", "nextCursor"]
    assert [thread["id"] for thread in page["threads"]] == [opened[place]["id"] for place in (0, 2, 1)]
    assert page["threads"][0] == expect(await agent.get(path_of(opened[0])), 200)


async def test_a_post_moves_its_thread_up_within_a_second(client: Person) -> None:
    older, newer = await client.open(), await client.open()
    message = await client.say(older, "Up")
    async with asyncio.timeout(1):
        while (await client.threads())["threads"][0]["id"] != older["id"]:
            await asyncio.sleep(0.02)
    first, second = (await client.threads())["threads"]
    assert second["id"] == newer["id"]
    assert first["lastSeq"] == 1
    assert first["lastMessage"] == {
        "id": message["id"],
        "seq": 1,
        "authorName": client.user["name"],
        "preview": "Up",
        "createdAt": message["createdAt"],
    }


async def test_a_list_pages_by_cursor_and_by_offset(client: Person) -> None:
    opened = [(await client.open(title=str(number)))["id"] for number in range(5)][::-1]
    found: list[str] = []
    cursor: Json = {}
    while True:
        page = await client.threads(limit=2, **cursor)
        assert (page["total"], page["hasMore"]) == (5, page["nextCursor"] is not None)
        found += [thread["id"] for thread in page["threads"]]
        if not page["hasMore"]:
            break
        cursor = {"cursor": page["nextCursor"]}
    assert found == opened
    page = await client.threads(limit=2, offset=3)
    assert ([thread["id"] for thread in page["threads"]], page["total"], page["hasMore"]) == (opened[3:], 5, False)
    assert (await client.threads(offset=5))["threads"] == []


async def test_a_list_is_filtered_by_status_and_shows_the_archived_alone(agent: Person, client: Person) -> None:
    mine = taking_part(client)
    confirmed, archived = await agent.open("booking", status="Confirmed", participants=mine), await agent.open(participants=mine)
    expect(await agent.delete(path_of(archived)), 204)

    async def listed(**query: object) -> list[str]:
        page = await client.threads(**query)
        assert page["total"] == len(page["threads"])
        return [thread["id"] for thread in page["threads"]]

    assert await listed() == [confirmed["id"]]
    assert await listed(status="Confirmed") == [confirmed["id"]]
    assert await listed(status="Draft") == []
    assert await listed(archived="true") == [archived["id"]]
    assert await listed(archived="true", status="Confirmed") == []


async def test_a_flipped_bit_makes_a_cursor_invalid(client: Person) -> None:
    for _ in range(2):
        await client.open()
    cursor = (await client.threads(limit=1))["nextCursor"]
    for place, character in enumerate(cursor):
        flipped = cursor[:place] + ("A" if character != "A" else "B") + cursor[place + 1 :]
        assert refusal(await client.get(THREADS, cursor=flipped)) == (400, "cursor_is_not_valid")


async def test_a_cursor_is_for_its_own_list(agent: Person, client: Person) -> None:
    for _ in range(2):
        await client.open()
    cursor = (await client.threads(limit=1))["nextCursor"]
    assert refusal(await client.get(THREADS, cursor=cursor, archived="true")) == (400, "cursor_is_not_valid")
    assert refusal(await client.get(THREADS, cursor=cursor, status="Draft")) == (400, "cursor_is_not_valid")
    assert refusal(await agent.get(THREADS, cursor=cursor)) == (400, "cursor_is_not_valid")
    assert wrong_fields(await client.get(THREADS, cursor=cursor, offset=1)) == {"body": "invalid"}


async def test_a_client_is_found_by_their_verified_email(house: House, agent: Person) -> None:
    email = f"ada.{new_id().hex}@client.example"
    thread = await agent.open("booking", participants=[{"role": "client", "name": "Ada", "contact": email.upper()}])
    unverified = await register(house.http, email)
    assert refusal(await unverified.get(path_of(thread))) == (404, "thread_not_found")
    assert (await unverified.threads())["threads"] == []
    ada = await house.verified(Role.CLIENT, other := f"other.{email}")
    expect(await agent.patch(path_of(thread), {"participants": [{"role": "client", "name": "Ada", "contact": f" {other} "}]}), 200)
    assert [found["id"] for found in (await ada.threads())["threads"]] == [thread["id"]]
    await ada.say(thread)


async def test_what_is_promised_holds_from_the_next_request_on(agent: Person, client: Person) -> None:
    thread = expect(await client.post(THREADS, opening("support")), 201)
    await client.say(thread, "Who made it posts")
    thread = await agent.open()
    assert refusal(await client.get(messages_of(thread))) == (404, "thread_not_found")
    expect(await agent.patch(path_of(thread), {"participants": taking_part(client)}), 200)
    assert (await client.page(thread))["messages"] == []
    message = await client.say(thread, "Who was added reads and posts")
    expect(await agent.patch(path_of(thread), {"participants": []}), 200)
    for path in (path_of(thread), messages_of(thread), f"/api/collab/messages/{message['id']}"):
        assert refusal(await client.get(path))[0] == 404, "who was removed is refused"
    assert refusal(await client.post(messages_of(thread), {"content": "x"})) == (404, "thread_not_found")
    assert thread["id"] not in [each["id"] for each in (await client.threads())["threads"]]


async def test_twenty_people_post_into_one_thread_without_gap_or_double(house: House, agent: Person) -> None:
    clients = [await register(house.http) for _ in range(20)]
    thread = await agent.open(participants=taking_part(*clients))
    posted = await asyncio.gather(*(person.say(thread, str(number)) for person in clients for number in range(5)))
    assert sorted(message["seq"] for message in posted) == list(range(1, 101))
    page = (await agent.page(thread, limit=200))["messages"]
    assert page == sorted(posted, key=lambda message: message["seq"])
    times: list[Any] = [message["createdAt"] for message in page]
    assert times == sorted(set(times)), "time order is seq order"
