"""What callers are in projects, for all who ask in one turn."""

from collections.abc import Sequence
from uuid import UUID

from services.projects.domain.access import Standing
from shared.contracts.principal import Principal
from shared.contracts.projects.access import ProjectNotFound, ProjectRole
from shared.contracts.projects.audience import ProjectAudience, ProjectSeenBy
from shared.database.connections import Connection, Database

# Each look-up is by a unique index, whatever the sizes.
_STANDINGS = """
    SELECT asked.project_id, m.role, p.archived_at IS NOT NULL AS archived, m.joined_at
    FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS asked (project_id, user_id, place)
    LEFT JOIN LATERAL (
        SELECT id, archived_at FROM projects WHERE id = asked.project_id AND deleted_at IS NULL LIMIT 1
    ) AS p ON true
    LEFT JOIN LATERAL (
        SELECT role, joined_at FROM project_members WHERE project_id = p.id AND user_id = asked.user_id AND deleted_at IS NULL LIMIT 1
    ) AS m ON true
    ORDER BY asked.place"""


# The project once, and in it each who is asked about: a look-up by a unique index, however many its members are.
_AUDIENCE = """
    SELECT p.archived_at IS NOT NULL AS archived, p.deleted_at IS NOT NULL AS deleted, m.user_id, m.role, m.joined_at
    FROM projects p LEFT JOIN (
        SELECT member.* FROM unnest($2::uuid[]) AS asked (user_id) CROSS JOIN LATERAL (
            SELECT user_id, role, joined_at FROM project_members
            WHERE project_id = $1 AND user_id = asked.user_id AND deleted_at IS NULL LIMIT 1
        ) AS member
    ) AS m ON true
    WHERE p.id = $1"""


class Accesses:
    """Nothing is kept between two asks: who was removed is refused from the next on."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, workspace_id: UUID, asked: Sequence[tuple[UUID, UUID]]) -> list[Standing | None]:
        """By project and user, in the order asked; one statement for all. None: no member of a project that is there."""
        async with self._database.reading(workspace_id) as connection:
            return await standings(connection, asked)

    async def audience(self, workspace_id: UUID, project_id: UUID, users: Sequence[UUID]) -> ProjectAudience:
        """Those of the users who are members of a project that is there, or were of one that is deleted."""
        async with self._database.reading(workspace_id) as connection:
            rows = await connection.fetch(_AUDIENCE, project_id, set(users))
        if any(row["deleted"] for row in rows):
            return ProjectAudience(archived=False, members=[], former=[row["user_id"] for row in rows if row["role"]])
        members = [ProjectSeenBy(user_id=row["user_id"], role=row["role"], joined_at=row["joined_at"]) for row in rows if row["role"]]
        return ProjectAudience(archived=any(row["archived"] for row in rows), members=members)


async def standings(connection: Connection, asked: Sequence[tuple[UUID, UUID]]) -> list[Standing | None]:
    rows = await connection.fetch(_STANDINGS, [project_id for project_id, _ in asked], [user_id for _, user_id in asked])
    return [
        Standing(row["project_id"], ProjectRole(row["role"]), row["archived"], row["joined_at"]) if row["role"] else None for row in rows
    ]


async def standing(connection: Connection, project_id: UUID, caller: Principal) -> Standing:
    """What the caller is in a project. Raises `ProjectNotFound`."""
    (found,) = await standings(connection, [(project_id, caller.user_id)])
    if found is None:
        raise ProjectNotFound
    return found
