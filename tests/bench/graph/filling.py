"""A graph of tasks and files, put straight into the database, as large as is asked for."""

from uuid import UUID

import asyncpg

from shared.identifiers import new_id

type Connection = asyncpg.Connection[asyncpg.Record]

PROJECTS = 100

# In chunks, so that no transaction is larger than the memory for it. A third are files.
_ARTIFACTS = """
    INSERT INTO graph.artifacts (id, type, workspace_id, project_id, title, version, created_at, position)
    SELECT uuidv7(), CASE WHEN number % 3 = 0 THEN 'FILE' ELSE 'TASK' END, $1, ($2::uuid[])[1 + number % cardinality($2)],
        'Something to do, number ' || number, 1, now(), nextval('graph.positions')
    FROM generate_series($3::int, $4::int) AS number"""
# Between things of one project, at random: as people link them.
_LINKS = """
    INSERT INTO graph.artifact_links (id, workspace_id, project_id, source_type, source_id, target_type, target_id, type,
        created_by, position)
    SELECT uuidv7(), $1, $2, a.type, a.id, b.type, b.id,
        CASE WHEN a.type = b.type THEN 'LINKED_TO' ELSE 'TASK_FILE' END, $1, nextval('graph.positions')
    FROM (
        SELECT ($3::uuid[])[1 + floor(random() * cardinality($3))::int] AS source,
            ($3::uuid[])[1 + floor(random() * cardinality($3))::int] AS target
        FROM generate_series(1, $4::int)) AS pair
    JOIN graph.artifacts a ON a.id = pair.source JOIN graph.artifacts b ON b.id = pair.target
    WHERE a.id <> b.id ON CONFLICT DO NOTHING"""
_CHUNK = 50_000


async def fill(database: Connection, workspace: UUID, artifacts: int, links: int) -> list[UUID]:
    """The projects that everything is in."""
    projects = [new_id() for _ in range(PROJECTS)]
    for start in range(1, artifacts + 1, _CHUNK):
        await database.execute(_ARTIFACTS, workspace, projects, start, min(start + _CHUNK - 1, artifacts))
    for project in projects:
        ids = [row["id"] for row in await database.fetch("SELECT id FROM graph.artifacts WHERE project_id = $1", project)]
        await database.execute(_LINKS, workspace, project, ids, links // PROJECTS)
    await database.execute("VACUUM (ANALYZE) graph.artifacts, graph.artifact_links")
    return projects
