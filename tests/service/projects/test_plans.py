"""What projects show reads what it shows, however much there is."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest_asyncio
from pydantic_core import from_json

from services.projects.domain.files import within
from services.projects.repository import access, artifacts, board, files, history, members, moves, pages, projects, tasks
from shared.credentials import background_role, database_role
from shared.database.connections import Database, as_role
from shared.database.history import SYSTEM_ACTOR
from shared.identifiers import FIRST_ID, new_id
from tests.servers import Servers
from tests.service.neighbours import principal
from tests.service.watched import Watched

MANY = 2_000

type Plan = dict[str, Any]


class Many:
    """A workspace of 20 projects with 2,000 tasks, files and pages each in the first; the user is in all of them. 2,000 are of others."""

    workspace, user = new_id(), new_id()
    projects = tuple(sorted(new_id() for _ in range(20)))
    others = tuple(new_id() for _ in range(2_000))
    column, task, file = new_id(), new_id(), new_id()
    midst: datetime
    """When half of the first project's people had joined."""
    change: UUID
    """Half of its tasks' changes were before it."""

    @property
    def first(self) -> UUID:
        return self.projects[0]


_FILL = (
    "INSERT INTO projects.projects (id, workspace_id, name, thread_id, created_by) SELECT unnest($1::uuid[]), $2, 'Turin', uuidv7(), $3",
    """INSERT INTO projects.project_members (id, workspace_id, project_id, user_id, role, name, workspace_role)
       SELECT uuidv7(), $2, unnest($1::uuid[]), $3, 'OWNER', 'Ada', 'client'""",
)
_PEOPLE = """
    INSERT INTO projects.project_members (id, workspace_id, project_id, user_id, role, name, workspace_role, joined_at)
    SELECT uuidv7(), $2, $1, uuidv7(), 'MEMBER', 'Ada', 'client', now() + place * interval '1 s' FROM generate_series(1, 2000) AS place"""
_COLUMN = "INSERT INTO projects.task_columns (id, workspace_id, project_id, name, status, position) VALUES ($3, $2, $1, 'A', 'TODO', 0)"
_COLUMNS = """
    INSERT INTO projects.task_columns (id, workspace_id, project_id, name, status, position)
    SELECT uuidv7(), $2, unnest($1::uuid[]), 'A', 'TODO', 0"""
_OTHERS = """
    INSERT INTO projects.tasks (id, workspace_id, project_id, number, column_id, title, status, position, created_by)
    SELECT uuidv7(), workspace_id, project_id, 1, id, 'Task', 'TODO', 0, id FROM projects.task_columns WHERE project_id = ANY($1::uuid[])"""
_TASKS = """
    INSERT INTO projects.tasks (id, workspace_id, project_id, number, column_id, title, status, position, created_by)
    SELECT CASE WHEN place = 1000 THEN $4 ELSE uuidv7() END, $2, $1, place, $3, 'Task', 'TODO', place * 1000, $4
    FROM generate_series(1, 2000) AS place"""
_FILES = """
    INSERT INTO projects.files (id, workspace_id, project_id, path, name, type, content, size, created_by, updated_by)
    SELECT CASE WHEN place = 1000 THEN $4 ELSE uuidv7() END, $2, $1, 'src/' || place % 20 || '/' || place, place, 'CODE', '', 0, $3, $3
    FROM generate_series(1, 2000) AS place"""
