"""Uploads over tus, as its clients speak it."""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import AsyncIterable
from uuid import UUID

import httpx2

from services.attachments.repository.sweeping import Sweeping
from services.attachments.sweep import Sweep
from shared.credentials import background_role
from shared.database.connections import Database, as_role
from tests.samples import noise
from tests.system.abuse.test_connections import connected
from tests.system.attachments.files import Room, store_in
from tests.system.house import House
from tests.system.people import Json, Person, expect

UPLOADS = "/api/collab/uploads"
TUS = {"tus-resumable": "1.0.0"}
OFFSET_STREAM = {"content-type": "application/offset+octet-stream"}


def metadata(**values: str) -> str:
    return ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in values.items())


def creating(thread_id: str, size: int = 5, filename: str = "note.txt") -> dict[str, str]:
    """The headers by which an upload is begun."""
    return TUS | {"upload-length": str(size), "upload-metadata": metadata(threadId=thread_id, filename=filename)}


def asking(method: str, thread_id: str = "") -> dict[str, str]:
    """The headers of a request that goes well."""
    if method == "POST":
        return creating(thread_id)
    return TUS | OFFSET_STREAM | {"upload-offset": "0"} if method == "PATCH" else TUS


async def create(person: Person, thread: Json, size: int = 5, *, filename: str = "note.txt", url: str = "", **headers: str) -> str:
    """The path of an upload that has begun."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await person.http.post(url + UPLOADS, headers={**person.bearer, **creating(thread["id"], size, filename), **named})
    expect(answer, 201)
    location: str = answer.headers["location"]
    return location


async def patch(
    person: Person,
    path: str,
    offset: int,
    content: bytes | AsyncIterable[bytes] = b"",
    *,
    url: str = "",
    timeout: float = 20,
    **headers: str,
) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {**person.bearer, **TUS, **OFFSET_STREAM, "upload-offset": str(offset), **named}
    return await person.http.patch(url + path, content=content, headers=sent, timeout=timeout)


async def head(person: Person, path: str) -> httpx2.Response:
    return await person.http.head(path, headers={**person.bearer, **TUS})


async def offset_of(person: Person, path: str) -> int:
    answer = await head(person, path)
    assert answer.status_code == 200
    return int(answer.headers["upload-offset"])


async def end(person: Person, path: str) -> httpx2.Response:
    return await person.http.delete(path, headers={**person.bearer, **TUS})


def id_of(path: str) -> UUID:
    return UUID(path.rpartition("/")[2])


async def finished(person: Person, path: str, content: bytes, *, begin: int = 0) -> Json:
    """What became of an upload whose rest was sent."""
    answer = await patch(person, path, begin, content[begin:])
    assert (answer.status_code, answer.headers.get("upload-offset")) == (204, str(len(content))), answer.text
    assert answer.headers["content-location"] == f"/api/collab/attachments/{id_of(path)}"
    listed = expect(await person.get(f"/api/collab/threads/{await thread_of(person, path)}/attachments"), 200)["attachments"]
    (made,) = [one for one in listed if one["id"] == str(id_of(path))]
    found: Json = made
    return found


async def thread_of(person: Person, path: str) -> str:
    """As the upload's metadata says it."""
    said = (await head(person, path)).headers["upload-metadata"]
    values = dict(pair.split(" ") for pair in said.split(","))
    return b64decode(values["threadId"]).decode()


async def bytes_of(room: Room, made: Json) -> bytes:
    """What is in the store under an attachment's key."""
    key = await room.house.database.fetchval("SELECT storage_key FROM attachments.attachments WHERE id = $1", UUID(made["id"]))
    store = store_in(room.house)
    await store.open()
    return b"".join([chunk async for chunk in store.read(key)])


async def due_now(house: House, path: str) -> None:
    """As if a day had gone by."""
    for table, column in (("resumable_uploads", "id"), ("uploads", "resumable_id")):
        await house.database.execute(
            f"UPDATE attachments.{table} SET expires_at = expires_at - interval '25 hours 2 minutes' WHERE {column} = $1", id_of(path)
        )


def content_of(mebibytes: float) -> bytes:
    return noise(int(mebibytes * 1024 * 1024))


async def swept(house: House) -> None:
    """All that is due is deleted."""
    role = background_role("attachments")
    background = Database(as_role(house.servers.postgres_url, role, house.servers.credentials.postgres[role]), "attachments", connections=1)
    await background.open()
    store = store_in(house)
    await store.open()
    await Sweep(Sweeping(background), store, quarantine_days=30).once()
    await background.close()


async def reached(room: Room, path: str, least: int) -> int:
    """The offset, once it is that far."""
    async with asyncio.timeout(20):
        while (offset := await offset_of(room.client, path)) < least:
            await asyncio.sleep(0.02)
    return offset


def raw(room: Room, path: str, offset: int, *lines: str) -> bytes:
    """The head of a PATCH, as a client of its own sends it."""
    usual = {"host": "a", **room.client.bearer, **TUS, **OFFSET_STREAM, "upload-offset": str(offset)}
    said = [f"{name}: {value}" for name, value in usual.items()]
    return "\r\n".join([f"PATCH {path} HTTP/1.1", *said, *lines, "", ""]).encode()


async def broken(room: Room, path: str, offset: int, length: int, content: bytes, *lines: str) -> None:
    """Send a part of what was announced, and vanish."""
    _, writer = await connected(room.house)
    writer.write(raw(room, path, offset, f"Content-Length: {length}", *lines) + content)
    await writer.drain()
    writer.close()


async def resumed(person: Person, path: str, content: bytes) -> None:
    """What a client does whose connection broke: it asks how far the upload is, and goes on, until it may."""
    async with asyncio.timeout(20):
        while (answer := await patch(person, path, offset := await offset_of(person, path), content[offset:])).status_code == 409:
            pass
    assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(len(content)))


async def kept(room: Room) -> tuple[int, int]:
    """The rows of this thread's files and uploads, and the objects of all, without what is due for deletion."""
    await swept(room.house)
    return await room.kept()


async def leaves(room: Room, rows_and_objects: tuple[int, int]) -> None:
    """So much is left, once all that is under way has noticed and the sweep was there."""
    await swept(room.house)
    async with asyncio.timeout(10):
        while await room.kept() != rows_and_objects:
            await asyncio.sleep(0.05)
