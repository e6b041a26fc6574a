"""Ids of what is somebody else's, in bodies. (In paths: the matrix of access; as places in lists: the cursors.)"""

import pytest
import pytest_asyncio

from shared.contracts.principal import Role
from shared.identifiers import new_id
from tests.system.house import House
from tests.system.people import Json, Person, expect, messages_of, opening, path_of, refusal


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(house: House) -> Person:
    """The admin of another workspace."""
    return await house.elsewhere(Role.ADMIN)


async def test_a_reply_to_what_cannot_be_seen_is_told_from_nothing(house: House, client: Person, stranger: Person) -> None:
    own = await client.open()
    hidden = await house.host.say(await house.host.open())
    elsewhere = await stranger.say(await stranger.open())
    deleted = await client.say(own)
    expect(await client.delete(f"/api/collab/messages/{deleted['id']}"), 204)
    told = []
    for identifier in (hidden["id"], elsewhere["id"], deleted["id"], str(new_id()), own["id"], client.id):
        answer = await client.ask("POST", messages_of(own), {"content": "Hm", "replyTo": identifier}, x_request_id="the same")
        assert refusal(answer) == (422, "replied_message_not_found")
        told.append(answer.content)
    assert len(set(told)) == 1
    assert (await client.page(own))["messages"][1:] == []


async def test_a_thread_of_another_workspace_stays_hidden_from_who_is_named_in_it(house: House, client: Person, stranger: Person) -> None:
    named: Json = {"participants": [{"role": "client", "userId": client.id, "name": "Ada", "contact": client.user["email"]}]}
    answer = await stranger.post("/api/collab/threads", opening("group", **named))
    if answer.status_code == 201:
        thread = answer.json()
        assert refusal(await client.get(path_of(thread))) == (404, "thread_not_found")
        assert thread["id"] not in {each["id"] for each in (await client.threads())["threads"]}
    else:
        assert answer.status_code == 422


@pytest.mark.parametrize("parameter", ["threadId", "messageId", "id"])
async def test_a_path_cannot_be_overruled_by_a_body(parameter: str, client: Person) -> None:
    mine, other = await client.open(), await client.open()
    message = await client.say(mine)
    for path, method, body in (
        (messages_of(mine), "POST", {"content": "x"}),
        (path_of(mine), "PATCH", {"title": "x"}),
        (f"/api/collab/messages/{message['id']}", "PATCH", {"content": "x"}),
    ):
        answer = await client.ask(method, path, body | {parameter: other["id"]})
        assert refusal(answer) == (422, "request_is_invalid")
        assert [error["field"] for error in answer.json()["errors"]] == [parameter]
    assert (await client.page(other))["messages"] == []


async def test_a_path_cannot_be_overruled_by_a_query(client: Person) -> None:
    mine, other = await client.open(), await client.open()
    message = await client.say(other)
    page = await client.page(mine, threadId=other["id"], thread_id=other["id"], workspaceId=str(new_id()))
    assert message["id"] not in {each["id"] for each in page["messages"]}
