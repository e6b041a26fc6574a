"""Who is mentioned, over HTTP: by what their role grants, and what that counts."""

from tests.system.house import House
from tests.system.people import Json, Person, expect, path_of, taking_part


async def mentioned(person: Person, thread: Json) -> int:
    counted = expect(await person.get(f"{path_of(thread)}/unread"), 200)
    return int(counted["mentionCount"])


async def with_role(house: House, base: str, *permissions: str) -> Person:
    """Somebody with a role that the workspace made."""
    name = f"{base.lower()}-{len(permissions)}-{house.host.id[-6:]}"
    answer = await house.host.post("/api/roles", {"name": name, "baseRole": base, "permissions": list(permissions)})
    assert answer.status_code in (201, 409), answer.text
    person = await house.person()
    expect(await house.host.patch(f"/api/workspaces/{house.workspace_id}/members/{person.id}", {"role": name}), 200)
    return person


async def test_mentions_count_until_they_are_read(agent: Person, client: Person) -> None:
    thread = await agent.open(participants=taking_part(client))
    first = await agent.say(thread, f"@{client.user['username']}, hello")
    await agent.say(thread, "and nobody")
    await agent.say(thread, f"<p>@{client.user['username'].upper()}?</p>")
    assert first["mentions"] == [client.id]
    assert await mentioned(client, thread) == 2
    assert expect(await client.post(f"{path_of(thread)}/read", {"lastMessageId": first["id"]}), 200)["mentionCount"] == 1
    assert await mentioned(agent, thread) == 0


async def test_a_note_mentions_those_to_whom_their_role_grants_notes(house: House, agent: Person) -> None:
    reads = ["chat:room:read", "chat:message:read"]
    noted = await with_role(house, "productOwner", *reads, "chat:message:note")
    unnoted = await with_role(house, "agent", *reads)
    thread = await agent.open(participants=taking_part(noted, unnoted))
    note = await agent.say(thread, f"@{noted.user['username']} @{unnoted.user['username']}", channel="note")
    assert note["mentions"] == [noted.id]
    assert [await mentioned(person, thread) for person in (noted, unnoted)] == [1, 0]