# Many small workspaces beside it: the planner, which cannot know whose statement it plans, expects a few rows of each.
_NEIGHBOURS = (
    """INSERT INTO projects.projects (id, workspace_id, name, thread_id, created_by)
       SELECT uuidv7(), uuidv7(), 'Small', uuidv7(), uuidv7() FROM generate_series(1, 1000)""",
    """INSERT INTO projects.project_members (id, workspace_id, project_id, user_id, role, name, workspace_role)
       SELECT uuidv7(), workspace_id, id, uuidv7(), 'OWNER', 'Ada', 'client' FROM projects.projects WHERE name = 'Small'""",
    """INSERT INTO projects.task_columns (id, workspace_id, project_id, name, status, position)
       SELECT uuidv7(), workspace_id, id, 'Small', 'TODO', 0 FROM projects.projects WHERE name = 'Small'""",
    """INSERT INTO projects.tasks (id, workspace_id, project_id, number, column_id, title, status, position, created_by)
       SELECT uuidv7(), workspace_id, project_id, 1, id, 'Task', 'TODO', 0, id FROM projects.task_columns WHERE name = 'Small'""",
    """INSERT INTO projects.files (id, workspace_id, project_id, path, name, type, content, size, created_by, updated_by)
       SELECT uuidv7(), workspace_id, id, 'a', 'a', 'CODE', '', 0, id, id FROM projects.projects WHERE name = 'Small'""",
    """INSERT INTO projects.pages (id, workspace_id, project_id, name, route, structure, created_by, updated_by)
       SELECT uuidv7(), workspace_id, id, 'Page', '/', '{}', id, id FROM projects.projects WHERE name = 'Small'""",
)
_MIDST = "SELECT joined_at FROM projects.project_members WHERE project_id = $1 ORDER BY joined_at OFFSET 1000 LIMIT 1"
_CHANGE = "SELECT history_id FROM projects.tasks_history WHERE project_id = $1 ORDER BY history_id OFFSET 1000 LIMIT 1"
_PAGES = """
    INSERT INTO projects.pages (id, workspace_id, project_id, name, route, structure, created_by, updated_by)
    SELECT uuidv7(), $2, $1, 'Page', '/' || place, '{}', $3, $3 FROM generate_series(1, 2000) AS place"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def many(servers: Servers) -> AsyncIterator[Many]:
    made = Many()
    admin = await asyncpg.connect(servers.postgres_url)
    await admin.execute("SELECT set_config('app.actor', $1, false)", SYSTEM_ACTOR)
    for statement in _NEIGHBOURS:
        await admin.execute(statement)
    for statement in _FILL:
        await admin.execute(statement, made.projects, made.workspace, made.user)
    for statement in _FILL:
        await admin.execute(statement, made.others, made.workspace, new_id())
    await admin.execute(_COLUMNS, made.others, made.workspace)
    await admin.execute(_PEOPLE, made.first, made.workspace)
    await admin.execute(_COLUMN, made.first, made.workspace, made.column)
    await admin.execute(_TASKS, made.first, made.workspace, made.column, made.task)
    await admin.execute(_FILES, made.first, made.workspace, made.user, made.file)
    await admin.execute(_PAGES, made.first, made.workspace, made.user)
    await admin.execute(_OTHERS, made.others)
    await admin.execute("UPDATE projects.tasks SET title = 'Another' WHERE workspace_id = $1", made.workspace)
    for version in range(2, 200):
        await admin.execute("UPDATE projects.files SET content = $2, version = $3 WHERE id = $1", made.file, str(version), version)
    made.midst = await admin.fetchval(_MIDST, made.first)
    made.change = await admin.fetchval(_CHANGE, made.first)
    await admin.execute("VACUUM (ANALYZE) projects.projects, projects.project_members, projects.task_columns, projects.tasks")
    await admin.execute("VACUUM (ANALYZE) projects.files, projects.pages, projects.tasks_history, projects.files_history")
    await admin.close()
    yield made


async def _opened(servers: Servers, role: str) -> Database:
    """With plans as they are once a statement was used often."""
    url = as_role(servers.postgres_url, role, servers.credentials.postgres[role])
    own = Database(url, "projects", connections=1, settings={"plan_cache_mode": "force_generic_plan"})
    await own.open()
    return own


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(servers: Servers) -> AsyncIterator[Database]:
    own = await _opened(servers, database_role("projects"))
    yield own
    await own.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def background(servers: Servers) -> AsyncIterator[Database]:
    own = await _opened(servers, background_role("projects"))
    yield own
    await own.close()


async def reads(database: Database, workspace: UUID, query: str, *arguments: object) -> dict[str, float]:
    """How many rows were read by each index."""
    async with database.reading(workspace) as connection:
        await connection.execute(f"PREPARE asked AS {query}")
        explained = f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, FORMAT JSON) EXECUTE asked ({', '.join(map(literal, arguments))})"
        text: str = await connection.fetchval(explained)
        await connection.execute("DEALLOCATE asked")
    found: dict[str, float] = {}
    for node in nodes(from_json(text)[0]["Plan"]):
        assert node["Node Type"] != "Seq Scan", node
        if "Index Name" in node and node["Actual Loops"]:
            rows = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
            found[node["Index Name"]] = found.get(node["Index Name"], 0) + rows
    return found


def literal(value: object) -> str:
    if value is None or isinstance(value, bool | int):
        return "NULL" if value is None else str(value)
    if isinstance(value, list | tuple):
        return "'{" + ",".join(str(one) for one in value) + "}'"
    return f"'{value}'"


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


async def test_what_somebody_is_in_a_project_is_three_look_ups(many: Many, database: Database) -> None:
    found = await reads(database, many.workspace, access._STANDINGS, [many.first], [many.user])
    assert sum(found.values()) <= 3


async def test_who_of_a_thousand_are_in_a_project_reads_those_alone(many: Many, database: Database) -> None:
    found = await reads(database, many.workspace, access._AUDIENCE, many.first, [many.user, *(new_id() for _ in range(999))])
    assert found.pop("projects_pkey") == 1
    assert sum(found.values()) <= 1, "the one member"


async def test_a_page_reads_what_it_shows(many: Many, database: Database) -> None:
    nothing = (None,) * 8
    asked: list[tuple[str, tuple[object, ...], str]] = [
        (members._PAGE, (many.first, None, many.midst, FIRST_ID, 51), "project_members_in_order"),
        (tasks._PAGE, (many.first, 1_000, *nothing, 51), "tasks_number"),
        (files._PAGE, (many.first, *within(None, "src/10/1000"), None, 51), "files_in_order"),
        (files._PAGE, (many.first, *within("src/7", None), None, 51), "files_in_order"),
        (pages._LIST, (many.first, "/1000", 51), "pages_in_order"),
        (history._PAGE, (many.first, many.change, 51), "tasks_history_of"),
    ]
    for query, arguments, index in asked:
        assert (await reads(database, many.workspace, query, *arguments))[index] == 51, index
    versions = await reads(database, many.workspace, files._VERSIONS, many.file, 100, 51)
    assert versions == {"files_pkey": 1, "files_history_versions": 51}
    found = await reads(database, many.workspace, projects._PAGE, many.user, many.projects[15], False, None, 11)
    assert found["project_members_by_user"] == 11


async def test_a_board_reads_its_tasks_once(many: Many, database: Database) -> None:
    found = await reads(database, many.workspace, board._CARDS, many.first)
    assert found == {"task_columns_in_order": 1, "tasks_in_order": MANY}


async def test_a_whole_board_is_three_queries_whatever_its_size(many: Many, servers: Servers) -> None:
    role = database_role("projects")
    watched = Watched(as_role(servers.postgres_url, role, servers.credentials.postgres[role]), "projects", connections=1)
    await watched.open()
    caller = principal(workspace_id=many.workspace).model_copy(update={"user_id": many.user})
    watched.queries = []
    await board.Boards(watched).get(many.first, caller)  # at first the driver asks about types too
    for project_id, tasks_shown in ((many.first, MANY), (many.projects[1], 0)):
        watched.queries = []
        shown = await board.Boards(watched).get(project_id, caller)
        assert (len(watched.queries), sum(map(len, shown.cards.values()))) == (3, tasks_shown)
    await watched.close()


async def test_a_move_reads_its_neighbours_alone(many: Many, database: Database) -> None:
    for after in (many.task, None):
        found = await reads(database, many.workspace, moves._LOOK, many.first, new_id(), many.column, after)
        assert found.get("tasks_in_order", 0) <= 2


async def test_artifacts_are_read_a_page_at_a_time(many: Many, database: Database, background: Database) -> None:
    found = await reads(background, many.workspace, artifacts._LIST, many.task, 51)
    assert {index: rows for index, rows in found.items() if rows > 51 and index != "projects_pkey"} == {}
    assert found["projects_pkey"] <= 3 * 51, "one of each task, file and page"
    assert (await reads(background, many.workspace, artifacts.THREADS, many.first, 10)) == {"projects_pkey": 10}
    described = await reads(database, many.workspace, artifacts.DESCRIBE, [many.task], many.user)
    assert sum(described.values()) <= 6
