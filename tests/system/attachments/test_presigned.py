"""Large files go straight into the bucket, over HTTP, and are files like any other once they are finished."""

from uuid import UUID

import httpx2
import pytest
import pytest_asyncio

from shared.store.store import Store
from tests.samples import noise
from tests.stores import S3Server
from tests.system.attachments.files import Room, attachments_of, room_in, scanned, sha256, uploads_counted
from tests.system.house import House, running_gateway
from tests.system.people import Json, Person, expect, path_of, refusal, wrong_fields

CONTENT = noise(4_000_000)
LIMIT = 5 * 1024 * 1024


@pytest_asyncio.fixture(loop_scope="session")
async def bucket_room(over_s3: House) -> Room:
    return await room_in(over_s3)


def announced(content: bytes = CONTENT, filename: str = "film.bin") -> Json:
    return {"filename": filename, "size": len(content), "sha256": sha256(content)}


async def begin(person: Person, thread: Json, body: Json | None = None, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    path = f"{attachments_of(thread)}/presigned"
    return await person.http.post(path, json=announced() if body is None else body, headers={**person.bearer, **named})


async def put(upload: Json, content: bytes = CONTENT) -> int:
    """As a client that knows nothing but the answer."""
    async with httpx2.AsyncClient() as anybody:
        return (await anybody.request(upload["method"], upload["url"], content=content, headers=upload["headers"])).status_code


async def objects(store: Store) -> set[str]:
    await store.open()
    return {stored.key async for stored in store.list()}


async def test_a_file_is_put_finished_and_downloaded(bucket_room: Room) -> None:
    person, thread = bucket_room.client, bucket_room.thread
    answer = await begin(person, thread)
    upload = expect(answer, 201)
    assert list(upload) == ["uploadId", "url", "method", "headers", "expiresAt"]
    finishing = answer.headers["location"]
    assert finishing == f"{attachments_of(thread)}/presigned/{upload['uploadId']}/finish"
    assert refusal(await person.post(finishing, {})) == (409, "bytes_have_not_come")
    assert await put(upload) == 200
    made = await person.post(finishing, {})
    attachment = expect(made, 201)
    assert made.headers["location"] == attachment["url"] == f"/api/collab/attachments/{upload['uploadId']}"
    assert (attachment["filename"], attachment["size"], attachment["sha256"]) == ("film.bin", len(CONTENT), sha256(CONTENT))
    assert (attachment["scanStatus"], attachment["messageId"]) == ("pending", None)
    assert refusal(await person.get(attachment["url"])) == (409, "attachment_is_not_clean")
    await scanned(bucket_room.house, attachment)
    assert (await person.get(attachment["url"])).content == CONTENT
    again = await person.post(finishing, {})
    assert (expect(again, 201)["id"], again.headers["idempotent-replayed"]) == (attachment["id"], "true")
    message = await person.say(thread, "", attachmentIds=[attachment["id"]])
    assert [file["id"] for file in message["attachments"]] == [attachment["id"]]


async def test_what_is_put_afterwards_is_never_served(bucket_room: Room) -> None:
    person, store = bucket_room.client, bucket_room.store()
    answer = await begin(person, bucket_room.thread)
    upload = expect(answer, 201)
    await put(upload)
    made = expect(await person.post(answer.headers["location"], {}), 201)
    assert await put(upload) == 200
    key = await bucket_room.house.database.fetchval("SELECT storage_key FROM attachments.attachments WHERE id = $1", UUID(made["id"]))
    staged = await bucket_room.house.database.fetchval("SELECT storage_key FROM attachments.staged WHERE id = $1", UUID(made["id"]))
    assert {key, staged} <= await objects(store)
    assert (key.partition("/")[0], staged.partition("/")[0]) == ("files", "staging")
    await scanned(bucket_room.house, made)
    assert (await person.get(made["url"])).content == CONTENT


async def test_a_retry_with_the_same_key_gets_the_same_upload(bucket_room: Room) -> None:
    person, thread = bucket_room.client, bucket_room.thread
    first, again = await begin(person, thread, idempotency_key="k"), await begin(person, thread, idempotency_key="k")
    assert expect(again, 201)["uploadId"] == expect(first, 201)["uploadId"]
    assert (again.headers["idempotent-replayed"], "idempotent-replayed" in first.headers) == ("true", False)
    assert expect(again, 201)["expiresAt"] == expect(first, 201)["expiresAt"]
    assert await put(again.json()) == 200
    other = await begin(person, thread, announced(b"other"), idempotency_key="k")
    assert refusal(other) == (409, "key_was_used_for_another")
    finishing, named = first.headers["location"], {**person.bearer, "idempotency-key": "f"}
    made = [await person.http.post(finishing, json={}, headers=named) for _ in range(2)]
    assert expect(made[0], 201) == expect(made[1], 201)
    assert ["idempotent-replayed" in answer.headers for answer in made] == [False, True]
    another = await begin(person, thread)
    assert refusal(await person.http.post(another.headers["location"], json={}, headers=named)) == (409, "bytes_have_not_come")
    await put(another.json())
    assert refusal(await person.http.post(another.headers["location"], json={}, headers=named)) == (409, "key_was_used_for_another")


async def test_a_key_whose_upload_is_over_begins_nothing(bucket_room: Room) -> None:
    first = await begin(bucket_room.client, bucket_room.thread, idempotency_key="old")
    await bucket_room.house.database.execute(
        "UPDATE attachments.staged SET put_until = now() WHERE id = $1", UUID(expect(first, 201)["uploadId"])
    )
    again = await begin(bucket_room.client, bucket_room.thread, idempotency_key="old")
    assert refusal(again) == (409, "upload_has_expired")


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ({"filename": None}, {"filename": "string_type"}),
        ({"size": -1}, {"size": "too_small"}),
        ({"size": "many"}, {"size": "int_parsing"}),
        ({"sha256": "A" * 64}, {"sha256": "string_pattern_mismatch"}),
        ({"sha256": "0" * 63}, {"sha256": "string_pattern_mismatch"}),
        ({"mimeType": "image/png"}, {"mimeType": "unknown_field"}),
    ],
)
async def test_a_file_is_announced_as_it_is(folder_room: Room, wrong: Json, fields: dict[str, str]) -> None:
    assert wrong_fields(await begin(folder_room.client, folder_room.thread, announced() | wrong)) == fields


