"""The attachments service, with its real database, broker and stores, and stand-ins for threads and messages."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from pydantic_core import from_json

from services.attachments.consumers import follow_posts
from services.attachments.main import NOBODY_ASKED, AttachmentsApplication
from services.attachments.settings import AttachmentsSettings
from shared.contracts.attachments.attachments import LIST_ATTACHMENTS, Attachment, AttachmentPage, ListAttachments
from shared.contracts.attachments.claims import CLAIM_ATTACHMENTS, ClaimAttachments, ClaimedAttachments
from shared.contracts.attachments.uploads import BEGIN_UPLOAD, FINISH_UPLOADS, HEAD_BYTES, BeginUpload, FinishUploads, Received, Upload
from shared.contracts.messages.messages import Message
from shared.contracts.model import Event
from shared.contracts.principal import Principal, Role
from shared.credentials import background_role
from shared.database.connections import Database, as_role
from shared.identifiers import new_id
from shared.messaging import received
from shared.messaging.caller import Caller
from shared.store.opening import store_of
from shared.store.settings import StoreSettings
from shared.store.store import Store
from tests.clamav import ClamdServer
from tests.proxies import Proxy
from tests.servers import Servers
from tests.service.attachments.faults import Faulty
from tests.service.attachments.neighbours import FakeMessages
from tests.service.attachments.scanning import Scanning
from tests.service.neighbours import FakeThreads, principal
from tests.stores import S3Server

type Json = dict[str, Any]


@dataclass(frozen=True)
class Service:
    """Asks the service as the gateway and messages would, and writes into its store as the gateway does."""

    application: AttachmentsApplication
    gateway: Caller
    threads: FakeThreads
    messages: FakeMessages
    store: Store
    background: Database
    database: "asyncpg.Connection[asyncpg.Record]"

    async def begin(self, thread_id: UUID, caller: Principal, content: bytes = b"hello") -> Upload:
        """An upload whose bytes are in the store."""

        async def whole() -> AsyncIterator[bytes]:
            yield content

        upload = await self.gateway(BEGIN_UPLOAD, BeginUpload(thread_id=thread_id), caller)
        await self.store.write(upload.storage_key, whole())
        return upload

    async def finish(self, thread_id: UUID, caller: Principal, *uploads: Upload, content: bytes = b"hello") -> list[Attachment]:
        files = [
            Received(
                upload_id=upload.id,
                filename="a.txt",
                head=content[:HEAD_BYTES],
                size=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
            )
            for upload in uploads
        ]
        return (await self.gateway(FINISH_UPLOADS, FinishUploads(thread_id=thread_id, files=files), caller)).attachments

    async def upload(self, thread_id: UUID, caller: Principal, content: bytes = b"hello") -> Attachment:
        (made,) = await self.finish(thread_id, caller, await self.begin(thread_id, caller, content), content=content)
        return made

    async def claim(self, thread_id: UUID, caller: Principal, *files: Attachment) -> ClaimedAttachments:
        request = ClaimAttachments(thread_id=thread_id, attachment_ids=[file.id for file in files])
        return await self.messages.caller(CLAIM_ATTACHMENTS, request, caller)

    async def claimed(self, message: Message, caller: Principal, *files: Attachment) -> Message:
        """The message as it is posted with files that it has claimed."""
        claimed = (await self.claim(message.thread_id, caller, *files)).attachments
        return message.model_copy(update={"attachments": claimed})

    async def listed(self, thread_id: UUID, caller: Principal, **fields: object) -> AttachmentPage:
        request = ListAttachments.model_validate({"thread_id": thread_id, **fields})
        return await self.gateway(LIST_ATTACHMENTS, request, caller)

    async def hears(self, *events: Event) -> None:
        """As its consumer hands them over."""
        batch = [received.Received(new_id(), None, "", "", event) for event in events]
        async with self.background.installation() as connection:
            await follow_posts(connection, batch)

    async def posted_with(self, message: Message, caller: Principal, *files: Attachment, by: type[Event]) -> None:
        """The message is there, with files, and the service has heard of it by this event."""
        said = self.messages.there[message.id] = await self.claimed(message, caller, *files)
        await self.hears(by.model_validate({"entity_id": said.id, "version": 1, "message": said}))

    async def row(self, file: Attachment) -> asyncpg.Record:
        row = await self.database.fetchrow("SELECT * FROM attachments.attachments WHERE id = $1", file.id)
        assert row is not None
        return row

    async def scanned(self, file: Attachment, status: str = "clean") -> None:
        """As a scan ends."""
        await self.database.execute(
            "UPDATE attachments.attachments SET scan_status = $2, version = version + 1, scanned_at = now() WHERE id = $1", file.id, status
        )

    async def aged(self, table: str, identifier: UUID, column: str, by: timedelta) -> None:
        await self.database.execute(f"UPDATE attachments.{table} SET {column} = {column} - $2::interval WHERE id = $1", identifier, by)

    async def objects(self) -> set[str]:
        return {stored.key async for stored in self.store.list("files")}

    async def said(self, key: UUID) -> list[tuple[str, Json]]:
        """What the service said with this key, in order: names and contents."""
        rows = await self.database.fetch("SELECT subject, data FROM attachments.outbox WHERE subject LIKE $1 ORDER BY id", f"%.{key}")
        return [(row["subject"].split(".")[2], from_json(row["data"])) for row in rows]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def s3(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[S3Server]:
    server = S3Server(tmp_path_factory.mktemp("s3"))
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def proxy(s3: S3Server) -> AsyncIterator[Proxy]:
    """Before the S3 server, for whom a test sends that way."""
    running = Proxy(s3.endpoint)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture(scope="module")
def where(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The settings of the store: a folder, where a test does not want both."""
    if getattr(request, "param", "folder") == "folder":
        return {"store": f"file://{tmp_path_factory.mktemp('files')}"}
    server: S3Server = request.getfixturevalue("s3")
    return server.settings(f"b{new_id().hex}")


