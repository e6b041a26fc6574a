"""Links that people make."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from services.graph.domain import link_type
from services.graph.repository.artifacts import record_early
from shared.contracts.artifacts import Artifact, ArtifactType
from shared.contracts.graph.links import ArtifactLink, ArtifactLinkNotFound, Ends, Happened, LinkChanged, LinkType
from shared.contracts.principal import Principal
from shared.contracts.refusals import ServiceIsUnavailable
from shared.database.connections import Database, committed
from shared.database.idempotency import MadeBefore, claim
from shared.identifiers import new_id
from shared.messaging.work import Found, Replayed
from shared.outbox.outbox import emission, emit

COLUMNS = """id, project_id, thread_id, source_type, source_id, target_type, target_id, type, derived IS NOT NULL AS derived, created_by,
    created_at"""

_INSERT = f"""
    INSERT INTO artifact_links (id, workspace_id, project_id, thread_id, source_type, source_id, target_type, target_id, type, created_by)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (source_id, target_id, coalesce(project_id, thread_id)) WHERE derived IS NULL AND deleted_at IS NULL DO NOTHING
    RETURNING {COLUMNS}"""

SAME = f"""
    SELECT {COLUMNS} FROM artifact_links
    WHERE source_id = $1 AND target_id = $2 AND coalesce(project_id, thread_id) = $3 AND derived IS NULL AND deleted_at IS NULL"""

_GET = f"SELECT {COLUMNS}, deleted_at FROM artifact_links WHERE id = $1"

OF_PROJECT = f"""
    SELECT {COLUMNS} FROM artifact_links WHERE project_id = $1 AND deleted_at IS NULL AND id < $2 ORDER BY id DESC LIMIT $3"""
OF_THREAD = f"""
    SELECT {COLUMNS} FROM artifact_links WHERE thread_id = $1 AND deleted_at IS NULL AND id < $2 ORDER BY id DESC LIMIT $3"""

_DELETE = f"""
    UPDATE artifact_links SET deleted_at = now(), updated_at = now(), version = version + 1, position = NULL
    WHERE id = $1 AND deleted_at IS NULL RETURNING {COLUMNS}, version"""

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose list a link is in: a project's or a thread's."""

    project_id: UUID | None = None
    thread_id: UUID | None = None

    @property
    def key(self) -> UUID:
        key = self.project_id or self.thread_id
        assert key is not None, "a link that somebody makes is in a project or a thread"
        return key

    def holds(self, link: ArtifactLink) -> bool:
        return self.key in (link.project_id, link.thread_id)


class _IsThere(Exception):
    """The same link was made before."""


class Links:
    def __init__(self, database: Database, on_commit: Callable[[], None]) -> None:
        self._database, self._on_commit = database, on_commit

    async def make(
        self, request: Ends, scope: Scope, ends: Sequence[Artifact], caller: Principal
    ) -> ArtifactLink | Found[ArtifactLink] | Replayed[ArtifactLink]:
        """ends: what is linked, as its owners have it."""

        async def attempt() -> ArtifactLink:
            async with self._database.workspace(caller.workspace_id, actor=caller.user_id) as connection:
                link_id = new_id()
                await claim(connection, request, caller, link_id)
                await record_early(connection, ends)
                row = await connection.fetchrow(
                    _INSERT,
                    link_id,
                    caller.workspace_id,
                    scope.project_id,
                    scope.thread_id,
                    request.source_type,
                    request.source_id,
                    request.target_type,
                    request.target_id,
                    link_type(request.source_type, request.target_type),
                    caller.user_id,
                )
                if row is None:
                    raise _IsThere  # so that its key is nobody's
                link = link_of(row)
                event = LinkChanged(entity_id=link.id, version=1, change=Happened.CREATED, link=link)
                await emit(connection, emission(event, caller.workspace_id, scope.key))
                return link

        for _ in range(_ATTEMPTS):
            try:
                return await committed(attempt, self._on_commit)
            except MadeBefore as before:
                return Replayed((await self._get(before.uuid, caller))[0])
            except _IsThere:
                same = await self._same(request, scope, caller)
            if same is not None:
                return Found(same)
        raise ServiceIsUnavailable  # made, and taken away before it was looked for, again and again

    async def _same(self, request: Ends, scope: Scope, caller: Principal) -> ArtifactLink | None:
        async with self._database.reading(caller.workspace_id) as connection:
            row = await connection.fetchrow(SAME, request.source_id, request.target_id, scope.key)
        return link_of(row) if row else None

    async def page(self, scope: Scope, before: UUID, limit: int, caller: Principal) -> list[ArtifactLink]:
        """Newest first, whoever sees them."""
        async with self._database.reading(caller.workspace_id) as connection:
            return [link_of(row) for row in await connection.fetch(OF_PROJECT if scope.project_id else OF_THREAD, scope.key, before, limit)]

    async def find(self, link_id: UUID, scope: Scope, caller: Principal) -> ArtifactLink | None:
        """None for one that was taken away. Raises `ArtifactLinkNotFound`."""
        link, there = await self._get(link_id, caller)
        if not scope.holds(link):
            raise ArtifactLinkNotFound
        return link if there else None

    async def delete(self, link_id: UUID, scope: Scope, caller: Principal) -> None:
        async def attempt() -> None:
            async with self._database.workspace(caller.workspace_id, actor=caller.user_id) as connection:
                row = await connection.fetchrow(_DELETE, link_id)
                if row is not None:
                    link = link_of(row)
                    event = LinkChanged(entity_id=link.id, version=row["version"], change=Happened.DELETED, link=link)
                    await emit(connection, emission(event, caller.workspace_id, scope.key))

        await committed(attempt, self._on_commit)

    async def _get(self, link_id: UUID, caller: Principal) -> tuple[ArtifactLink, bool]:
        """A link, and whether it is still there. Raises `ArtifactLinkNotFound`."""
        async with self._database.reading(caller.workspace_id) as connection:
            row = await connection.fetchrow(_GET, link_id)
        if row is None:
            raise ArtifactLinkNotFound
        return link_of(row), row["deleted_at"] is None


def link_of(row: asyncpg.Record) -> ArtifactLink:
    return ArtifactLink.model_construct(
        id=row["id"],
        project_id=row["project_id"],
        thread_id=row["thread_id"],
        source_type=ArtifactType(row["source_type"]),
        source_id=row["source_id"],
        target_type=ArtifactType(row["target_type"]),
        target_id=row["target_id"],
        type=LinkType(row["type"]),
        derived=row["derived"],
        created_by=row["created_by"],
        created_at=row["created_at"],
    )
