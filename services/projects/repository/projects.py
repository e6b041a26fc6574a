"""Projects: begun, found, listed, changed, deleted."""

from typing import Any
from uuid import UUID

import asyncpg

from services.projects.domain.projects import changes, happened
from services.projects.repository.changing import Changing, Inside, insert
from services.projects.repository.columns import first_columns
from services.projects.repository.members import COLUMNS as MEMBER_COLUMNS
from services.projects.repository.members import member_of
from services.projects.repository.rows import escaped, view
from shared.contracts.model import Event
from shared.contracts.principal import Principal
from shared.contracts.projects.access import Happened, ProjectNotFound, ProjectRole, ProjectRoleIsNotEnough
from shared.contracts.projects.members import MemberChanged
from shared.contracts.projects.projects import (
    ChangeProject,
    CreateProject,
    DeleteProject,
    ListProjects,
    Project,
    ProjectChanged,
    ProjectFacts,
)
from shared.database.connections import Connection
from shared.database.idempotency import claim
from shared.identifiers import LAST_ID, new_id
from shared.outbox.outbox import emission, emit

_FACTS = "id, name, description, thread_id, archived_at IS NOT NULL AS archived, created_by, created_at, updated_at, version"
_GET = f"SELECT {_FACTS} FROM projects WHERE id = $1"

_SHOWN = f"""
    SELECT {", ".join(f"p.{part.strip()}" for part in _FACTS.split(","))}, m.role, (
        SELECT count(*) FROM project_members o WHERE o.project_id = p.id AND o.deleted_at IS NULL
    ) AS member_count
    FROM project_members m JOIN projects p ON p.id = m.project_id AND p.deleted_at IS NULL
    WHERE m.user_id = $1 AND m.deleted_at IS NULL"""
_ONE = f"{_SHOWN} AND m.project_id = $2"
_PAGE = f"""{_SHOWN} AND m.project_id < $2 AND (p.archived_at IS NOT NULL) = $3
    AND ($4::text IS NULL OR p.name ILIKE $4) ORDER BY m.project_id DESC LIMIT $5"""

_DELETED = """
    SELECT m.role FROM projects p JOIN project_members m ON m.project_id = p.id AND m.user_id = $2 AND m.deleted_at IS NULL
    WHERE p.id = $1 AND p.deleted_at IS NOT NULL"""


class Projects(Changing):
    async def create(self, request: CreateProject, caller: Principal) -> tuple[Project, UUID]:
        """The project, and its owner's membership. Raises `MadeBefore`, `KeyWasUsedForAnother`."""
        project_id = new_id()
        async with self.database.workspace(caller.workspace_id, actor=caller.user_id) as connection:
            await claim(connection, request, caller, project_id)
            row = await insert(connection, "projects", _FACTS, _new(project_id, request, caller))
            facts = view(ProjectFacts, row)
            await insert(connection, "heads", "project_id", {"project_id": project_id, "workspace_id": caller.workspace_id})
            owner = await insert(connection, "project_members", MEMBER_COLUMNS, _owner(project_id, caller))
            member = member_of(owner)
            columns = await first_columns(connection, caller.workspace_id, project_id)
            told: list[Event] = [
                ProjectChanged(entity_id=project_id, version=1, change=Happened.CREATED, project=facts),
                MemberChanged(entity_id=member.id, version=1, project_id=project_id, change=Happened.CREATED, member=member),
                *columns,
            ]
            await emit(connection, *(emission(event, caller.workspace_id, project_id) for event in told))
        self.on_commit()
        return Project(**facts.model_dump(), role=ProjectRole.OWNER, member_count=1), member.id

    async def get(self, project_id: UUID, caller: Principal) -> Project:
        """Raises `ProjectNotFound`."""
        async with self.database.reading(caller.workspace_id) as connection:
            return await _shown(connection, project_id, caller)

    async def page(self, request: ListProjects, before: UUID | None, caller: Principal) -> list[Project]:
        """Newest first, and one more where more follow."""
        async with self.database.reading(caller.workspace_id) as connection:
            rows = await connection.fetch(
                _PAGE,
                caller.user_id,
                before or LAST_ID,
                request.archived,
                f"%{escaped(request.q)}%" if request.q else None,
                request.limit + 1,
            )
        return [view(Project, row) for row in rows]

    async def change(self, request: ChangeProject, caller: Principal) -> Project:
        """Raises what `domain.projects.changes` does."""

        async def work(inside: Inside) -> Project:
            row = await inside.connection.fetchrow(_GET, request.project_id)
            fields = changes(view(ProjectFacts, row), request, inside.standing)
            if fields:
                await _write(inside, fields)
            return await _shown(inside.connection, request.project_id, caller)

        return await self.within(request.project_id, caller, work, reason=request.reason)

    async def delete(self, request: DeleteProject, caller: Principal) -> None:
        """Raises `ProjectRoleIsNotEnough`, `ProjectNotFound`."""

        async def work(inside: Inside) -> None:
            inside.standing.require(ProjectRole.OWNER, archived=True)
            facts = view(ProjectFacts, await inside.delete("projects", _FACTS, request.project_id))
            await inside.tell(ProjectChanged(entity_id=facts.id, version=facts.version, change=Happened.DELETED, project=facts))
            await inside.audit({"did": "deleted"})

        try:
            await self.within(request.project_id, caller, work, reason=request.reason)
        except ProjectNotFound:
            await self._refuse_unless_deleted(request.project_id, caller)

    async def _refuse_unless_deleted(self, project_id: UUID, caller: Principal) -> None:
        """To delete again what one may delete is no mistake."""
        async with self.database.reading(caller.workspace_id) as connection:
            role = await connection.fetchval(_DELETED, project_id, caller.user_id)
        if role is None:
            raise ProjectNotFound
        if ProjectRole(role) is not ProjectRole.OWNER:
            raise ProjectRoleIsNotEnough


async def _write(inside: Inside, fields: dict[str, Any]) -> None:
    columns = {name: value for name, value in fields.items() if name != "archived"}
    if "archived" in fields:
        columns["archived_at"] = inside.now if fields["archived"] else None
        await inside.audit({"did": "archived" if fields["archived"] else "restored"})
    facts = view(ProjectFacts, await inside.update("projects", _FACTS, inside.project_id, columns))
    await inside.tell(ProjectChanged(entity_id=facts.id, version=facts.version, change=happened(fields), project=facts))


async def _shown(connection: Connection, project_id: UUID, caller: Principal) -> Project:
    row: asyncpg.Record | None = await connection.fetchrow(_ONE, caller.user_id, project_id)
    if row is None:
        raise ProjectNotFound
    return view(Project, row)


def _new(project_id: UUID, request: CreateProject, caller: Principal) -> dict[str, Any]:
    return {
        "id": project_id,
        "workspace_id": caller.workspace_id,
        "name": request.name,
        "description": request.description,
        "thread_id": new_id(),
        "created_by": caller.user_id,
    }


def _owner(project_id: UUID, caller: Principal) -> dict[str, Any]:
    return {
        "id": new_id(),
        "workspace_id": caller.workspace_id,
        "project_id": project_id,
        "user_id": caller.user_id,
        "role": ProjectRole.OWNER.value,
        "name": caller.name,
        "workspace_role": caller.role.value,
    }
