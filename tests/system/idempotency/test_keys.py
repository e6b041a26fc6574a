"""A request with an Idempotency-Key makes its thing once, however often and wherever it comes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from itertools import permutations

import httpx2
import pytest
import pytest_asyncio

from services.gateway.routing import ROUTES, Route
from services.graph.main import GraphApplication
from services.graph.settings import GraphSettings
from services.messages.main import MessagesApplication
from services.projects.main import ProjectsApplication
from services.projects.settings import ProjectsSettings
from services.threads.main import ThreadsApplication
from shared.application import Application
from shared.contracts.principal import Role
from shared.identifiers import new_id
from shared.settings import Settings
from tests.system.house import House, running_gateway
from tests.system.people import Json, Person, expect, messages_of, opening, path_of, refusal, wrong_fields

ELSEWHERE = {"add_project_member"}  # it takes somebody new each time: tests/system/projects
KEYED = [
    route
    for route in ROUTES
    if route.operation.keyed and route.tag != "attachments" and route.name not in ELSEWHERE  # those: tests/system/attachments
]
PRINTABLE = "".join(map(chr, range(33, 127)))


def tasks_linked(source: str, target: str) -> Json:
    return {"sourceType": "TASK", "sourceId": source, "targetType": "TASK", "targetId": target}


@dataclass
class Desk:
    """Somebody who makes things, and what each route takes."""

    admin: Person
    thread: Json
    project: Json
    pairs: Iterator[tuple[str, str]]
    """Of tasks, each once."""

    def path(self, route: Route) -> str:
        return route.path.replace("{threadId}", self.thread["id"]).replace("{projectId}", self.project["id"])

    def body(self, route: Route) -> Json:
        bodies: dict[str, Callable[[], Json]] = {
            "add_participant": lambda: {"role": "client", "name": "Grace", "contact": f"{new_id().hex}@contacts.example"},
            "create_column": lambda: {"name": f"{new_id()}"},
            "create_file": lambda: {"path": f"{new_id()}.ts"},
            "create_site_page": lambda: {"name": "Page", "route": f"/{new_id()}", "structure": {"type": "page"}},
            "create_project": lambda: {"name": f"Turin {new_id()}"},
            "create_task": lambda: {"title": f"Book {new_id()}"},
            "create_role": lambda: {"name": f"r{new_id().hex[-20:]}", "permissions": ["chat:room:read"]},
            "create_service_account": lambda: {"name": f"Bot {new_id()}"},
            "create_workspace": lambda: {"name": f"Lab {new_id()}"},
            "link_in_project": lambda: tasks_linked(*next(self.pairs)),
            "link_in_thread": lambda: tasks_linked(*next(self.pairs)),
            "open_thread": lambda: opening("booking"),
            "post_message": lambda: {"content": f"Hello {new_id()}"},
        }
        return bodies[route.name]()

    async def send(self, route: Route, body: Json, key: str) -> httpx2.Response:
        return await self.admin.ask(route.method, self.path(route), body, idempotency_key=key)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk(house: House) -> Desk:
    return await desk_of(await house.person(Role.ADMIN))


async def desk_of(admin: Person) -> Desk:
    project = expect(await admin.post("/api/projects", {"name": "Turin"}), 201)
    made = [expect(await admin.post(f"/api/projects/{project['id']}/tasks", {"title": "Book it"}), 201)["id"] for _ in range(8)]
    return Desk(admin, await admin.open(), project, permutations(made, 2))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def replicas(house: House) -> AsyncIterator[list[str]]:
    """Two gateways, and a second process's worth of each service that makes things."""
    settings = {"data": house.servers.data, "postgres_url": house.servers.postgres_url, "nats_url": house.servers.nats_url}
    where, projects = Settings.model_validate(settings), ProjectsSettings.model_validate(settings)
    graph = GraphSettings.model_validate(settings)
    others: list[Application] = [
        ThreadsApplication(where),
        MessagesApplication(where),
        ProjectsApplication(projects),
        GraphApplication(graph),
    ]
    for service in others:
        await service.start()
    async with running_gateway(house.servers, messages_per_minute=0, requests_per_minute=0) as second:
        yield [house.url, second]
    for service in others:
        await service.stop()


def outcome(answer: httpx2.Response) -> tuple[int, str | None, str]:
    return answer.status_code, answer.headers.get("idempotent-replayed"), answer.headers.get("location", "")


@pytest.mark.parametrize("route", KEYED, ids=lambda route: route.name)
async def test_what_was_made_is_answered_again(route: Route, desk: Desk) -> None:
    body, key = desk.body(route), str(new_id())
    first, again = await desk.send(route, body, key), await desk.send(route, body, key)
    location = first.headers["location"]
    assert [outcome(first), outcome(again)] == [(201, None, location), (201, "true", location)]
    assert again.json() == first.json()


@pytest.mark.parametrize("route", KEYED, ids=lambda route: route.name)
async def test_another_body_under_the_same_key_is_refused(route: Route, desk: Desk) -> None:
    key = str(new_id())
    expect(await desk.send(route, desk.body(route), key), 201)
    assert refusal(await desk.send(route, desk.body(route), key)) == (409, "key_was_used_for_another")


