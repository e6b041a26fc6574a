"""Projects full of tasks and files that are linked, put straight into the database, as large as is asked for."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

import httpx2

from tests.bench.history import Connection
from tests.bench.people import Person, ask

PROJECTS = 10
BUSY = 10
"""One thing in so many has links as people make them to what much is about: 30 of them, where the others have four."""
_BUSY_ENDS = 0.39

# In chunks, so that no transaction is larger than the memory for it.
_CHUNK = 50_000
_TASKS = """
    INSERT INTO projects.tasks (id, workspace_id, project_id, number, column_id, title, status, position, created_by)
    SELECT uuidv7(), $1, $2, number, $3, 'Something to do, number ' || number, 'TODO', number * 1024, $4
    FROM generate_series($5::int, $6::int) AS number"""
_FILES = """
    INSERT INTO projects.files (id, workspace_id, project_id, path, name, type, content, size, created_by, updated_by)
    SELECT uuidv7(), $1, $2, 'src/' || number || '.ts', number || '.ts', 'CODE', '', 0, $3, $3
    FROM generate_series($4::int, $5::int) AS number"""
_ARTIFACTS = """
    INSERT INTO graph.artifacts (id, type, workspace_id, project_id, title, number, version, created_at, position)
    SELECT id, type, $1, $2, title, number, 1, now(), nextval('graph.positions') FROM (
        SELECT id, 'TASK' AS type, title, number FROM projects.tasks WHERE project_id = $2
        UNION ALL SELECT id, 'FILE', path, NULL FROM projects.files WHERE project_id = $2) AS things"""
# Between things of one project, at random.
_LINKS = """
    INSERT INTO graph.artifact_links (id, workspace_id, project_id, source_type, source_id, target_type, target_id, type, created_by,
        position)
    SELECT uuidv7(), $1, $2, a.type, a.id, b.type, b.id, CASE WHEN a.type = b.type THEN 'LINKED_TO' ELSE 'TASK_FILE' END, $3,
        nextval('graph.positions')
    FROM (
        SELECT ($4::uuid[])[1 + floor(random() * CASE WHEN random() < $6 THEN $7::int ELSE cardinality($4) END)::int] AS source,
            ($4::uuid[])[1 + floor(random() * CASE WHEN random() < $6 THEN $7::int ELSE cardinality($4) END)::int] AS target
        FROM generate_series(1, $5::int)) AS pair
    JOIN graph.artifacts a ON a.id = pair.source JOIN graph.artifacts b ON b.id = pair.target
    WHERE a.id <> b.id ON CONFLICT DO NOTHING"""
_OPEN = "SELECT count(*) FROM graph.fills WHERE filled_at IS NOT NULL"
_OWNERS = 5


@dataclass(frozen=True)
class Filled:
    """things: of a project, by its id. busy: tasks of a high degree."""

    things: dict[UUID, list[UUID]]
    busy: list[UUID]
    links: int


async def fill(database: Connection, url: str, person: Person, artifacts: int, links: int) -> Filled:
    """By somebody who owns all of the projects."""
    while await database.fetchval(_OPEN) < _OWNERS:  # else the graph would ask for all of it, a page at a time
        await asyncio.sleep(0.1)
    things, busy = dict[UUID, list[UUID]](), list[UUID]()
    async with httpx2.AsyncClient(base_url=url, timeout=30) as client:
        for place in range(PROJECTS):
            project = await ask(client, "POST", "/api/projects", 201, person, {"name": f"Project {place}"})
            columns = (await ask(client, "GET", f"/api/projects/{project['id']}/columns", 200, person))["columns"]
            own = things[UUID(project["id"])] = await _project(database, person, UUID(project["id"]), UUID(columns[0]["id"]), artifacts)
            many = len(own) // BUSY
            await database.execute(
                *(_LINKS, person.workspace_id, UUID(project["id"]), person.id, own, links // PROJECTS, _BUSY_ENDS, many),
            )
            tasks = "SELECT id FROM graph.artifacts WHERE id = ANY($1) AND type = 'TASK'"
            busy += [row["id"] for row in await database.fetch(tasks, own[:many])]
    for table in ("projects.tasks", "projects.files", "graph.artifacts", "graph.artifact_links"):
        await database.execute(f"VACUUM (ANALYZE) {table}")
    return Filled(things, busy, await database.fetchval("SELECT count(*) FROM graph.artifact_links"))


async def _project(database: Connection, person: Person, project: UUID, column: UUID, artifacts: int) -> list[UUID]:
    """Its share of all things; a third of it are files."""
    files = artifacts // PROJECTS // 3
    tasks = artifacts // PROJECTS - files
    for start in range(1, tasks + 1, _CHUNK):
        until = min(start + _CHUNK - 1, tasks)
        await database.execute(_TASKS, person.workspace_id, project, column, person.id, start, until)
    for start in range(1, files + 1, _CHUNK):
        await database.execute(_FILES, person.workspace_id, project, person.id, start, min(start + _CHUNK - 1, files))
    await database.execute(_ARTIFACTS, person.workspace_id, project)
    return [row["id"] for row in await database.fetch("SELECT id FROM graph.artifacts WHERE project_id = $1 ORDER BY random()", project)]
