"""What docker-compose.yml starts, here without Docker: the servers as deploy/ sets them up, and for each container a process with that
container's variables and no others, no data folder and nothing that is not in its environment."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx2
import pytest
import pytest_asyncio
from clamd import EICAR

from shared.credentials import SERVICES
from shared.embedded import Postgres, Program, Valkey, socket_folder
from shared.embedded.account import postgres_account
from shared.embedded.neo4j import Neo4jServer
from shared.embedded.postgres import binaries
from tests.deployed import CONTAINERS, ROOT, DeployedClamd, DeployedNats, SeaweedServer
from tests.processes import free_port
from tests.servers import QUICK, data_folder

pytestmark = pytest.mark.timeout(300)  # all servers are started for the first of them


class Container(Program):
    """A container's command, with its variables."""

    def __init__(self, name: str, folder: Path, environment: dict[str, str]) -> None:
        self.name, self.log, self._environment = name, folder / f"{name}.log", environment

    @property
    def folder(self) -> Path:
        return ROOT

    def command(self) -> list[str]:
        return [sys.executable, "-m", "atrium", *CONTAINERS[self.name]["command"]]

    def environment(self) -> dict[str, str]:
        return self._environment


@dataclass
class Deployment:
    """The servers, the passwords of deploy/.env, and the containers that run."""

    folder: Path
    secrets: dict[str, str]
    postgres: Postgres
    valkey: Valkey
    seaweed: SeaweedServer
    clamd: DeployedClamd
    neo4j: Neo4jServer
    port: int
    nats_port: int = 0

    def variables(self, container: str) -> dict[str, str]:
        """As Compose and the image would set them, but for the servers' addresses."""
        given = {name: value for name, value in CONTAINERS[container].get("environment", {}).items() if value is not None}
        filled = {name: re.sub(r"\$\{(\w+):[?-][^}]*\}", lambda found: self.secrets[found[1]], value) for name, value in given.items()}
        placed = {name: self._placed(value) for name, value in filled.items()}
        image = {"ATRIUM_HOST": "127.0.0.1", "ATRIUM_PORT": str(self.port), "ATRIUM_METRICS_PORT": "0", "ATRIUM_DATA": str(self.data)}
        return {"PATH": os.defpath, **image, **placed}

    def _placed(self, value: str) -> str:
        value = re.sub(r"redis://.*@valkey:6379", self.valkey.url, value)
        value = value.replace("nats:4222", f"127.0.0.1:{self.nats_port}")
        value = value.replace("http://seaweedfs:8333", self.seaweed.endpoint).replace("tcp://clamav:3310", self.clamd.url)
        value = value.replace("bolt://neo4j:7687", self.neo4j.url)
        return value.replace("postgres:5432/atrium", f"/atrium?host={self.postgres.sockets}&port=5432")

    @property
    def data(self) -> Path:
        """Containers have none."""
        return self.folder / "no-data"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, container: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "atrium", *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.variables(container), capture_output=True, text=True, timeout=60, check=False)