@pytest.fixture(scope="module")
def differing() -> dict[str, str]:
    """Settings of the service that are not the tests' own."""
    return {}


@pytest.fixture(scope="module")
def kept_in() -> Store | None:
    """Another store than the service's settings name."""
    return None


@pytest.fixture
def faulty(kept_in: Store | None) -> Faulty:
    """That other store, which fails when a test says so."""
    assert isinstance(kept_in, Faulty)
    kept_in.mend()
    return kept_in


@pytest_asyncio.fixture(scope="module", loop_scope="session")  # its stand-ins must not answer others' tests
async def attachments(servers: Servers, where: dict[str, str], differing: dict[str, str], kept_in: Store | None) -> AsyncIterator[Service]:
    database = await asyncpg.connect(servers.postgres_url, server_settings=NOBODY_ASKED)
    await database.execute(
        "TRUNCATE attachments.attachments, attachments.uploads, attachments.staged"
    )  # files of other modules, in other stores
    threads, messages = FakeThreads(), FakeMessages()
    await threads.start(servers)
    await messages.start(servers)
    servers_are = {"data": servers.data, "postgres_url": servers.postgres_url, "nats_url": servers.nats_url}
    application = AttachmentsApplication(AttachmentsSettings.model_validate(servers_are | where | differing), store=kept_in)
    await application.start()
    gateway = Caller("gateway")
    await gateway.open(servers.nats_url, servers.credentials.nats["gateway"])
    store = store_of(StoreSettings.model_validate(where))
    await store.open()
    role = background_role("attachments")
    url = as_role(servers.postgres_url, role, servers.credentials.postgres[role])
    background = Database(url, "attachments", connections=2, settings=NOBODY_ASKED)
    await background.open()
    yield Service(application, gateway, threads, messages, store, background, database)
    await database.close()
    await background.close()
    await gateway.close()
    await application.stop()
    await messages.stop()
    await threads.stop()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def clamav() -> AsyncIterator[ClamdServer]:
    with TemporaryDirectory(prefix="clamd-") as folder:  # short enough for a socket's path
        server = ClamdServer(Path(folder) / "a")
        await server.start()
        yield server
        await server.stop()


@pytest.fixture(scope="module")
def scanning(attachments: Service, servers: Servers, where: dict[str, str]) -> Scanning:
    return Scanning(attachments, {"data": servers.data, "postgres_url": servers.postgres_url, "nats_url": servers.nats_url} | where)


BOTH_STORES = pytest.mark.parametrize("where", ["folder", "bucket"], indirect=True, scope="module")


@pytest.fixture
def agent() -> Principal:
    return principal()


@pytest.fixture
def client(agent: Principal) -> Principal:
    return principal(Role.CLIENT, agent.workspace_id)


@pytest.fixture
def thread() -> UUID:
    return new_id()
