"""Who is in projects, a row each; one who is gone keeps it, and takes it again."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.projects.domain.access import Standing, above
from services.projects.domain.members import refuse_arrival, refuse_change, refuse_departure, succeeding
from services.projects.repository.access import standing
from services.projects.repository.changing import Changing, Inside
from services.projects.repository.rows import BEGINNING, view
from shared.contracts.identity.directory import Member
from shared.contracts.principal import Principal
from shared.contracts.projects.access import Happened, ProjectRole
from shared.contracts.projects.members import (
    AddProjectMember,
    ChangeProjectMember,
    ListProjectMembers,
    MemberChanged,
    ProjectMember,
    ProjectMemberNotFound,
    RemoveProjectMember,
)
from shared.database.connections import Connection
from shared.database.idempotency import claim
from shared.identifiers import FIRST_ID, new_id

COLUMNS = "id, project_id, user_id, role, name, workspace_role, joined_at, version"
_KNOWN = f"SELECT {COLUMNS}, deleted_at FROM project_members WHERE project_id = $1 AND user_id = $2"
_BY_ID = f"SELECT {COLUMNS}, deleted_at FROM project_members WHERE id = $2 AND project_id = $1"
_COUNT = "SELECT count(*) FROM project_members WHERE project_id = $1 AND deleted_at IS NULL"
_OWNERS = "SELECT count(*) FROM project_members WHERE project_id = $1 AND role = 'OWNER' AND deleted_at IS NULL AND user_id <> $2"
_ABOVE = "SELECT user_id FROM project_members WHERE project_id = $1 AND deleted_at IS NULL AND role = ANY($2) LIMIT $3"
_STAYED = """
    SELECT EXISTS (SELECT FROM project_members WHERE project_id = $1 AND deleted_at IS NULL AND role = ANY($2) AND user_id <> ALL($3))"""
_PAGE = f"""
    SELECT {COLUMNS} FROM project_members WHERE project_id = $1 AND deleted_at IS NULL AND ($2::text IS NULL OR role = $2)
    AND (joined_at, id) > ($3::timestamptz, $4::uuid)
    ORDER BY joined_at, id LIMIT $5"""


MOST_ABOVE = 1_000  # as many as identity is asked about at once; where there are more, somebody is there


class Members(Changing):
    async def page(
        self, request: ListProjectMembers, after: tuple[datetime, UUID] | None, caller: Principal
    ) -> tuple[list[ProjectMember], list[tuple[datetime, UUID]]]:
        """A page and one more where more follow, with the place of each. Raises `ProjectNotFound`."""
        async with self.database.reading(caller.workspace_id) as connection:
            await standing(connection, request.project_id, caller)
            role = request.role.value if request.role else None
            rows = await connection.fetch(_PAGE, request.project_id, role, *(after or (BEGINNING, FIRST_ID)), request.limit + 1)
        return [member_of(row) for row in rows], [(row["joined_at"], row["id"]) for row in rows]

    async def get(self, project_id: UUID, user_id: UUID, caller: Principal) -> ProjectMember:
        """Raises `ProjectNotFound`, `ProjectMemberNotFound`."""
        async with self.database.reading(caller.workspace_id) as connection:
            await standing(connection, project_id, caller)
            row = await _row(connection, project_id, user_id)
        if row is None or row["deleted_at"] is not None:
            raise ProjectMemberNotFound
        return member_of(row)

    async def standing(self, project_id: UUID, caller: Principal) -> Standing:
        """Raises `ProjectNotFound`."""
        async with self.database.reading(caller.workspace_id) as connection:
            return await standing(connection, project_id, caller)

    async def add(self, request: AddProjectMember, caller: Principal, person: Member) -> ProjectMember:
        """Raises what `domain.members.refuse_arrival` does, `MadeBefore`, `KeyWasUsedForAnother`."""

        async def work(inside: Inside) -> ProjectMember:
            row = await inside.connection.fetchrow(_KNOWN, request.project_id, request.user_id)
            member_id = row["id"] if row else new_id()
            await claim(inside.connection, request, caller, f"{member_id} {inside.now.timestamp()}")
            count: int = await inside.connection.fetchval(_COUNT, request.project_id)
            here = member_of(row) if row and row["deleted_at"] is None else None
            refuse_arrival(inside.standing, request.role, here, count)
            fields: dict[str, Any] = {
                "role": request.role.value,
                "name": person.name,
                "workspace_role": person.role.value,
                "joined_at": inside.now,
            }
            if row is None:
                fields |= {"id": member_id, "user_id": request.user_id}
                written = await inside.insert("project_members", COLUMNS, fields)
            else:
                written = await inside.update("project_members", COLUMNS, member_id, fields | {"deleted_at": None})
            return await _told(inside, written, Happened.CREATED)

        return await self.within(request.project_id, caller, work, reason=request.reason)

    async def above(self, project_id: UUID, caller: Principal) -> list[UUID]:
        """Who has more of a role than the caller. Raises `ProjectNotFound`."""
        async with self.database.reading(caller.workspace_id) as connection:
            roles = above((await standing(connection, project_id, caller)).role)
            return [row["user_id"] for row in await connection.fetch(_ABOVE, project_id, roles, MOST_ABOVE)] if roles else []

    async def change(self, request: ChangeProjectMember, caller: Principal, gone: Collection[UUID] = ()) -> ProjectMember:
        """Raises what `domain.members.refuse_change` does. gone: of those above the caller, who is not in the workspace any more."""

        async def work(inside: Inside) -> ProjectMember:
            found = await _here(inside, request.member_id)
            others = await _other_owners(inside, found)
            standing = succeeding(inside.standing) if gone and not await _are_led(inside, gone) else inside.standing
            member = refuse_change(standing, found, request.role, others)
            if member.role is request.role:
                return member
            written = await inside.update("project_members", COLUMNS, member.id, {"role": request.role.value})
            return await _told(inside, written, Happened.UPDATED)

        return await self.within(request.project_id, caller, work, reason=request.reason)

    async def remove(self, request: RemoveProjectMember, caller: Principal) -> None:
        """Raises what `domain.members.refuse_departure` does; one who is gone goes again."""

        async def work(inside: Inside) -> None:
            row = await _row(inside.connection, request.project_id, request.member_id)
            if row is not None and row["deleted_at"] is not None:
                inside.standing.require(ProjectRole.MAINTAINER, archived=True)
                return
            found = member_of(row) if row else None
            member = refuse_departure(inside.standing, found, caller.user_id, await _other_owners(inside, found))
            await _told(inside, await inside.delete("project_members", COLUMNS, member.id), Happened.DELETED)

        await self.within(request.project_id, caller, work, reason=request.reason)


def member_of(row: asyncpg.Record) -> ProjectMember:
    return view(ProjectMember, row)


async def are_members(connection: Connection, project_id: UUID, user_id: UUID) -> bool:
    """Whether somebody is in the project now."""
    row = await connection.fetchrow(_KNOWN, project_id, user_id)
    return row is not None and row["deleted_at"] is None


async def _row(connection: Connection, project_id: UUID, either_id: UUID) -> asyncpg.Record | None:
    """By who they are, or by their membership."""
    found = await connection.fetchrow(_KNOWN, project_id, either_id)
    return found or await connection.fetchrow(_BY_ID, project_id, either_id)


async def _here(inside: Inside, either_id: UUID) -> ProjectMember | None:
    row = await _row(inside.connection, inside.project_id, either_id)
    return member_of(row) if row is not None and row["deleted_at"] is None else None


async def _are_led(inside: Inside, gone: Collection[UUID]) -> bool:
    """Whether somebody is above the caller who is not gone."""
    led: bool = await inside.connection.fetchval(_STAYED, inside.project_id, above(inside.standing.role), list(gone))
    return led


async def _other_owners(inside: Inside, member: ProjectMember | None) -> int:
    if member is None or member.role is not ProjectRole.OWNER:
        return 0
    count: int = await inside.connection.fetchval(_OWNERS, inside.project_id, member.user_id)
    return count


async def _told(inside: Inside, row: asyncpg.Record, change: Happened) -> ProjectMember:
    member = member_of(row)
    await inside.tell(
        MemberChanged(entity_id=member.id, version=member.version, project_id=inside.project_id, change=change, member=member)
    )
    if member.user_id != inside.caller.user_id:
        await inside.audit({"did": f"member_{change}", "userId": str(member.user_id), "role": member.role.value})
    return member
