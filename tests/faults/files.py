"""Files of people: sent as slowly as a test wants, and the reckoning afterwards."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit
from uuid import UUID

import httpx2

from tests.faults.house import TAKEN, House, eventually
from tests.faults.keeping import two_hours_pass
from tests.faults.load import NO_ANSWER
from tests.samples import noise
from tests.system.attachments.files import BOUNDARY, FORM, Sent, attachments_of, send, swept
from tests.system.people import Json, Person, expect

PIECE = 256 * 1024
CONTENT = noise(TAKEN)
LAST = "the end"
SCANNED_WITHIN = 60
_PART = 'Content-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
ALL_IS_RIGHT = (0, "Every object has its row, and every row its object.\n")

_OF_AN_HOUR_AGO = """
    UPDATE attachments.uploads SET expires_at = least(expires_at, now() - interval '1 hour');
    UPDATE attachments.attachments SET created_at = created_at - interval '2 hours', updated_at = updated_at - interval '2 hours'"""


@dataclass
class Upload:
    """One that its client sends step by step, over a connection of its own: a file of some size, and a small one behind it."""

    house: House
    person: Person
    thread: Json
    content: bytes = CONTENT
    key: str = ""
    _reader: asyncio.StreamReader = field(init=False)
    _writer: asyncio.StreamWriter = field(init=False)

    @classmethod
    async def begun(cls, house: House, person: Person, thread: Json, content: bytes = CONTENT) -> Self:
        """Its row is there, and none of its bytes."""
        upload = cls(house, person, thread, content)
        address = urlsplit(str(house.http.base_url))
        known = await upload._keys()
        upload._reader, upload._writer = await asyncio.open_connection(address.hostname, address.port)
        length = len(upload._beginning + content + upload._middle + upload._small + upload._end)
        lines = (f"POST {attachments_of(thread)} HTTP/1.1", "Host: a", f"Authorization: {person.bearer['authorization']}")
        head = "\r\n".join([*lines, f"Content-Type: {FORM['content-type']}", f"Content-Length: {length}", "", ""])
        await upload._say(head.encode() + upload._beginning)
        async with asyncio.timeout(20):
            while not (new := await upload._keys() - known):
                await asyncio.sleep(0.02)
        (upload.key,) = new
        return upload

    async def half(self) -> None:
        """The gateway is writing it."""
        await self._say(self.content[: len(self.content) // 2])

        async def is_being_written() -> bool:
            return (await self.house.kept.on_its_way()).get(self.key, 0) > 0

        await eventually(is_being_written, "half is written")

    async def rest(self) -> None:
        """All of its bytes are safe, and the form goes on."""
        await self._say(self.content[len(self.content) // 2 :] + self._middle)

        async def is_there() -> bool:
            return await self.house.kept.store.size(self.key) == len(self.content)

        await eventually(is_there, "the object is there")

    async def last(self) -> None:
        """The second file has its row, too; what is left is the end of the form."""
        known = await self._keys()
        await self._say(self._small)

        async def is_there() -> bool:
            return bool(await self._keys() - known)

        await eventually(is_there, "the second file has its row")

    async def end(self) -> None:
        await self._say(self._end)

    async def all_that_is_left(self) -> None:
        await self._say(self._small + self._end)

    async def whatever_is_left(self, sent: int) -> None:
        """After so many bytes of its content, whether anybody takes it or not."""
        with suppress(ConnectionError):
            await self._say(self.content[sent:] + self._middle + self._small + self._end)

    async def answer(self) -> int:
        """The status; NO_ANSWER where the connection broke."""
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, OSError):
            return NO_ANSWER
        finally:
            self._writer.close()
        return int(head.split()[1])

    def vanish(self) -> None:
        self._writer.transport.abort()

    async def _say(self, said: bytes) -> None:
        self._writer.write(said)
        await self._writer.drain()

    async def _keys(self) -> set[str]:
        async with self.house.database() as admin:
            query = "SELECT storage_key FROM attachments.uploads WHERE thread_id = $1"
            return {row["storage_key"] for row in await admin.fetch(query, UUID(self.thread["id"]))}

    @property
    def _beginning(self) -> bytes:
        return f"--{BOUNDARY}\r\n{_PART}".encode()

    @property
    def _middle(self) -> bytes:
        return f"\r\n--{BOUNDARY}\r\n".encode()

    @property
    def _small(self) -> bytes:
        return f"{_PART}{LAST}".encode()

    @property
    def _end(self) -> bytes:
        return f"\r\n--{BOUNDARY}--\r\n".encode()


@asynccontextmanager
async def uploads_at_each_step(house: House, thread: Json) -> AsyncIterator[list[Upload]]:
    """One before its first byte, one in the middle, one after its last byte."""
    made = [await Upload.begun(house, house.people[0], thread) for _ in range(3)]
    for upload in made[1:]:
        await upload.half()
    await made[2].rest()
    try:
        yield made
    finally:
        for upload in made:
            upload.vanish()


async def uploaded(house: House, thread: Json, content: bytes = b"hello") -> Json:
    """A file that was taken."""
    return expect(await send(house.people[0], thread, Sent(content)), 201)


async def shown(house: House, thread: Json) -> dict[str, Json]:
    """The thread's files, by their ids."""
    page = expect(await house.people[0].get(attachments_of(thread)), 200)
    return {file["id"]: file for file in page["attachments"]}


