"""Messages with files: what people send with what they say, and what others get to see of it."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from pydantic_core import from_json

from shared.contracts.principal import Role
from shared.identifiers import new_id
from tests.system.attachments.files import Room, Sent, heard, scan_ends, upload
from tests.system.people import Json, Person, expect, message_path, messages_of, refusal, taking_part, wrong_fields

FIELDS = [
    *("id", "threadId", "messageId", "filename", "url", "size", "mimeType", "sha256", "scanStatus", "scanResult", "voice", "width"),
    *(
        "height",
        "duration",
        "waveform",
        "unreadable",
        "previewAvailable",
        "thumbnailUrl",
        "uploadedById",
        "uploadedByRole",
        "uploadedByName",
        "createdAt",
    ),
]


def ids(*files: Json) -> list[str]:
    return [file["id"] for file in files]


def in_message(message: Json, *files: Json) -> list[Json]:
    """The files as the message shows them."""
    return [file | {"messageId": message["id"]} for file in files]


async def until(room: Room, reader: Person, message: Json, done: Callable[[list[Json]], bool]) -> list[Json]:
    """The files of a message, once they are so."""

    async def shown() -> list[Json]:
        found: list[Json] = expect(await reader.get(message_path(message)), 200)["attachments"]
        return found

    return await _until(shown, done)


async def _until(ask: Callable[[], Awaitable[list[Json]]], done: Callable[[list[Json]], bool]) -> list[Json]:
    async with asyncio.timeout(20):
        while not done(found := await ask()):
            await asyncio.sleep(0.05)
    return found


async def claimed(room: Room, *files: Json) -> list[bool]:
    return [
        await room.house.database.fetchval("SELECT claimed_at IS NOT NULL FROM attachments.attachments WHERE id = $1", UUID(file["id"]))
        for file in files
    ]


async def test_a_message_has_the_files_that_it_was_posted_with(room: Room) -> None:
    files = [await room.upload(Sent(filename=name)) for name in ("b.txt", "a.txt")]
    message = await room.client.say(room.thread, "", attachmentIds=ids(*files))
    assert message["attachments"] == in_message(message, *files)
    assert list(message["attachments"][0]) == FIELDS
    assert (message["content"], message["messageType"]) == ("", "chat")
    for reader in (room.agent, room.client):
        (paged,) = (await reader.page(room.thread))["messages"]
        assert (paged, sorted(paged["attachments"][0])) == (message, sorted(FIELDS))
        assert expect(await reader.get(message_path(message)), 200) == message
    events = await room.house.database.fetch("SELECT data FROM messages.outbox WHERE subject LIKE $1", f"%.{room.thread['id']}")
    assert [from_json(event["data"])["message"] for event in events] == [message]


async def test_who_sees_the_message_gets_its_file_at_once(room: Room) -> None:
    file = await room.clean(Sent(b"hello"))
    assert refusal(await room.agent.get(file["url"])) == (404, "attachment_not_found")
    message = await room.client.say(room.thread, "look", attachmentIds=ids(file))
    answer = await room.agent.get(message["attachments"][0]["url"])
    assert (answer.status_code, answer.content) == (200, b"hello")


async def test_a_file_in_a_reply_is_shown_among_the_replies(folder_room: Room) -> None:
    root, file = await folder_room.agent.say(folder_room.thread), await folder_room.upload()
    reply = await folder_room.client.say(folder_room.thread, "", attachmentIds=ids(file), replyTo=root["id"])
    replies = expect(await folder_room.agent.get(f"{message_path(root)}/replies"), 200)["messages"]
    assert [message["attachments"] for message in replies] == [in_message(reply, file)]


async def test_what_is_not_usable_refuses_the_message_whole(folder_room: Room) -> None:
    room = folder_room
    mine, another = await room.upload(), await room.client.open(participants=taking_part(room.agent))
    deleted, taken, infected = [await room.upload() for _ in range(3)]
    expect(await room.client.delete(deleted["url"]), 204)
    await scan_ends(room.house, infected, "infected")
    before = await room.client.say(room.thread, "", attachmentIds=ids(taken))
    unusable = {
        "another's": (await room.upload(by=room.agent))["id"],
        "another thread's": (await upload(room.client, another))["id"],
        "deleted": deleted["id"],
        "taken": taken["id"],
        "infected": infected["id"],
        "unknown": str(new_id()),
    }
    for why, wrong in unusable.items():
        answer = await room.client.post(messages_of(room.thread), {"content": "hello", "attachmentIds": [mine["id"], wrong]})
        assert refusal(answer) == (422, "attachment_is_not_usable"), why
        assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [("attachmentIds.1", "not_usable")], why
    assert (await room.client.page(room.thread))["messages"] == [before]
    message = await room.client.say(room.thread, "", attachmentIds=ids(mine))
    assert message["attachments"] == in_message(message, mine), "it is as free as before"


async def test_a_message_has_ten_files_each_once(folder_room: Room) -> None:
    room = folder_room
    files = (await room.upload(*[Sent()] * 10))["attachments"]
    eleventh = await room.upload()
    path = messages_of(room.thread)
    assert wrong_fields(await room.client.post(path, {"content": "", "attachmentIds": ids(*files, eleventh)})) == {
        "attachmentIds": "too_long"
    }
    assert wrong_fields(await room.client.post(path, {"content": "", "attachmentIds": ids(eleventh) * 2})) == {"attachmentIds": "invalid"}
    assert wrong_fields(await room.client.post(path, {"content": "", "attachmentIds": []})) == {"content": "too_short"}
    assert wrong_fields(await room.client.post(path, {"content": "", "attachmentIds": ["x"]})) == {"attachmentIds.0": "uuid_parsing"}
    assert await claimed(room, *files, eleventh) == [False] * 11
    message = await room.client.say(room.thread, "", attachmentIds=ids(*files))
    assert message["attachments"] == in_message(message, *files)


async def test_of_messages_that_want_a_file_at_once_one_has_it(folder_room: Room) -> None:
    room = folder_room
    for _ in range(5):
        file = await room.upload()
        posts = (room.client.post(messages_of(room.thread), {"content": f"{turn}", "attachmentIds": ids(file)}) for turn in range(6))
        answers = await asyncio.gather(*posts)
        assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422, 422, 422]
    assert len((await room.client.page(room.thread))["messages"]) == 5


@pytest.mark.parametrize("by", ["clientMessageId", "idempotency-key"])
async def test_a_retry_answers_with_the_message_and_its_files(folder_room: Room, by: str) -> None:
    room = folder_room
    file, other = await room.upload(), await room.upload()

    async def post(*files: Json) -> tuple[int, Json, bool]:
        body = {"content": "look", "attachmentIds": ids(*files)} | ({by: "key"} if by == "clientMessageId" else {})
        answer = await room.client.ask("POST", messages_of(room.thread), body, **({} if by == "clientMessageId" else {by: "key"}))
        return answer.status_code, answer.json(), "idempotent-replayed" in answer.headers

    status, message, replayed = await post(file)
    assert (status, replayed) == (201, False)
    assert await post(file) == (201, message, True)
    await heard(room.house, file)
    assert await post(file) == (201, message, True), "the file can be claimed no more"
    status, problem, _ = await post(other)
    assert (status, problem["code"]) == (409, "key_was_used_for_another")
    expect(await room.client.delete(file["url"]), 204)
    await until(room, room.client, message, lambda files: not files)
    assert await post(file) == (201, message | {"attachments": []}, True)


async def test_readers_and_those_who_poll_are_told_how_a_scan_ended(folder_room: Room) -> None:
    room = folder_room
    file, first = await room.upload(), await room.client.say(room.thread, "first")
    message = await room.client.say(room.thread, "", attachmentIds=ids(file))
    await heard(room.house, file)
    poll = await room.agent.page(room.thread, after=message["id"])
    path, query = messages_of(room.thread), f"?after={poll['nextCursor']}&changedSince={poll['asOf']}"
    etag = (await room.agent.ask("GET", f"{path}{query}")).headers["etag"]
    assert (await room.agent.ask("GET", f"{path}{query}", if_none_match=etag)).status_code == 304
    await scan_ends(room.house, file)
    shown = await until(room, room.agent, message, lambda files: files[0]["scanStatus"] == "clean")
    assert shown == [file | {"messageId": message["id"], "scanStatus": "clean"}]
    answer = await room.agent.ask("GET", f"{path}{query}", if_none_match=etag)
    changed = expect(answer, 200)["changed"]
    assert [(one["id"], one["attachments"], one["editedAt"]) for one in changed] == [(message["id"], shown, None)]
    assert [one["attachments"] for one in (await room.agent.page(room.thread))["messages"]] == [[], shown]
    assert first["attachments"] == []


async def test_what_a_scan_did_before_the_post_was_told_is_shown(folder_room: Room) -> None:
    room = folder_room
    file = await room.upload()
    message = await room.client.say(room.thread, "", attachmentIds=ids(file))
    await scan_ends(room.house, file)  # as it may, with the event of the post on its way
    await until(room, room.agent, message, lambda files: files[0]["scanStatus"] == "clean")


async def test_a_deleted_message_hides_its_files(room: Room) -> None:
    file = await room.clean()
    message = await room.client.say(room.thread, "look", attachmentIds=ids(file))
    await heard(room.house, file)
    assert len(await room.listed(room.agent)) == 1
    expect(await room.client.delete(message_path(message)), 204)
    for reader in (room.agent, room.client):
        assert refusal(await reader.get(file["url"])) == (404, "attachment_not_found")
        assert [one["attachments"] for one in (await reader.page(room.thread))["messages"]] == [[]]

    async def listed() -> list[Json]:
        return await room.listed(room.agent)

    assert await _until(listed, lambda files: not files) == []


async def test_a_deleted_file_goes_from_its_message(room: Room) -> None:
    files = [await room.clean() for _ in range(2)]
    message = await room.client.say(room.thread, "look", attachmentIds=ids(*files))
    expect(await room.client.delete(files[0]["url"]), 204)
    left = await until(room, room.agent, message, lambda files: len(files) == 1)
    assert ids(*left) == ids(files[1])
    assert refusal(await room.agent.get(files[0]["url"])) == (404, "attachment_not_found")
    assert (await room.agent.get(files[1]["url"])).status_code == 200


async def test_a_notes_files_are_not_for_clients(folder_room: Room) -> None:
    room = folder_room
    file = await room.clean(by=room.agent)
    note = await room.agent.say(room.thread, "", channel="note", attachmentIds=ids(file))
    for _ in range(2):
        assert refusal(await room.client.get(file["url"])) == (404, "attachment_not_found")
        assert refusal(await room.client.get(message_path(note))) == (404, "message_not_found")
        assert await room.listed(room.client) == []
        assert (await room.client.page(room.thread))["messages"] == []
        colleague = await room.house.person(Role.AGENT)
        assert (await colleague.get(file["url"])).status_code == 200
        await heard(room.house, file)


async def test_a_file_stays_with_its_uploader_where_the_post_failed(folder_room: Room) -> None:
    room = folder_room
    file = await room.clean()
    body = {"content": "", "attachmentIds": ids(file), "replyTo": str(new_id())}
    assert refusal(await room.client.post(messages_of(room.thread), body)) == (422, "replied_message_not_found")
    assert refusal(await room.agent.get(file["url"])) == (404, "attachment_not_found")
    assert (await room.client.get(file["url"])).status_code == 200
    message = await room.client.say(room.thread, "", attachmentIds=ids(file))
    assert ids(*message["attachments"]) == ids(file)
