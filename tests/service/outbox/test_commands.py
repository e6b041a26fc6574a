"""The operator's commands for events: replay, events tail, parked."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from uuid import uuid4

from shared.identifiers import new_id
from tests import forks
from tests.servers import Servers
from tests.service.outbox.stage import Stage


def environment(stage: Stage, servers: Servers) -> dict[str, str]:
    return {
        **os.environ,
        "ATRIUM_DATA": str(servers.data),
        "ATRIUM_POSTGRES_URL": stage.postgres_url,
        "ATRIUM_NATS_URL": stage.nats.url,
        "ATRIUM_REDIS_URL": servers.redis_url,
    }


async def start(stage: Stage, servers: Servers, *arguments: str) -> Process:
    command = [sys.executable, "-m", "atrium", *arguments]
    return await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, env=environment(stage, servers))


async def atrium(stage: Stage, servers: Servers, *arguments: str) -> tuple[int | None, str]:
    code, output, errors = await asyncio.wait_for(forks.run(arguments, environment(stage, servers)), 60)
    return code, (output or errors).decode()


async def test_tail_shows_events_from_a_cursor_and_those_that_come(stage: Stage, servers: Servers) -> None:
    thread = uuid4()
    async with stage.relaying():
        await stage.say(1, key=thread)
        await stage.say(2)
        await stage.say(3, key=thread)
        await stage.published()
        process = await start(stage, servers, "events", "tail", "--thread", str(thread), "--from", "1", "--json")
        assert process.stdout is not None
        seen = [json.loads(await asyncio.wait_for(process.stdout.readline(), 60)) for _ in range(2)]
        await stage.say(4, key=thread)
        seen.append(json.loads(await asyncio.wait_for(process.stdout.readline(), 60)))
    process.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(process.wait(), 60) == 0
    assert [(one["cursor"], one["type"], one["data"]["number"]) for one in seen] == [
        (1, "messages.said.v1", 1),
        (3, "messages.said.v1", 3),
        (4, "messages.said.v1", 4),
    ]


async def test_replay_says_how_many_events_the_new_stream_holds(stage: Stage, servers: Servers) -> None:
    async with stage.relaying():
        await stage.say(1, 2, 3)
        await stage.published()
        assert await atrium(stage, servers, "replay", "--yes") == (0, "The stream is new, and holds 3 events.\n")
    assert [seq for seq, _, _ in await stage.stream()] == [5, 6, 7]  # 4 would pass for the next one of the stream before


async def test_parked_events_are_listed_shown_and_dropped(stage: Stage, servers: Servers) -> None:
    identifier, event_id = str(new_id()), new_id()
    async with stage.admin("threads") as connection:
        await connection.execute(
            """INSERT INTO parked (id, consumer, event_id, subject, data, headers, error, tries)
               VALUES ($1, 'threads-activity', $2, 'event.messages.message_posted.v1.w.k', '{}', '{"ce-id": "1"}', 'ValueError: no', 8)""",
            identifier,
            event_id,
        )
        code, listed = await atrium(stage, servers, "parked", "list", "--json")
        ((row),) = json.loads(listed)
        assert (code, row["id"], row["service"], row["error"], row["tries"]) == (0, identifier, "threads", "ValueError: no", 8)
        assert json.loads((await atrium(stage, servers, "parked", "show", identifier, "--json"))[1]) == row
        code, said = await atrium(stage, servers, "parked", "retry", identifier, "--json")
        assert (code, json.loads(said)["taken"]) == (1, False)
        assert (await atrium(stage, servers, "parked", "drop", identifier, "--yes"))[0] == 0
        assert await connection.fetchval("SELECT count(*) FROM parked") == 0
        assert await connection.fetchval("SELECT event_id FROM inbox") == event_id
    code, said = await atrium(stage, servers, "parked", "show", identifier)
    assert (code, said) == (1, f"atrium: No event is parked with the id {identifier}: see `atrium parked list`.\n")