@pytest.mark.parametrize("route", KEYED, ids=lambda route: route.name)
async def test_a_hundred_retries_at_once_make_one_thing(route: Route, desk: Desk, replicas: list[str]) -> None:
    body, key = desk.body(route), str(new_id())
    headers = {**desk.admin.bearer, "idempotency-key": key}
    answers = await asyncio.gather(
        *(desk.admin.http.post(f"{replicas[number % 2]}{desk.path(route)}", json=body, headers=headers) for number in range(100))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1


@pytest.mark.parametrize("route", KEYED, ids=lambda route: route.name)
@pytest.mark.parametrize("key", ["", "a\tb", "é", "x" * 256], ids=["empty", "tab", "é", "too long"])
async def test_a_key_is_of_printable_characters(route: Route, key: str, desk: Desk) -> None:
    headers = [(b"authorization", desk.admin.bearer["authorization"].encode()), (b"idempotency-key", key.encode())]
    answer = await desk.admin.http.post(desk.path(route), json=desk.body(route), headers=headers)
    assert wrong_fields(answer) == {"Idempotency-Key": "invalid"}


@pytest.mark.parametrize("route", KEYED, ids=lambda route: route.name)
async def test_every_printable_character_and_255_of_them_are_a_key(route: Route, desk: Desk) -> None:
    for key in (PRINTABLE + str(new_id()), "two words", ("x" * 255)[: -len(str(new_id()))] + str(new_id())):
        body = desk.body(route)
        expect(await desk.send(route, body, key), 201)
        assert (await desk.send(route, body, key)).headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("route", KEYED, ids=lambda route: route.name)
async def test_a_request_that_failed_has_used_no_key(route: Route, desk: Desk) -> None:
    key = str(new_id())
    assert (await desk.send(route, desk.body(route) | {"unheardOf": 1}, key)).status_code == 422
    answer = await desk.send(route, desk.body(route), key)
    assert outcome(answer)[:2] == (201, None)


async def test_a_key_belongs_to_its_user(house: House, desk: Desk) -> None:
    body, key = opening("group"), str(new_id())
    colleague = await house.person(Role.AGENT)
    one = expect(await desk.admin.ask("POST", "/api/collab/threads", body, idempotency_key=key), 201)
    other = expect(await colleague.ask("POST", "/api/collab/threads", body, idempotency_key=key), 201)
    assert one["id"] != other["id"]


async def test_a_key_belongs_to_its_operation(desk: Desk) -> None:
    key = str(new_id())
    for route in KEYED:
        assert outcome(await desk.send(route, desk.body(route), key))[:2] == (201, None)


async def test_the_path_counts_as_part_of_the_body(desk: Desk) -> None:
    key, other = str(new_id()), await desk.admin.open()
    expect(await desk.admin.ask("POST", messages_of(desk.thread), {"content": "Hello"}, idempotency_key=key), 201)
    answer = await desk.admin.ask("POST", messages_of(other), {"content": "Hello"}, idempotency_key=key)
    assert refusal(answer) == (409, "key_was_used_for_another")
    assert (await desk.admin.page(other))["messages"] == []


async def test_one_key_in_many_threads_at_once_makes_one_message(desk: Desk, replicas: list[str]) -> None:
    headers = {**desk.admin.bearer, "idempotency-key": str(new_id())}
    threads = [await desk.admin.open() for _ in range(8)]
    answers = await asyncio.gather(
        *(
            desk.admin.http.post(f"{replicas[number % 2]}{messages_of(thread)}", json={"content": "Hello"}, headers=headers)
            for number, thread in enumerate(threads)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    posted = [message for thread in threads for message in (await desk.admin.page(thread))["messages"]]
    assert len(posted) == 1


async def test_a_replay_shows_the_thing_as_it_is_now(desk: Desk) -> None:
    body, key = opening("group"), str(new_id())
    made = expect(await desk.admin.ask("POST", "/api/collab/threads", body, idempotency_key=key), 201)
    expect(await desk.admin.patch(path_of(made), {"title": "Another title"}), 200)
    again = expect(await desk.admin.ask("POST", "/api/collab/threads", body, idempotency_key=key), 201)
    assert (again["id"], again["title"]) == (made["id"], "Another title")


async def test_a_replay_is_for_who_may_still_see_the_thing(house: House) -> None:
    person, host = await house.person(Role.GUEST), house.host
    thread = await host.open(participants=[{"userId": person.id, "role": "guest", "name": "Guest"}])
    key = str(new_id())
    expect(await person.ask("POST", messages_of(thread), {"content": "Hello"}, idempotency_key=key), 201)
    expect(await host.patch(path_of(thread), {"participants": []}), 200)
    answer = await person.ask("POST", messages_of(thread), {"content": "Hello"}, idempotency_key=key)
    assert refusal(answer) == (404, "thread_not_found")


async def test_a_key_and_a_client_message_id_go_together(desk: Desk) -> None:
    path, key = messages_of(desk.thread), str(new_id())
    body = {"content": "Hello", "clientMessageId": str(new_id())}
    first = expect(await desk.admin.ask("POST", path, body, idempotency_key=key), 201)
    assert expect(await desk.admin.ask("POST", path, body), 201) == first, "the clientMessageId alone"
    assert expect(await desk.admin.ask("POST", path, body, idempotency_key=str(new_id())), 201) == first
    without = await desk.admin.ask("POST", path, {"content": "Hello"}, idempotency_key=key)
    assert refusal(without) == (409, "key_was_used_for_another")


@pytest.mark.parametrize("path", ["/api/auth/login", "/api/auth/register"])
async def test_signing_in_is_never_replayed(path: str, house: House) -> None:
    person = await house.person()
    body = {"email": person.user["email"], "password": "correct horse battery staple"}
    if path.endswith("register"):
        body |= {"email": f"{new_id().hex}@new.example", "name": "New"}
    answers = [await house.http.post(path, json=body, headers={"idempotency-key": "k"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == ([201, 409] if path.endswith("register") else [200, 200])
    assert all("idempotent-replayed" not in answer.headers for answer in answers)
