"""Files: made, found, listed, changed, moved, deleted."""

from pydantic import TypeAdapter

from services.projects.repository.rows import HIGHEST
from services.projects.service import Service
from shared import cursors
from shared.contracts.model import Nothing
from shared.contracts.principal import Principal
from shared.contracts.projects.files import (
    ChangeFile,
    CreateFile,
    DeleteFile,
    FileEntryPage,
    FileVersionPage,
    GetFile,
    ListFiles,
    ListFileVersions,
    MovedFiles,
    MoveFiles,
    ProjectFile,
)
from shared.contracts.refusals import CursorIsNotValid
from shared.database.idempotency import MadeBefore
from shared.messaging.work import Replayed

_VERSION = TypeAdapter(tuple[int])


async def list_files(request: ListFiles, caller: Principal, service: Service) -> FileEntryPage:
    list_name = f"files:{request.project_id}:{request.type}:{request.folder or ''}"
    (after,) = cursors.decode(list_name, request.cursor, cursors.TEXT) if request.cursor is not None else (None,)
    found = await service.files.page(request, after, caller)
    page, more = found[: request.limit], len(found) > request.limit
    return FileEntryPage(files=page, has_more=more, next_cursor=cursors.encode(list_name, page[-1].path) if more else None)


async def get_file(request: GetFile, caller: Principal, service: Service) -> ProjectFile:
    return await service.files.get(request, caller)


async def list_file_versions(request: ListFileVersions, caller: Principal, service: Service) -> FileVersionPage:
    list_name = f"file-versions:{request.file_id}"
    (before,) = cursors.decode(list_name, request.cursor, _VERSION) if request.cursor is not None else (None,)
    if before is not None and not 0 <= before <= HIGHEST:
        raise CursorIsNotValid
    found = await service.files.versions(request, before, caller)
    page, more = found[: request.limit], len(found) > request.limit
    return FileVersionPage(versions=page, has_more=more, next_cursor=cursors.encode(list_name, page[-1].version) if more else None)


async def create_file(request: CreateFile, caller: Principal, service: Service) -> ProjectFile | Replayed[ProjectFile]:
    try:
        return await service.files.create(request, caller, service.file_limit)
    except MadeBefore as before:
        return Replayed(await service.files.get(GetFile(project_id=request.project_id, file_id=before.uuid), caller))


async def change_file(request: ChangeFile, caller: Principal, service: Service) -> ProjectFile:
    return await service.files.change(request, caller, service.file_limit)


async def delete_file(request: DeleteFile, caller: Principal, service: Service) -> Nothing:
    await service.files.delete(request, caller)
    return Nothing()


async def move_files(request: MoveFiles, caller: Principal, service: Service) -> MovedFiles:
    return MovedFiles(moved=await service.files.move(request, caller))
