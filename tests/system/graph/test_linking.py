"""Links, from a client's request to what hangs together by them."""

import asyncio

from shared.identifiers import new_id
from tests.system.attachments.files import upload
from tests.system.people import Json, Person, expect, path_of, refusal, taking_part


async def linked(person: Person, thread: Json, source: tuple[str, str], target: tuple[str, str]) -> Json:
    body = dict(zip(("sourceType", "sourceId", "targetType", "targetId"), (*source, *target), strict=True))
    return expect(await person.post(f"{path_of(thread)}/links", body), 201)


async def related(person: Person, kind: str, identifier: str, count: int) -> Json:
    """Once so many are there: some links come by events."""
    path = f"/api/graph/{kind}/{identifier}/related"
    async with asyncio.timeout(20):
        while len((answer := expect(await person.get(path, depth=2), 200))["related"]) != count:
            await asyncio.sleep(0.1)
    return answer


async def test_a_message_and_a_thread_are_linked_and_found(agent: Person) -> None:
    thread = await agent.open()
    message = await agent.say(thread)
    link = await linked(agent, thread, ("message", message["id"]), ("THREAD", thread["id"]))
    assert (link["sourceType"], link["type"], link["projectId"], link["derived"]) == ("MESSAGE", "LINKED_TO", None, False)
    answer = await agent.get(f"/api/graph/thread/{thread['id']}/related")
    assert answer.headers["x-atrium-graph"] == "sql"
    (found,) = expect(answer, 200)["related"]
    assert (found["id"], found["title"], found["distance"]) == (message["id"], "Hello", 1)
    listed = expect(await agent.get(f"{path_of(thread)}/links"), 200)
    assert [one["id"] for one in listed["links"]] == [link["id"]]
    expect(await agent.delete(f"{path_of(thread)}/links/{link['id']}"), 204)
    assert expect(await agent.get(f"/api/graph/THREAD/{thread['id']}/related"), 200)["related"] == []


async def test_the_same_link_again_is_answered_with_the_first(agent: Person) -> None:
    thread = await agent.open()
    message = await agent.say(thread)
    first = await linked(agent, thread, ("message", message["id"]), ("thread", thread["id"]))
    assert expect(await agent.get(f"{path_of(thread)}/links/{first['id']}"), 200) == first
    body = {name: first[name] for name in ("sourceType", "sourceId", "targetType", "targetId")}
    assert expect(await agent.post(f"{path_of(thread)}/links", body), 200) == first


async def test_a_reply_and_a_file_are_linked_by_themselves(agent: Person) -> None:
    thread = await agent.open()
    first = await agent.say(thread)
    file = await upload(agent, thread)
    reply = await agent.say(thread, replyTo=first["id"], attachmentIds=[file["id"]])
    answer = await related(agent, "message", first["id"], 2)
    assert [(one["id"], one["distance"]) for one in answer["related"]] == [(reply["id"], 1), (file["id"], 2)]
    way = expect(await agent.get("/api/graph/path", **{"from": f"message:{reply['id']}", "to": f"message:{first['id']}"}), 200)
    assert [one["id"] for one in way["path"]] == [reply["id"], first["id"]]
    expect(await agent.delete(f"/api/collab/messages/{reply['id']}"), 204)
    assert expect(await agent.get(f"/api/graph/message/{first['id']}/related"), 200)["related"] == []


async def test_a_note_is_related_to_nothing_for_who_does_not_see_it(agent: Person, client: Person) -> None:
    thread = await agent.open(participants=taking_part(client))
    message = await agent.say(thread)
    note = await agent.say(thread, channel="note")
    await linked(agent, thread, ("message", message["id"]), ("message", note["id"]))
    path = f"/api/graph/message/{message['id']}/related"
    assert [one["id"] for one in expect(await agent.get(path), 200)["related"]] == [note["id"]]
    assert expect(await client.get(path), 200)["related"] == []
    assert expect(await client.get(f"{path_of(thread)}/links"), 200)["links"] == []
    hidden, missing = [await client.get(f"/api/graph/message/{one}/related") for one in (note["id"], new_id())]
    assert refusal(hidden) == refusal(missing) == (404, "artifact_not_found")


async def test_what_is_removed_from_a_thread_finds_nothing_from_the_next_request_on(agent: Person, client: Person) -> None:
    thread = await agent.open(participants=taking_part(client))
    message = await agent.say(thread)
    await linked(client, thread, ("message", message["id"]), ("thread", thread["id"]))
    expect(await agent.delete(f"{path_of(thread)}/participants/{client.id}"), 204)
    assert refusal(await client.get(f"/api/graph/thread/{thread['id']}/related")) == (404, "artifact_not_found")
    assert refusal(await client.get(f"{path_of(thread)}/links")) == (404, "thread_not_found")
