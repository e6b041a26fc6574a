"""Workspaces know nothing of each other's projects, projects nothing of each other's things, and the database holds it too."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shared.contracts.model import View
from shared.contracts.operations import Operation
from shared.contracts.principal import Principal, Role
from shared.contracts.projects.access import ProjectNotFound
from shared.contracts.projects.artifacts import DESCRIBE_ARTIFACTS, DescribeArtifacts
from shared.contracts.projects.columns import CHANGE_COLUMN, CREATE_COLUMN, GET_COLUMN, ColumnNotFound
from shared.contracts.projects.files import CHANGE_FILE, CREATE_FILE, DELETE_FILE, GET_FILE, FileNotFound
from shared.contracts.projects.members import GET_PROJECT_MEMBER, REMOVE_PROJECT_MEMBER, ProjectMemberNotFound
from shared.contracts.projects.pages import CHANGE_SITE_PAGE, CREATE_SITE_PAGE, GET_SITE_PAGE, PageNotFound
from shared.contracts.projects.projects import CHANGE_PROJECT, DELETE_PROJECT, GET_PROJECT, LIST_PROJECTS, Project
from shared.contracts.projects.tasks import CHANGE_TASK, CREATE_TASK, DELETE_TASK, GET_BOARD, GET_TASK, LIST_TASKS, MOVE_TASK, TaskNotFound
from shared.contracts.refusals import Refusal, RequestIsInvalid
from shared.credentials import background_role, database_role
from shared.database.connections import as_role
from shared.identifiers import new_id
from shared.messaging.caller import Caller
from tests.servers import Servers
from tests.service.neighbours import principal
from tests.service.projects.conftest import Service

TABLES = {"projects": 1, "project_members": 2, "heads": 1, "task_columns": 3, "tasks": 1, "files": 1, "pages": 1}
HISTORIES = {"projects": 1, "project_members": 2, "task_columns": 1, "tasks": 1, "files": 1, "pages": 1}

type Things = dict[str, UUID]


async def filled(service: Service, owner: Principal) -> tuple[Project, Things]:
    """A project with a second member and one of each thing, and all but its members were changed once."""
    project = await service.begin(owner)
    member = await service.join(project, owner)
    made: Things = {"memberId": member.user_id}
    here: dict[str, Any] = {"project_id": project.id}
    task = await service.ask(CREATE_TASK, owner, **here, title="Book it")
    file = await service.ask(CREATE_FILE, owner, **here, path="a.ts")
    page = await service.ask(CREATE_SITE_PAGE, owner, **here, name="Page", route="/", structure={"type": "page"})
    await service.ask(CHANGE_PROJECT, owner, **here, name="Milan")
    await service.ask(CHANGE_COLUMN, owner, **here, column_id=task.column_id, name="Ideas")
    await service.ask(CHANGE_TASK, owner, **here, task_id=task.id, title="Pay it")
    await service.ask(CHANGE_FILE, owner, **here, file_id=file.id, if_match='"1"', content="b")
    await service.ask(CHANGE_SITE_PAGE, owner, **here, page_id=page.id, name="Landing")
    return project, made | {"taskId": task.id, "columnId": task.column_id, "fileId": file.id, "pageId": page.id}


async def test_an_admin_of_another_workspace_and_a_namesake_find_nothing(service: Service, owner: Principal) -> None:
    project, things = await filled(service, owner)
    stranger = principal(Role.ADMIN)
    namesake = owner.model_copy(update={"workspace_id": stranger.workspace_id})
    for caller in (stranger, namesake):
        for operation, fields in (
            (GET_PROJECT, {}),
            (CHANGE_PROJECT, {"name": "Mine"}),
            (DELETE_PROJECT, {}),
            (GET_BOARD, {}),
            (LIST_TASKS, {}),
            (CREATE_COLUMN, {"name": "Mine"}),
            (MOVE_TASK, {"task_id": things["taskId"], "column_id": things["columnId"]}),
            (GET_FILE, {"file_id": things["fileId"]}),
        ):
            with pytest.raises(ProjectNotFound):
                await service.ask(operation, caller, project_id=project.id, **fields)
        assert (await service.ask(LIST_PROJECTS, caller)).projects == []
    assert (await service.ask(GET_PROJECT, owner, project_id=project.id)).name == "Milan"


@pytest.mark.parametrize(
    ("operation", "names", "fields", "refusal"),
    [
        (GET_PROJECT_MEMBER, "memberId", {}, ProjectMemberNotFound),
        (REMOVE_PROJECT_MEMBER, "memberId", {}, ProjectMemberNotFound),
        (GET_COLUMN, "columnId", {}, ColumnNotFound),
        (CHANGE_COLUMN, "columnId", {"name": "Mine"}, ColumnNotFound),
        (GET_TASK, "taskId", {}, TaskNotFound),
        (CHANGE_TASK, "taskId", {"title": "Mine"}, TaskNotFound),
        (DELETE_TASK, "taskId", {}, TaskNotFound),
        (MOVE_TASK, "taskId", {"column_id": new_id()}, TaskNotFound),
        (GET_FILE, "fileId", {}, FileNotFound),
        (CHANGE_FILE, "fileId", {"if_match": "*", "content": "mine"}, FileNotFound),
        (DELETE_FILE, "fileId", {"if_match": "*"}, FileNotFound),
        (GET_SITE_PAGE, "pageId", {}, PageNotFound),
        (CHANGE_SITE_PAGE, "pageId", {"name": "Mine"}, PageNotFound),
    ],
    ids=lambda value: getattr(value, "name", None) and str(value.name),
)
async def test_a_thing_of_one_project_is_in_no_other(
    service: Service, owner: Principal, operation: Operation[Any, View], names: str, fields: dict[str, Any], refusal: type[Refusal]
) -> None:
    _, things = await filled(service, owner)
    another = await service.begin(owner)
    with pytest.raises(refusal):
        await service.ask(operation, owner, project_id=another.id, **{names: things[names]}, **fields)


async def test_what_is_of_another_project_cannot_be_named_in_one(service: Service, owner: Principal) -> None:
    _, things = await filled(service, owner)
    another = await service.begin(owner)
    page = {"name": "Page", "route": "/", "structure": {"type": "page"}, "linked_file_id": things["fileId"]}
    for operation, fields in (
        (CREATE_TASK, {"title": "Mine", "column_id": things["columnId"]}),
        (CREATE_TASK, {"title": "Mine", "assignee_id": things["memberId"]}),
        (CREATE_SITE_PAGE, page),
    ):
        with pytest.raises(RequestIsInvalid):
            await service.ask(operation, owner, project_id=another.id, **fields)


async def test_the_graph_is_told_of_nothing_in_another_workspace(service: Service, owner: Principal, servers: Servers) -> None:
    _, things = await filled(service, owner)
    asked = DescribeArtifacts(ids=list(things.values()))
    graph = Caller("graph")
    await graph.open(servers.nats_url, servers.credentials.nats["graph"])
    try:
        namesake = owner.model_copy(update={"workspace_id": new_id()})
        assert (await graph(DESCRIBE_ARTIFACTS, asked, namesake)).artifacts == []
        assert len((await graph(DESCRIBE_ARTIFACTS, asked, owner)).artifacts) == 3
    finally:
        await graph.close()


@pytest.mark.parametrize("table", TABLES)
async def test_the_services_role_sees_the_rows_of_its_workspace_alone(
    service: Service, owner: Principal, servers: Servers, table: str
) -> None:
    await filled(service, owner)
    role = database_role("projects")
    connection = await asyncpg.connect(as_role(servers.postgres_url, role, servers.credentials.postgres[role]))
    counted = f"SELECT count(*) FROM projects.{table}"
    try:
        assert await connection.fetchval(counted) == 0
        for workspace_id, count in ((new_id(), 0), (owner.workspace_id, TABLES[table])):
            await connection.execute("SELECT set_config('app.workspace', $1, false)", str(workspace_id))
            assert await connection.fetchval(counted) == count
        for forbidden in (f"DELETE FROM projects.{table}", f"UPDATE projects.{table} SET workspace_id = '{new_id()}'"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(forbidden)
    finally:
        await connection.close()


@pytest.mark.parametrize("table", HISTORIES)
async def test_history_is_its_workspaces_alone_and_nobody_writes_it(
    service: Service, owner: Principal, servers: Servers, table: str
) -> None:
    await filled(service, owner)
    role = database_role("projects")
    connection = await asyncpg.connect(as_role(servers.postgres_url, role, servers.credentials.postgres[role]))
    try:
        for workspace_id, count in ((new_id(), 0), (owner.workspace_id, HISTORIES[table])):
            await connection.execute("SELECT set_config('app.workspace', $1, false)", str(workspace_id))
            assert await connection.fetchval(f"SELECT count(*) FROM projects.{table}_history") == count
        for verb in (f"DELETE FROM projects.{table}_history", f"UPDATE projects.{table}_history SET reason = ''"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(verb)
    finally:
        await connection.close()


async def test_the_services_role_reads_no_other_schema(servers: Servers) -> None:
    role = database_role("projects")
    connection = await asyncpg.connect(as_role(servers.postgres_url, role, servers.credentials.postgres[role]))
    try:
        for table in ("threads.threads", "identity.users"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"SELECT FROM {table}")
    finally:
        await connection.close()


async def test_the_background_role_sees_all_workspaces(service: Service, servers: Servers) -> None:
    for _ in range(2):
        await service.begin(principal())
    role = background_role("projects")
    connection = await asyncpg.connect(as_role(servers.postgres_url, role, servers.credentials.postgres[role]))
    try:
        assert await connection.fetchval("SELECT count(DISTINCT workspace_id) FROM projects.projects") >= 2
    finally:
        await connection.close()
