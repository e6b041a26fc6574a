"""Files, as people send and get them."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

import httpx2

from services.attachments.repository.rows import COLUMNS, said_of, stored_of
from services.attachments.repository.staged import STAGING
from services.attachments.repository.sweeping import Sweeping
from services.attachments.sweep import Sweep, preview_key
from shared.contracts.attachments.attachments import Change
from shared.contracts.principal import Role
from shared.credentials import background_role
from shared.database.connections import Database, as_role
from shared.database.history import SYSTEM_ACTOR
from shared.identifiers import new_id
from shared.store.opening import store_of
from shared.store.settings import StoreSettings
from shared.store.store import Store, new_key
from tests.servers import Servers
from tests.system.house import House
from tests.system.people import Json, Person, expect, path_of, taking_part

QUARANTINE_DAYS = 30
BOUNDARY = "a-boundary-of-the-tests"


class Sent(NamedTuple):
    """A file that somebody sends. `disposition`: its header, where that is not the usual one."""

    content: bytes = b"hello"
    filename: str = "note.txt"
    mime_type: str = "text/plain"
    field: str = "file"
    disposition: bytes | None = None


def form(*files: Sent) -> bytes:
    """multipart/form-data, byte by byte as it is given."""
    parts = []
    for file in files:
        usual = f'form-data; name="{file.field}"; filename="{file.filename}"'.encode()
        head = b"Content-Disposition: %b\r\nContent-Type: %b" % (file.disposition or usual, file.mime_type.encode())
        parts.append(b"--%b\r\n%b\r\n\r\n%b\r\n" % (BOUNDARY.encode(), head, file.content))
    return b"".join([*parts, b"--%b--\r\n" % BOUNDARY.encode()])


FORM = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}


def attachments_of(thread: Json) -> str:
    return f"{path_of(thread)}/attachments"


def voice_of(thread: Json) -> str:
    return f"{path_of(thread)}/voice"


async def send(person: Person, thread: Json, *files: Sent, content: bytes | None = None, **headers: str) -> httpx2.Response:
    return await _send(person, attachments_of(thread), form(*files) if content is None else content, headers)


async def speak(person: Person, thread: Json, *files: Sent, **headers: str) -> httpx2.Response:
    return await _send(person, voice_of(thread), form(*files), headers)


async def _send(person: Person, path: str, body: bytes, headers: dict[str, str]) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await person.http.post(path, content=body, headers={**person.bearer, **FORM, **named})


async def upload(person: Person, thread: Json, *files: Sent) -> Json:
    """What was answered to an upload that went well."""
    return expect(await send(person, thread, *(files or (Sent(),))), 201)


@dataclass(frozen=True)
class Room:
    """A thread of an agent and a client, in a house."""

    house: House
    agent: Person
    client: Person
    thread: Json

    async def upload(self, *files: Sent, by: Person | None = None) -> Json:
        return await upload(by or self.client, self.thread, *files)

    async def clean(self, *files: Sent, by: Person | None = None) -> Json:
        """One file that was scanned and found clean."""
        made = await self.upload(*files, by=by)
        await scanned(self.house, made)
        return made

    async def listed(self, person: Person, **query: object) -> list[Json]:
        found: list[Json] = expect(await person.get(attachments_of(self.thread), **query), 200)["attachments"]
        return found

    def store(self) -> Store:
        return store_in(self.house)

    async def kept(self) -> tuple[int, int]:
        """How many rows there are of this thread's files and uploads, and how many objects that are no other thread's."""
        others = set(await self._keys("<>"))
        store = self.store()
        await store.open()
        objects = {stored.key async for stored in store.list("files")}
        own = await self._keys("=")
        return len(own), len(objects - others - set(await self._keys("<>")))

    async def _keys(self, which: Literal["=", "<>"]) -> list[str]:
        """Of the objects that this thread's rows name, or others'."""
        rows = await self.house.database.fetch(
            f"""SELECT storage_key FROM attachments.attachments WHERE thread_id {which} $1
                UNION ALL SELECT storage_key FROM attachments.uploads WHERE thread_id {which} $1""",
            UUID(self.thread["id"]),
        )
        return [row["storage_key"] for row in rows]


def store_in(house: House) -> Store:
    """The house's, as its services see it."""
    return store_of(StoreSettings.model_validate({"data": house.servers.data, **house.store}))


async def room_in(house: House) -> Room:
    agent, client = await house.person(Role.AGENT), await house.person()
    return Room(house, agent, client, await agent.open(participants=taking_part(client)))