def passwords(folder: Path) -> dict[str, str]:
    """deploy/.env, as deploy/make-env.sh makes it."""
    for name in ("env.example", "make-env.sh"):
        shutil.copy(ROOT / "deploy" / name, folder)
    subprocess.run(["sh", str(folder / "make-env.sh")], check=True, capture_output=True)
    return dict(line.split("=", 1) for line in (folder / ".env").read_text().splitlines())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def servers_of_deploy(neo4j_server: Neo4jServer) -> AsyncIterator[Deployment]:
    """The servers alone. Neo4j has its password already."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(data_folder())
        secrets = passwords(folder) | {"NEO4J_PASSWORD": neo4j_server.password}
        sockets = socket_folder(folder, postgres_account())
        stack.callback(shutil.rmtree, sockets, ignore_errors=True)
        postgres = Postgres(folder, sockets, secrets["POSTGRES_PASSWORD"], QUICK)
        seaweed = SeaweedServer(folder, secrets["ATRIUM_S3_ACCESS_KEY"], secrets["ATRIUM_S3_SECRET_KEY"])
        clamd = DeployedClamd(folder)
        deployment = Deployment(folder, secrets, postgres, Valkey(folder, sockets), seaweed, clamd, neo4j_server, free_port())
        nats = DeployedNats(folder, deployment.variables("nats"))
        deployment.nats_port = nats.port
        for each in (postgres, nats, deployment.valkey, seaweed, clamd):
            stack.push_async_callback(each.stop)
            await each.start()
        psql = [str(binaries(postgres.account) / "psql"), "--no-psqlrc", "--quiet", "--dbname", postgres.admin_url]
        roles = ROOT / "deploy/postgres/roles.sql"
        subprocess.run([*psql, "--file", str(roles)], env=deployment.variables("postgres"), check=True)
        yield deployment


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def deployment(servers_of_deploy: Deployment) -> AsyncIterator[Deployment]:
    """All of it, ready."""
    migrated = servers_of_deploy.run("migrate", *CONTAINERS["migrate"]["command"])
    assert migrated.returncode == 0, migrated.stderr
    async with AsyncExitStack() as stack:
        for service in SERVICES:
            container = Container(service, servers_of_deploy.folder, servers_of_deploy.variables(service))
            stack.push_async_callback(container.stop)
            container.spawn()
        await ready(servers_of_deploy)
        yield servers_of_deploy


async def ready(deployment: Deployment) -> None:
    async with httpx2.AsyncClient(base_url=deployment.url) as client:
        async with asyncio.timeout(90):
            while True:
                try:
                    answer = await client.get("/readyz")
                    if answer.status_code == 200 and all(each["ok"] for each in answer.json()["dependencies"].values()):
                        return  # which needs neither clamd nor Neo4j to be ready, as files and mirrors alone wait for them
                except httpx2.HTTPError:
                    pass
                await asyncio.sleep(0.2)


@pytest_asyncio.fixture(loop_scope="session")
async def client(deployment: Deployment) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=deployment.url, timeout=10) as client:
        yield client


async def test_people_talk(client: httpx2.AsyncClient) -> None:
    body = {"email": "ada@example.com", "password": "correct horse", "name": "Ada"}
    registered = await client.post("/api/auth/register", json=body)
    assert registered.status_code == 201, registered.text
    bearer = {"Authorization": f"Bearer {registered.json()['accessToken']}"}
    opened = await client.post("/api/collab/threads", json={"bookingId": "B-1", "title": "Weekend in Porto"}, headers=bearer)
    assert opened.status_code == 201, opened.text
    messages = f"/api/collab/threads/{opened.json()['id']}/messages"
    posted = await client.post(messages, json={"content": "Is breakfast included?"}, headers=bearer)
    assert posted.status_code == 201, posted.text
    page = (await client.get(messages, headers=bearer)).json()
    assert [message["content"] for message in page["messages"]] == ["Is breakfast included?"]


async def test_people_share_files(client: httpx2.AsyncClient) -> None:
    signed_in = await client.post("/api/auth/login", json={"email": "ada@example.com", "password": "correct horse"})
    bearer = {"Authorization": f"Bearer {signed_in.json()['accessToken']}"}
    threads = (await client.get("/api/collab/threads", headers=bearer)).json()["threads"]
    path = f"/api/collab/threads/{threads[0]['id']}/attachments"
    for content, status, answer in ((b"A map of Porto", "clean", 200), (EICAR, "infected", 409)):
        sent = await client.post(path, files={"file": ("a.txt", content)}, headers=bearer)
        assert sent.status_code == 201, sent.text
        async with asyncio.timeout(30):
            while (found := await state(client, path, sent.json()["id"], bearer)) in ("pending", "scanning"):
                await asyncio.sleep(0.1)
        assert found == status
        assert (await client.get(sent.json()["url"], headers=bearer)).status_code == answer


async def state(client: httpx2.AsyncClient, path: str, identifier: str, bearer: dict[str, str]) -> str:
    listed = (await client.get(path, headers=bearer)).json()["attachments"]
    (found,) = (str(one["scanStatus"]) for one in listed if one["id"] == identifier)
    return found


async def test_the_operators_container_compares_the_store_with_the_database(deployment: Deployment) -> None:
    said = deployment.run("atrium", "attachments", "verify")
    assert (said.returncode, said.stdout) == (0, "Every object has its row, and every row its object.\n"), said.stderr


async def test_the_operators_container_finds_everything_well(deployment: Deployment) -> None:
    said = deployment.run("atrium", "doctor")
    assert said.returncode == 0, said.stdout + said.stderr


async def test_the_operators_container_lists_who_there_is(deployment: Deployment) -> None:
    said = deployment.run("atrium", "users", "list", "--json")
    assert (said.returncode, "ada@example.com" in said.stdout) == (0, True), said.stderr


async def test_the_operators_container_makes_the_stream_anew(deployment: Deployment, client: httpx2.AsyncClient) -> None:
    said = deployment.run("atrium", "replay", "--yes")
    assert (said.returncode, said.stdout.startswith("The stream is new")) == (0, True), said.stderr
    assert deployment.run("atrium", "parked", "list").stdout == "No event is parked.\n"
    assert (await client.get("/readyz")).json()["ready"] is True


async def test_every_event_reaches_the_stream(deployment: Deployment) -> None:
    admin = await asyncpg.connect(deployment.postgres.admin_url)
    try:
        async with asyncio.timeout(30):
            while await admin.fetchval("SELECT count(*) FROM messages.outbox WHERE published_at IS NULL"):
                await asyncio.sleep(0.1)
        assert await admin.fetchval("SELECT count(*) FROM messages.outbox") == 1
    finally:
        await admin.close()


async def test_the_gateway_shows_the_metrics_of_every_container(client: httpx2.AsyncClient) -> None:
    shown = (await client.get("/metrics")).text
    assert set(re.findall(r'process="(\w+)"', shown)) == set(SERVICES)


async def test_a_second_migration_is_a_step_of_every_upgrade(deployment: Deployment) -> None:
    again = deployment.run("migrate", *CONTAINERS["migrate"]["command"])
    assert (again.returncode, again.stdout) == (0, "All schemas are up to date.\nThe stream of events is up to date.\n"), again.stderr


async def test_no_container_needs_a_folder_of_its_own(deployment: Deployment) -> None:
    assert not deployment.data.exists()


async def test_a_service_that_nats_does_not_know_says_so_and_ends(deployment: Deployment) -> None:
    wrong = {**deployment.variables("messages"), "ATRIUM_NATS_PASSWORD": "wrong"}
    command = [sys.executable, "-m", "atrium", *CONTAINERS["messages"]["command"]]
    said = subprocess.run(command, cwd=ROOT, env=wrong, capture_output=True, text=True, timeout=60, check=False)
    assert (said.returncode, said.stderr.splitlines()) == (1, ["atrium: messages: NATS does not let it in at ATRIUM_NATS_URL: no answer"])
