"""Files: made, found, listed, changed, moved, deleted, and what they were."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg

from services.projects.domain.files import folders_of, moved_paths, name_of, refuse_other_version, size_of, within
from services.projects.repository.access import standing
from services.projects.repository.changing import Changing, Inside
from services.projects.repository.pages import unlink_file
from services.projects.repository.rows import HIGHEST, view
from shared.contracts.principal import Principal
from shared.contracts.projects.access import Happened, ProjectRole
from shared.contracts.projects.files import (
    MOST_FILES,
    ChangeFile,
    CreateFile,
    DeleteFile,
    FileChanged,
    FileEntry,
    FileNotFound,
    FilesAreTooMany,
    FileVersion,
    GetFile,
    ListFiles,
    ListFileVersions,
    MoveFiles,
    PathIsTaken,
    ProjectFile,
)
from shared.database.idempotency import claim
from shared.identifiers import new_id

ENTRY = "id, project_id, path, name, type, language, size, created_by, updated_by, created_at, updated_at, version"
_FILE = f"{ENTRY}, content"
ONE = f"SELECT {_FILE}, deleted_at FROM files WHERE id = $1 AND project_id = $2"
_PAGE = f"""
    SELECT {ENTRY} FROM files WHERE project_id = $1 AND deleted_at IS NULL AND path > $2 AND path < $3 AND ($4::text IS NULL OR type = $4)
    ORDER BY path LIMIT $5"""
_COUNT = "SELECT count(*) FROM files WHERE project_id = $1 AND deleted_at IS NULL"
_TAKEN = """
    SELECT EXISTS (
        SELECT FROM files WHERE project_id = $1 AND deleted_at IS NULL AND path = ANY($2::text[]) AND id <> $4
    ) OR EXISTS (
        SELECT FROM files
        WHERE project_id = $1 AND deleted_at IS NULL AND path > $3::text || '/' AND path < $3 || '0' AND id <> $4
    )"""
_PATHS = "SELECT id, path FROM files WHERE project_id = $1 AND deleted_at IS NULL"
_MOVE = f"""
    UPDATE files f SET path = new.path, name = new.name, updated_by = $4, updated_at = $5, version = version + 1
    FROM unnest($1::uuid[], $2::text[], $3::text[]) AS new (id, path, name) WHERE f.id = new.id
    RETURNING {", ".join(f"f.{part.strip()}" for part in ENTRY.split(","))}"""

# What a file was in a version; its content is that of the next version that has another.
_WAS = f"""
    SELECT {ENTRY}, coalesce(h.content, (
        SELECT later.content FROM files_history later
        WHERE later.id = h.id AND later.version > h.version AND later.content IS NOT NULL ORDER BY later.version LIMIT 1
    ), (SELECT f.content FROM files f WHERE f.id = h.id)) AS content
    FROM files_history h WHERE h.id = $1 AND h.version = $2"""
_VERSIONS = """
    SELECT * FROM (
        SELECT version, path, size, updated_by, updated_at FROM files WHERE id = $1 AND version < $2
        UNION ALL (
            SELECT version, path, size, updated_by, updated_at FROM files_history WHERE id = $1 AND version < $2
            ORDER BY version DESC LIMIT $3
        )
    ) AS versions ORDER BY version DESC LIMIT $3"""


class Files(Changing):
    async def get(self, request: GetFile, caller: Principal) -> ProjectFile:
        """Raises `ProjectNotFound`, `FileNotFound`."""
        async with self.database.reading(caller.workspace_id) as connection:
            await standing(connection, request.project_id, caller)
            file = _here(await connection.fetchrow(ONE, request.file_id, request.project_id))
            if request.version in (None, file.version):
                return file
            row = await connection.fetchrow(_WAS, request.file_id, request.version)
        if row is None:
            raise FileNotFound
        return view(ProjectFile, row)

    async def page(self, request: ListFiles, after: str | None, caller: Principal) -> list[FileEntry]:
        """From a path on, and one more where more follow. Raises `ProjectNotFound`."""
        async with self.database.reading(caller.workspace_id) as connection:
            await standing(connection, request.project_id, caller)
            rows = await connection.fetch(_PAGE, request.project_id, *within(request.folder, after), request.type, request.limit + 1)
        return [view(FileEntry, row) for row in rows]

    async def versions(self, request: ListFileVersions, before: int | None, caller: Principal) -> list[FileVersion]:
        """The newest, and one more where more follow. Raises `ProjectNotFound`, `FileNotFound`."""
        async with self.database.reading(caller.workspace_id) as connection:
            await standing(connection, request.project_id, caller)
            _here(await connection.fetchrow(ONE, request.file_id, request.project_id))
            rows = await connection.fetch(_VERSIONS, request.file_id, HIGHEST if before is None else before, request.limit + 1)
        return [view(FileVersion, row) for row in rows]

    async def create(self, request: CreateFile, caller: Principal, limit: int) -> ProjectFile:
        """Raises `PathIsTaken`, `FilesAreTooMany`, `ProjectFileIsTooLarge`, `MadeBefore`, and what every change of a project does."""

        async def work(inside: Inside) -> ProjectFile:
            file_id = new_id()
            await claim(inside.connection, request, caller, file_id)
            inside.standing.require(ProjectRole.MEMBER)
            size = size_of(request.content, limit)
            if await inside.connection.fetchval(_COUNT, request.project_id) >= MOST_FILES:
                raise FilesAreTooMany
            await _refuse_taken(inside, request.path, file_id)
            fields = {"id": file_id, **_placed(request.path), "type": request.type, "language": request.language}
            fields |= {"content": request.content, "size": size, "created_by": caller.user_id, "updated_by": caller.user_id}
            file = view(ProjectFile, await inside.insert("files", _FILE, fields))
            await inside.tell(_told(file, Happened.CREATED))
            return file

        return await self.within(request.project_id, caller, work)

    async def change(self, request: ChangeFile, caller: Principal, limit: int) -> ProjectFile:
        """Raises `FileNotFound`, `VersionIsNotSaid`, `VersionIsStale`, `PathIsTaken`, `ProjectFileIsTooLarge`."""

        async def work(inside: Inside) -> ProjectFile:
            inside.standing.require(ProjectRole.MEMBER)
            found = _here(await inside.connection.fetchrow(ONE, request.file_id, request.project_id))
            refuse_other_version(request.if_match, found.version)
            sent = request.model_fields_set & {"path", "type", "language", "content"}
            fields: dict[str, Any] = {name: getattr(request, name) for name in sorted(sent)}
            fields = {name: value for name, value in fields.items() if value != getattr(found, name)}
            if not fields:
                return found
            moved = set(fields) == {"path"}
            if "content" in fields:
                fields["size"] = size_of(request.content, limit)
            if "path" in fields:
                await _refuse_taken(inside, request.path, found.id)
                fields |= _placed(request.path)
            file = view(ProjectFile, await inside.update("files", _FILE, found.id, fields | {"updated_by": caller.user_id}))
            await inside.tell(_told(file, Happened.MOVED if moved else Happened.UPDATED))
            return file

        return await self.within(request.project_id, caller, work, reason=request.reason)

    async def delete(self, request: DeleteFile, caller: Principal) -> None:
        """Raises `FileNotFound`, `VersionIsNotSaid`, `VersionIsStale`."""

        async def work(inside: Inside) -> None:
            inside.standing.require(ProjectRole.MAINTAINER)
            row = await inside.connection.fetchrow(ONE, request.file_id, request.project_id)
            if row is None:
                raise FileNotFound
            if row["deleted_at"] is not None:
                return
            refuse_other_version(request.if_match, row["version"])
            file = view(FileEntry, await inside.delete("files", ENTRY, request.file_id))
            await inside.tell(_told(file, Happened.DELETED))
            await unlink_file(inside, file.id)

        await self.within(request.project_id, caller, work, reason=request.reason)

    async def move(self, request: MoveFiles, caller: Principal) -> int:
        """How many were moved. Raises `PathIsTaken`, `RequestIsInvalid`, and what every change of a project does."""

        async def work(inside: Inside) -> int:
            inside.standing.require(ProjectRole.MEMBER)
            rows = await inside.connection.fetch(_PATHS, request.project_id)
            source, folder = request.from_path, f"{request.from_path}/"
            paths = {row["id"]: row["path"] for row in rows if row["path"] == source or row["path"].startswith(folder)}
            others = [row["path"] for row in rows if row["id"] not in paths]
            moved = moved_paths(paths, others, source, request.to_path)
            if source == request.to_path:
                return 0
            written = await _write_paths(inside, moved)
            await inside.tell(*(_told(view(FileEntry, row), Happened.MOVED) for row in written))
            return len(written)

        return await self.within(request.project_id, caller, work, reason=request.reason)


async def _write_paths(inside: Inside, moved: Mapping[UUID, str]) -> list[asyncpg.Record]:
    names = [name_of(path) for path in moved.values()]
    return await inside.connection.fetch(_MOVE, list(moved), list(moved.values()), names, inside.caller.user_id, inside.now)


async def _refuse_taken(inside: Inside, path: str, file_id: UUID) -> None:
    """No file is where another is, where a folder is, or in one that is a file."""
    if await inside.connection.fetchval(_TAKEN, inside.project_id, [path, *folders_of(path)], path, file_id):
        raise PathIsTaken


def _placed(path: str) -> dict[str, Any]:
    return {"path": path, "name": name_of(path)}


def _here(row: asyncpg.Record | None) -> ProjectFile:
    if row is None or row["deleted_at"] is not None:
        raise FileNotFound
    return view(ProjectFile, row)


def _told(file: FileEntry, change: Happened) -> FileChanged:
    entry = FileEntry.model_construct(**{name: getattr(file, name) for name in FileEntry.model_fields})
    return FileChanged(entity_id=file.id, version=file.version, project_id=file.project_id, change=change, file=entry)
