"""One person has one seat in a thread, by their account or by their verified email, and who is gone is gone by both."""

import pytest

from shared.contracts.principal import Role
from tests.system.house import House
from tests.system.people import Json, Person, expect, message_path, path_of, refusal, wrong_fields


def participants(thread: Json) -> str:
    return f"{path_of(thread)}/participants"


def by_contact(person: Person) -> Json:
    return {"role": "client", "name": "Vera", "contact": person.user["email"].upper()}


async def seats(person: Person, thread: Json) -> list[tuple[str | None, str | None]]:
    shown = expect(await person.get(path_of(thread)), 200)
    assert shown["participantCount"] == len(shown["participants"])
    return [(one["userId"], one["contact"]) for one in shown["participants"][1:]]


async def test_who_sits_by_their_email_takes_part_already(house: House, agent: Person) -> None:
    vera = await house.verified(Role.CLIENT)
    thread = await agent.open(participants=[by_contact(vera)])
    assert refusal(await agent.post(participants(thread), {"userId": vera.id})) == (409, "already_takes_part")
    assert await seats(agent, thread) == [(None, vera.user["email"].upper())]


async def test_who_sits_by_their_account_takes_part_already(house: House, agent: Person) -> None:
    vera = await house.verified(Role.CLIENT)
    thread = await agent.open(isPrivate=True)
    expect(await agent.post(participants(thread), {"userId": vera.id}), 201)
    assert refusal(await agent.post(participants(thread), by_contact(vera))) == (409, "already_takes_part")


async def test_an_email_that_nobody_verified_is_nobodys_seat(agent: Person, client: Person) -> None:
    thread = await agent.open(participants=[by_contact(client)])
    expect(await agent.post(participants(thread), {"userId": client.id}), 201)
    assert [user for user, _ in await seats(agent, thread)] == [None, client.id]
    assert (await agent.delete(f"{participants(thread)}/{client.id}")).status_code == 204
    assert await seats(agent, thread) == [(None, client.user["email"].upper())]
    assert refusal(await client.get(path_of(thread))) == (404, "thread_not_found")


@pytest.mark.parametrize("leaves", [True, False])
async def test_who_sits_by_their_email_goes_by_their_account(house: House, agent: Person, leaves: bool) -> None:
    vera = await house.verified(Role.CLIENT)
    thread = await agent.open(participants=[by_contact(vera)])
    own = f"{participants(thread)}/{vera.id}"
    assert expect(await vera.get(own), 200)["contact"] == vera.user["email"].upper()
    assert (await (vera if leaves else agent).delete(own)).status_code == 204
    assert refusal(await vera.get(path_of(thread))) == (404, "thread_not_found")
    assert await seats(agent, thread) == []
    assert (await house.events("threads", thread["id"])).count("participant_removed") == 1


@pytest.mark.parametrize("leaves", [True, False])
async def test_who_had_two_seats_before_their_email_was_verified_loses_both(house: House, agent: Person, leaves: bool) -> None:
    vera = await house.verified(Role.CLIENT)
    verified = "UPDATE identity.users SET is_email_verified = $2 WHERE email = $1"
    await house.database.execute(verified, vera.user["email"], False)
    thread = await agent.open(isPrivate=True, participants=[by_contact(vera)])
    before = await agent.say(thread)
    expect(await agent.post(participants(thread), {"userId": vera.id, "canSeeHistory": False}), 201)
    await house.database.execute(verified, vera.user["email"], True)
    assert refusal(await vera.get(message_path(before))) == (404, "message_not_found")
    assert (await (vera if leaves else agent).delete(f"{participants(thread)}/{vera.id}")).status_code == 204
    for path, code in ((path_of(thread), "thread_not_found"), (message_path(before), "message_not_found")):
        assert refusal(await vera.get(path)) == (404, code)
    assert await seats(agent, thread) == []
    assert (await house.events("threads", thread["id"])).count("participant_removed") == 2


async def test_who_comes_again_by_the_other_way_takes_their_seat_again(house: House, agent: Person) -> None:
    vera = await house.verified(Role.CLIENT)
    thread = await agent.open()
    first = expect(await agent.post(participants(thread), by_contact(vera)), 201)
    expect(await vera.delete(f"{participants(thread)}/{vera.id}"), 204)
    again = expect(await agent.post(participants(thread), {"userId": vera.id}), 201)
    assert (again["id"], again["userId"], again["contact"]) == (first["id"], vera.id, None)
    expect(await vera.delete(f"{participants(thread)}/{vera.id}"), 204)
    again = expect(await agent.post(participants(thread), by_contact(vera)), 201)
    assert (again["id"], again["userId"]) == (first["id"], vera.id)


async def test_nobody_is_in_a_list_by_their_account_and_by_their_email(house: House, agent: Person) -> None:
    vera = await house.verified(Role.CLIENT)
    twice = [{"role": "client", "userId": vera.id}, by_contact(vera)]
    thread = await agent.open()
    opening = await agent.post("/api/collab/threads", {"kind": "group", "title": "Trip", "participants": twice})
    for answer in (opening, await agent.patch(path_of(thread), {"participants": twice})):
        assert wrong_fields(answer) == {"participants.1.contact": "duplicate"}