async def scanned(house: House, attachment: Json, status: str = "clean") -> None:
    """As if a scan had ended so."""
    await house.database.execute(
        "UPDATE attachments.attachments SET scan_status = $2, version = version + 1, scanned_at = now() WHERE id = $1",
        UUID(attachment["id"]),
        status,
    )


async def scan_ends(house: House, attachment: Json, status: str = "clean") -> None:
    """A scan ends so, and that is said."""
    async with house.database.transaction():
        await scanned(house, attachment, status)
        row = await house.database.fetchrow(f"SELECT {COLUMNS} FROM attachments.attachments WHERE id = $1", UUID(attachment["id"]))
        assert row is not None
        said = said_of(stored_of(row), Change.SCANNED)
        await house.database.execute(
            "INSERT INTO attachments.outbox (event_id, workspace_id, subject, data, trace) VALUES ($1, $2, $3, $4, $5)",
            *(said.event_id, said.workspace_id, said.subject, said.data, said.trace),
        )


async def once(room: Room, reader: Person, attachment: Json, is_so: Callable[[Json], bool]) -> Json:
    """The file as the list shows it, once it is so."""
    async with asyncio.timeout(30):
        while not (found := [one for one in await room.listed(reader) if one["id"] == attachment["id"] and is_so(one)]):
            await asyncio.sleep(0.05)
    return found[0]


async def heard(house: House, attachment: Json) -> None:
    """Attachments has heard that a file is in its message."""
    async with asyncio.timeout(20):
        while not await house.database.fetchval(
            "SELECT posted_at IS NOT NULL FROM attachments.attachments WHERE id = $1", UUID(attachment["id"])
        ):
            await asyncio.sleep(0.05)


async def with_a_preview(house: House, attachment: Json, content: bytes = b"RIFF____WEBP") -> None:
    """As if one had been made. A worker that has the file meanwhile has lost it, as it would to a quicker one."""
    identifier, store = UUID(attachment["id"]), store_in(house)
    await store.open()
    await store.write(preview_key(identifier, 320), _pieces(content))
    await house.database.execute(
        """UPDATE attachments.attachments SET preview_widths = '{320}', unreadable = NULL, previewed_at = now(), lease = NULL
           WHERE id = $1""",
        identifier,
    )


async def staged(house: House, owner: Person, thread_id: str, expires_in: timedelta, content: bytes = b"hello") -> str:
    """As if somebody had announced a file, and put it into the store."""
    identifier, key, store = new_id(), new_key(STAGING), store_in(house)
    await store.open()
    await store.write(key, _pieces(content))
    await house.database.execute(
        """INSERT INTO attachments.staged (id, workspace_id, thread_id, owner_id, storage_key, filename, size_bytes, sha256, put_until,
                expires_at, sweep_at)
           VALUES ($1, $2, $3, $4, $5, 'a.txt', $6, $7, now() + $8, now() + $8, now() + interval '1 day')""",
        *(identifier, UUID(owner.user["workspaceId"]), UUID(thread_id), UUID(owner.id), key, len(content)),
        *(hashlib.sha256(content).digest(), expires_in),
    )
    return str(identifier)


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def put_into_a_message(house: House, attachment: Json, message: Json) -> None:
    """As if the message had been posted with it."""
    await house.database.execute(
        """UPDATE attachments.attachments SET message_id = $2, claimed_at = now(), claimed_version = version, posted_at = $3::timestamptz
           WHERE id = $1""",
        UUID(attachment["id"]),
        UUID(message["id"]),
        datetime.fromisoformat(message["createdAt"]),
    )


async def uploads_counted(house: House, *outcomes: str) -> dict[str, float]:
    """How many requests with files came to each of these."""
    shown = (await house.http.get("/metrics")).text
    counts = dict(re.findall(r'^attachment_uploads_total{[^}]*outcome="(\w+)"} (\S+)$', shown, re.MULTILINE))
    return {outcome: float(counts.get(outcome, 0)) for outcome in outcomes}


async def swept(servers: Servers, store: Store) -> None:
    """What is due to be deleted from the store is."""
    role = background_role("attachments")
    url = as_role(servers.postgres_url, role, servers.credentials.postgres[role])
    database = Database(url, "attachments", connections=1, settings={"app.actor": SYSTEM_ACTOR})
    await store.open()
    await database.open()
    try:
        await Sweep(Sweeping(database), store, QUARANTINE_DAYS).once()
    finally:
        await database.close()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def unheard_of() -> str:
    return f"/api/collab/attachments/{new_id()}"
