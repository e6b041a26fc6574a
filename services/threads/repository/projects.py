"""Threads of projects: opened with their project, and then as its events say."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg

from services.threads.domain.access import participant_role
from services.threads.domain.membership import spec_role
from services.threads.repository import views, writing
from services.threads.repository.participants import events
from services.threads.repository.threads import told_of, write_fields
from services.threads.repository.views import PARTICIPANT
from shared.contracts.principal import Principal
from shared.contracts.projects.access import Happened, ProjectRole
from shared.contracts.projects.members import MemberChanged
from shared.contracts.projects.projects import ProjectChanged
from shared.contracts.threads.access import State, ThreadNotFound
from shared.contracts.threads.participants import ParticipantAdded, ParticipantChanged, ParticipantRemoved
from shared.contracts.threads.threads import OpenProjectThread, ThreadOpened
from shared.database.connections import Connection, Database, committed

_OPEN = """
    INSERT INTO threads (id, workspace_id, kind, title, creator_id, max_participants, project_id, project_version)
    VALUES ($1, $2, 'project', $3, $4, 100000, $5, 1) ON CONFLICT DO NOTHING RETURNING id"""
_BEGIN = "INSERT INTO activity (thread_id, workspace_id) VALUES ($1, $2)"
_THREAD = "SELECT id FROM threads WHERE workspace_id = $1 AND project_id = $2 AND deleted_at IS NULL"
_PROJECT_VERSION = "SELECT project_version FROM threads WHERE id = $1"
_SEAT = f"SELECT {PARTICIPANT}, p.version, p.project_version, p.left_at FROM participants p WHERE p.thread_id = $1 AND p.user_id = $2"
_ADD = f"""
    INSERT INTO participants AS p (workspace_id, thread_id, id, user_id, role, participant_role, name, joined_at, project_version)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING {PARTICIPANT}, p.version"""
# Of one who was gone before their coming was heard of: it would let them in when it is.
_GONE = """
    INSERT INTO participants (workspace_id, thread_id, id, user_id, role, participant_role, name, joined_at, project_version,
        status, left_at, deleted_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'removed', $10, $10)"""
_TOLD = "UPDATE participants SET project_version = $2 WHERE id = $1"
_BE = f"""
    UPDATE participants p SET participant_role = $2, status = $3, left_at = $4, deleted_at = $4, joined_at = $5, project_version = $6,
        updated_at = $7, version = version + 1
    WHERE p.id = $1 RETURNING {PARTICIPANT}, p.version"""


class ProjectThreads:
    def __init__(self, database: Database, on_commit: Callable[[], None]) -> None:
        self._database, self._on_commit = database, on_commit

    async def open(self, request: OpenProjectThread, caller: Principal) -> None:
        """With its first owner in it, so that they post in their next request."""

        async def attempt() -> None:
            async with self._database.workspace(caller.workspace_id, actor=caller.user_id) as connection:
                thread_id, workspace_id = request.thread_id, caller.workspace_id
                if not await _open(connection, workspace_id, thread_id, request.project_id, request.title, caller.user_id):
                    return
                row = await writing.lock(connection, thread_id)
                part = participant_role(ProjectRole.OWNER, caller.role).value
                spoken = spec_role(caller.role).value
                seat = (workspace_id, thread_id, request.membership_id, caller.user_id, spoken, part, caller.name, row["now"], 1)
                added = await connection.fetch(_ADD, *seat)
                await writing.move(connection, thread_id, row["now"], 1, archived=False)
                await writing.tell(connection, workspace_id, thread_id, *events(ParticipantAdded, thread_id, added))

        await committed(attempt, self._on_commit)


async def follow_project(connection: Connection, workspace_id: UUID, event: ProjectChanged) -> None:
    """Let a project's thread be called as it is, and be archived with it; one that is not there yet is opened.

    Of a deleted project too, or what came before its deletion and is heard of after it would open one that nobody archives.
    """
    project = event.project
    await _open(connection, workspace_id, project.thread_id, project.id, project.name, project.created_by)
    row = await writing.lock(connection, project.thread_id)
    if (await connection.fetchval(_PROJECT_VERSION, project.thread_id)) >= event.version:
        return
    archived = project.archived or event.change is Happened.DELETED
    before = views.facts_of(row)
    wanted: dict[str, Any] = {"title": project.name, "state": State.ARCHIVED if archived else State.ACTIVE}
    fields = {name: value for name, value in wanted.items() if value != getattr(before, name)}
    after = before.model_copy(update={**fields, "archived": archived, "updated_at": row["now"]})
    told = told_of(before, after, list(fields), row["version"])
    version = told[-1].version if told else row["version"]
    await write_fields(connection, before.id, {**fields, "project_version": event.version}, version, row["now"])
    if told:
        await writing.move(connection, before.id, row["now"], row["participant_count"], archived=archived)
        await writing.tell(connection, workspace_id, before.id, *told)


async def follow_member(connection: Connection, workspace_id: UUID, event: MemberChanged) -> None:
    """Let a project's member take part in its thread, be what they are, or be gone.

    Raises `ThreadNotFound` where the project was not heard of yet: then this is heard again.
    """
    thread_id = await connection.fetchval(_THREAD, workspace_id, event.project_id)
    if thread_id is None:
        raise ThreadNotFound
    row = await writing.lock(connection, thread_id)
    member, gone = event.member, event.change is Happened.DELETED
    seat = await connection.fetchrow(_SEAT, thread_id, member.user_id)
    if seat is not None and (seat["project_version"] or 0) >= event.version:
        return
    here = seat is not None and seat["left_at"] is None
    if gone and not here:
        if seat is None:
            await connection.execute(_GONE, *_seat(workspace_id, thread_id, event), row["now"])
        else:
            await connection.execute(_TOLD, seat["id"], event.version)
        return
    part = participant_role(member.role, member.workspace_role).value
    if seat is None:
        written = await connection.fetch(_ADD, *_seat(workspace_id, thread_id, event))
    else:
        written = await _be(connection, seat, part, event, row["now"] if gone else None)
    if here == (not gone):
        kind: type[ParticipantAdded | ParticipantChanged | ParticipantRemoved] = ParticipantChanged
    else:
        kind = ParticipantRemoved if gone else ParticipantAdded
    count = row["participant_count"] + (not gone) - here
    await writing.move(connection, thread_id, row["now"], count, archived=row["state"] == State.ARCHIVED)
    await writing.tell(connection, workspace_id, thread_id, *events(kind, thread_id, written))


def _seat(workspace_id: UUID, thread_id: UUID, event: MemberChanged) -> tuple[object, ...]:
    member = event.member
    spoken, part = spec_role(member.workspace_role).value, participant_role(member.role, member.workspace_role).value
    return workspace_id, thread_id, member.id, member.user_id, spoken, part, member.name, member.joined_at, event.version


async def _be(connection: Connection, seat: asyncpg.Record, part: str, event: MemberChanged, left_at: Any) -> list[asyncpg.Record]:
    status = "removed" if left_at is not None else "active"
    now = left_at or event.member.joined_at
    return await connection.fetch(_BE, seat["id"], part, status, left_at, event.member.joined_at, event.version, now)


async def _open(connection: Connection, workspace_id: UUID, thread_id: UUID, project_id: UUID, title: str, creator_id: UUID) -> bool:
    """Whether it is this who opened it."""
    opened = await connection.fetchval(_OPEN, thread_id, workspace_id, title, creator_id, project_id)
    if opened is None:
        return False
    await connection.execute(_BEGIN, thread_id, workspace_id)
    thread = await views.thread(connection, thread_id)
    await writing.tell(connection, workspace_id, thread_id, ThreadOpened(entity_id=thread_id, version=1, thread=thread))
    return True