async def test_a_file_over_the_limit_gets_no_address(bucket_room: Room) -> None:
    body = announced() | {"size": LIMIT + 1}
    assert refusal(await begin(bucket_room.client, bucket_room.thread, body)) == (413, "file_is_too_large")


async def test_a_folder_takes_none_and_says_so(folder_room: Room) -> None:
    answer = await begin(folder_room.client, folder_room.thread)
    assert refusal(answer) == (409, "direct_uploads_are_not_possible")
    uploads = await folder_room.house.database.fetchval(
        "SELECT count(*) FROM attachments.staged WHERE thread_id = $1", UUID(folder_room.thread["id"])
    )
    assert uploads == 0


async def test_who_may_not_post_may_neither_begin_nor_finish(bucket_room: Room) -> None:
    stranger = await bucket_room.house.person()
    assert refusal(await begin(stranger, bucket_room.thread)) == (404, "thread_not_found")
    answer = await begin(bucket_room.client, bucket_room.thread)
    await put(expect(answer, 201))
    assert refusal(await bucket_room.agent.post(answer.headers["location"], {})) == (404, "upload_not_found")
    expect(await bucket_room.agent.patch(path_of(bucket_room.thread), {"state": "closed"}), 200)
    assert refusal(await bucket_room.client.post(answer.headers["location"], {})) == (409, "thread_is_closed")


async def test_they_count_as_uploads(over_s3: House, bucket_room: Room) -> None:
    async with running_gateway(over_s3.servers, None, None, uploads_per_minute=2, **over_s3.store) as url:
        path = f"{url}{attachments_of(bucket_room.thread)}/presigned"
        answers = [await over_s3.http.post(path, json=announced(), headers=bucket_room.client.bearer) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert refusal(answers[-1]) == (429, "rate_limit_is_reached")


async def test_each_is_counted_once_by_what_became_of_it(bucket_room: Room) -> None:
    person, thread, house = bucket_room.client, bucket_room.thread, bucket_room.house
    before = await uploads_counted(house, "taken", "bytes_have_not_come", "file_is_too_large", "file_is_not_as_announced")
    answer = await begin(person, thread)
    assert refusal(await person.post(answer.headers["location"], {})) == (409, "bytes_have_not_come")
    await put(expect(answer, 201))
    expect(await person.post(answer.headers["location"], {}), 201)
    assert refusal(await begin(person, thread, announced() | {"size": LIMIT + 1})) == (413, "file_is_too_large")
    wrong = await begin(person, thread)
    await put(expect(wrong, 201))
    await house.database.execute("UPDATE attachments.staged SET size_bytes = 1 WHERE id = $1", UUID(wrong.json()["uploadId"]))
    assert refusal(await person.post(wrong.headers["location"], {})) == (422, "file_is_not_as_announced")
    assert await uploads_counted(house, *before) == {outcome: count + 1 for outcome, count in before.items()}


async def test_a_store_that_is_away_while_one_is_finished_is_counted(bucket_room: Room, s3: S3Server) -> None:
    person = bucket_room.client
    answer = await begin(person, bucket_room.thread)
    await put(expect(answer, 201))
    before = await uploads_counted(bucket_room.house, "store_is_away")
    await s3.stop()
    try:
        assert refusal(await person.post(answer.headers["location"], {})) == (503, "store_is_away")
    finally:
        await s3.start()
    assert await uploads_counted(bucket_room.house, "store_is_away") == {"store_is_away": before["store_is_away"] + 1}
    expect(await person.post(answer.headers["location"], {}), 201)
