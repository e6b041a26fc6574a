"""The Redis channels of spec 4: what happens in projects, once and in order, where they are on."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from nats.aio.client import Client
from pydantic_core import from_json, to_json
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.gateway.realtime.transient.channels import _KEYS
from shared.contracts.messages.hidden import GuardedMessagePosted
from shared.contracts.messages.messages import MessageDeleted, MessageEdited, MessagePosted, NotePosted
from shared.contracts.model import Event
from shared.contracts.projects.columns import ColumnChanged
from shared.contracts.projects.files import FileChanged
from shared.contracts.projects.pages import PageChanged
from shared.contracts.projects.projects import ProjectChanged
from shared.contracts.projects.tasks import TaskChanged
from shared.identifiers import new_id
from shared.messaging.connection import close, connect
from tests.servers import Servers
from tests.service.transient.conftest import Around, Gateway, Makes
from tests.service.transient.neighbours import eventually

WORKSPACE = new_id()


@dataclass
class Stream:
    """Says what services say; `heard` is what came on Redis channels, each with its channel."""

    clients: dict[str, Client]
    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def say(self, event: type[Event], key: UUID, **payload: Any) -> None:
        headers = {"ce-type": event.event_type, "ce-time": datetime.now(UTC).isoformat(), "ce-id": str(new_id())}
        client = self.clients[event.owner]
        await client.jetstream().publish(event.subject(WORKSPACE, key), to_json(payload), headers=headers)

    def on(self, channel: str) -> list[dict[str, Any]]:
        return [said for heard, said in self.heard if heard == channel]


@pytest_asyncio.fixture(loop_scope="session")
async def stream(servers: Servers) -> AsyncIterator[Stream]:
    names = ("projects", "messages")
    clients = {name: await connect(servers.nats_url, name, servers.credentials.nats[name], name="tests") for name in names}
    valkey = Redis.from_url(servers.redis_url)
    await valkey.delete(*_KEYS)
    made = Stream(clients)
    listening = asyncio.create_task(listen(valkey, made))
    yield made
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await valkey.aclose()
    for client in clients.values():
        await close(client)


async def listen(valkey: Redis, stream: Stream) -> None:
    """As a gateway of other make, which comes back as well."""
    while True:
        try:
            async with valkey.pubsub() as channels:
                await channels.psubscribe("ws:*")
                async for message in channels.listen():
                    if message["type"] == "pmessage":
                        stream.heard.append((message["channel"].decode(), from_json(message["data"])))
        except (RedisError, OSError):
            await asyncio.sleep(0.05)


async def mirrors(valkey_url: str) -> None:
    """Until somebody does."""
    valkey = Redis.from_url(valkey_url)
    async with asyncio.timeout(10):
        while await valkey.get(_KEYS[1]) is None:
            await asyncio.sleep(0.05)
    await valkey.aclose()


async def test_each_event_is_on_the_channel_that_it_belongs_to(make: Makes, stream: Stream, around: Around, servers: Servers) -> None:
    await make(redis_channels=True)
    await make(redis_channels=True)
    await mirrors(servers.redis_url)
    project, chat, thread, file, page = (new_id() for _ in range(5))
    around.threads.projects[chat] = project
    for event in (MessagePosted, NotePosted, GuardedMessagePosted, MessageEdited, MessageDeleted):
        for key in (chat, thread):
            await stream.say(event, key, message={"threadId": key})
    for changed in (TaskChanged, ColumnChanged, ProjectChanged):
        await stream.say(changed, project, projectId=project)
    await stream.say(FileChanged, project, file={"id": file, "path": "a.ts"})
    await stream.say(PageChanged, project, page={"id": page})
    await eventually(lambda: bool(stream.on(f"ws:page:{page}:edits")))
    assert [said["type"] for said in stream.on(f"ws:project:{project}:chat")] == ["messagePosted", "messageEdited", "messageDeleted"]
    assert [said["type"] for said in stream.on(f"ws:project:{project}:tasks")] == ["taskChanged", "columnChanged"]
    assert stream.on(f"ws:file:{file}:edits") == [{"type": "fileChanged", "data": {"file": {"id": str(file), "path": "a.ts"}}}]
    assert len(stream.heard) == 7, "nothing else, and nothing twice"


async def test_they_are_off_where_nobody_wants_them(gateway: Gateway, stream: Stream, servers: Servers) -> None:
    await stream.say(TaskChanged, new_id())
    await asyncio.sleep(1)
    assert stream.heard == []
    valkey = Redis.from_url(servers.redis_url)
    assert await valkey.exists(*_KEYS) == 0
    await valkey.aclose()


@pytest.mark.parametrize("fault", ["killed", "stopped"])
async def test_another_gateway_goes_on_where_one_has_ended(fault: str, make: Makes, stream: Stream, servers: Servers) -> None:
    project = new_id()
    first = await make(redis_channels=True)
    await mirrors(servers.redis_url)
    await make(redis_channels=True)
    for number in range(50):
        await stream.say(TaskChanged, project, number=number)
    await eventually(lambda: bool(stream.heard))
    channels = first.transient._channels
    assert channels is not None
    if fault == "stopped":
        await channels.stop()
    else:
        assert channels._mirroring is not None
        channels._mirroring.cancel()  # its lease stays
    for number in range(50, 100):
        await stream.say(TaskChanged, project, number=number)
    await eventually(lambda: len(stream.heard) >= 100)
    assert [said["data"]["number"] for _, said in stream.heard] == list(range(100))


@pytest.mark.parametrize("fault", ["frozen", "emptied"])
async def test_what_happens_while_valkey_is_away_comes_when_it_is_back(fault: str, make: Makes, stream: Stream, servers: Servers) -> None:
    project = new_id()
    await make(redis_channels=True)
    await mirrors(servers.redis_url)
    await stream.say(TaskChanged, project, number=0)
    await eventually(lambda: len(stream.heard) == 1)
    if fault == "frozen":
        servers.valkey.freeze()
    else:
        await emptied(servers)
    try:
        for number in range(1, 30):
            await stream.say(TaskChanged, project, number=number)
        await asyncio.sleep(0.5)
    finally:
        servers.valkey.thaw()
    await eventually(lambda: len(stream.heard) >= 30)
    assert [said["data"]["number"] for _, said in stream.heard] == list(range(30))


async def emptied(servers: Servers) -> None:
    valkey = Redis.from_url(servers.redis_url)
    await valkey.flushall()
    await valkey.aclose()