async def sizes(house: House, thread: Json) -> list[int]:
    return sorted(file["size"] for file in (await shown(house, thread)).values())


async def becomes(house: House, file: Json, status: str) -> None:
    """Wait until its scan stands so. A clamd that was away is examined before it scans."""

    async def is_there() -> bool:
        async with house.database() as admin:
            found = await admin.fetchval("SELECT scan_status FROM attachments.attachments WHERE id = $1", UUID(file["id"]))
        return bool(found == status)

    await eventually(is_there, f"the file is {status}", SCANNED_WITHIN)


async def read(house: House, file: Json, path: str = "") -> httpx2.Response:
    return await house.people[0].get(file["url"] + path)


async def told(house: House, file: Json) -> list[str]:
    """The states that were told of a file, in order."""
    async with house.database() as admin:
        rows = await admin.fetch(
            """SELECT data::jsonb->'attachment'->>'scanStatus' AS status FROM attachments.outbox
               WHERE subject LIKE 'event.attachments.%attachment_changed.%' AND data::jsonb->'attachment'->>'id' = $1 ORDER BY id""",
            file["id"],
        )
    return [row["status"] for row in rows]


async def leases_end(house: House) -> None:
    """As if their minute were over."""
    async with house.database() as admin:
        await admin.execute("UPDATE attachments.attachments SET next_try_at = now() WHERE lease IS NOT NULL")


async def all_adds_up(house: House) -> None:
    """After the sweep no object is without its row, no row without its object, no upload is left, and nothing stays half scanned."""
    await leases_end(house)
    await _have_verdicts(house)
    async with house.database() as admin:
        await admin.execute(_OF_AN_HOUR_AGO)
    await swept(house.servers, house.kept.store)
    await two_hours_pass(house.kept)
    found = await house.atrium("attachments", "verify")
    assert found == ALL_IS_RIGHT, found
    assert await house.kept.on_its_way() == {}, "no list of a bucket's objects shows that"
    async with house.database() as admin:
        assert await admin.fetchval("SELECT count(*) FROM attachments.uploads") == 0
        missing = "SELECT count(*) FROM attachments.attachments WHERE deleted_at IS NOT NULL AND purged_at IS NULL"
        assert await admin.fetchval(missing) == 0


async def _have_verdicts(house: House) -> None:
    async def waiting() -> list[str]:
        """What is without a verdict, and why."""
        async with house.database() as admin:
            rows = await admin.fetch(
                """SELECT scan_status, scan_result, attempts, size_bytes, next_try_at - now() AS due FROM attachments.attachments
                   WHERE scan_status IN ('pending', 'scanning') AND deleted_at IS NULL"""
            )
        return [str(row) for row in rows]

    async def nothing_waits() -> bool:
        return not await waiting()

    try:
        await eventually(nothing_waits, "every file has its verdict", SCANNED_WITHIN)
    except AssertionError as error:
        error.add_note("\n".join(await waiting()))
        raise
