"""Whose uploads are, who may go on with them, and how many anybody may have."""

from shared.contracts.attachments.resumable import MOST_UNFINISHED
from shared.identifiers import new_id
from tests.system.attachments.files import Room
from tests.system.attachments.tus import (
    OFFSET_STREAM,
    TUS,
    UPLOADS,
    create,
    creating,
    due_now,
    end,
    finished,
    head,
    offset_of,
    patch,
)
from tests.system.house import running_gateway
from tests.system.people import Person, expect, path_of, refusal

LIMIT = 5 * 1024 * 1024


async def test_what_is_unknown_expired_or_anothers_is_missing_alike(folder_room: Room) -> None:
    client, other, same = folder_room.client, folder_room.agent, {"x-request-id": "same"}
    expired, theirs = await create(client, folder_room.thread), await create(other, folder_room.thread)
    await patch(client, expired, 0, b"hel")
    await due_now(folder_room.house, expired)
    answers = set()
    for path in (expired, theirs, f"{UPLOADS}/{new_id()}", f"{UPLOADS}/none"):
        for method in ("HEAD", "PATCH", "DELETE"):
            sent = {**client.bearer, **TUS, **OFFSET_STREAM, "upload-offset": "0", **same}
            answer = await client.http.request(method, path, headers=sent)
            headers = {name: value for name, value in answer.headers.items() if name not in ("date", "ratelimit", "ratelimit-policy")}
            answers.add((method == "HEAD", answer.status_code, str(headers.get("content-length")), answer.content))
    assert {status for _, status, _, _ in answers} == {404}
    assert len(answers) == 2, "with a body, and without one"
    assert await offset_of(other, theirs) == 0


async def test_who_may_not_post_may_not_begin_go_on_or_finish(folder_room: Room) -> None:
    client, thread = folder_room.client, folder_room.thread
    path = await create(client, thread)
    assert (await patch(client, path, 0, b"he")).status_code == 204
    (part,) = [one for one in thread["participants"] if one.get("userId") == client.id]
    expect(await folder_room.agent.delete(f"{path_of(thread)}/participants/{part['id']}"), 204)
    assert refusal(await patch(client, path, 2, b"llo")) == (404, "upload_not_found")
    assert (await head(client, path)).status_code == 404
    headers = {**client.bearer, **creating(thread["id"])}
    assert refusal(await client.http.post(UPLOADS, headers=headers)) == (404, "thread_not_found")
    assert (await end(client, path)).status_code == 204
    own = await create(folder_room.agent, thread)
    for state, code in (("closed", "thread_is_closed"), ("archived", "thread_is_archived")):
        expect(await folder_room.agent.patch(path_of(thread), {"state": state}), 200)
        assert refusal(await patch(folder_room.agent, own, 0, b"hello")) == (409, code)
    assert (await end(folder_room.agent, own)).status_code == 204


async def test_a_key_makes_one_upload(folder_room: Room) -> None:
    client, key = folder_room.client, str(new_id())
    headers = {**client.bearer, **creating(folder_room.thread["id"]), "idempotency-key": key}
    first, again = await client.http.post(UPLOADS, headers=headers), await client.http.post(UPLOADS, headers=headers)
    assert expect(again, 201) == expect(first, 201)
    assert ("idempotent-replayed" in first.headers, again.headers["idempotent-replayed"]) == (False, "true")
    other = await client.http.post(UPLOADS, headers=headers | {"upload-length": "6"})
    assert refusal(other) == (409, "key_was_used_for_another")
    empty = headers | {"upload-length": "0", "idempotency-key": str(new_id())}
    made = [expect(await client.http.post(UPLOADS, headers=empty), 201) for _ in range(2)]
    assert made[0] == made[1]


async def test_nobody_fills_the_store_with_what_is_never_finished(folder_room: Room) -> None:
    person: Person = folder_room.agent
    paths = [await create(person, folder_room.thread, 1) for _ in range(MOST_UNFINISHED)]
    headers = {**person.bearer, **creating(folder_room.thread["id"], 1)}
    assert refusal(await person.http.post(UPLOADS, headers=headers)) == (409, "too_many_unfinished_uploads")
    await create(folder_room.client, folder_room.thread, 1)
    await finished(person, paths[0], b"x")
    await create(person, folder_room.thread, 1)
    assert (await end(person, paths[1])).status_code == 204
    await due_now(folder_room.house, paths[2])
    for _ in range(2):
        await create(person, folder_room.thread, 1)
    assert refusal(await person.http.post(UPLOADS, headers=headers)) == (409, "too_many_unfinished_uploads")


async def test_nobody_has_more_bytes_under_way_than_a_form_takes(folder_room: Room) -> None:
    for _ in range(10):
        await create(folder_room.client, folder_room.thread, LIMIT)
    headers = {**folder_room.client.bearer, **creating(folder_room.thread["id"], 1)}
    assert refusal(await folder_room.client.http.post(UPLOADS, headers=headers)) == (409, "too_many_unfinished_uploads")


async def test_beginnings_are_counted_as_uploads_and_all_else_as_requests(folder_room: Room) -> None:
    async with running_gateway(folder_room.house.servers, None, None, uploads_per_minute=1) as url:
        client = folder_room.client
        path = await create(client, folder_room.thread, url=url)
        headers = {**client.bearer, **creating(folder_room.thread["id"])}
        assert refusal(await client.http.post(url + UPLOADS, headers=headers)) == (429, "rate_limit_is_reached")
        for offset in range(5):
            answer = await patch(client, path, offset, b"x", url=url)
            assert (answer.status_code, answer.headers["ratelimit"].split(";")[0]) == (204, '"requests"')
