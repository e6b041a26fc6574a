"""Files of projects over HTTP."""

from services.gateway.replies import CreatedTagged, NoContent, Ok, PolledByVersion, Tagged
from services.gateway.routing import Call, route
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.projects.files import (
    CHANGE_FILE,
    CREATE_FILE,
    DELETE_FILE,
    GET_FILE,
    LIST_FILE_VERSIONS,
    LIST_FILES,
    MOVE_FILES,
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

FILES = "/api/projects/{projectId}/files"
FILE = FILES + "/{fileId}"


@route("GET", FILES, LIST_FILES, needs=Permission.PROJECT_READ)
async def list_files(request: ListFiles, caller: Principal, call: Call) -> Ok[FileEntryPage]:
    """The files of a project, or of a folder, by their paths and without their contents."""
    return Ok(await call.answer(LIST_FILES, request, caller))


@route("POST", FILES, CREATE_FILE, needs=Permission.PROJECT_FILES)
async def create_file(request: CreateFile, caller: Principal, call: Call) -> CreatedTagged[ProjectFile]:
    """Make a file."""
    return CreatedTagged(await call.answer(CREATE_FILE, request, caller), at=f"/api/projects/{request.project_id}/files/{{id}}")


@route("POST", FILES + "/move", MOVE_FILES, needs=Permission.PROJECT_FILES)
async def move_files(request: MoveFiles, caller: Principal, call: Call) -> Ok[MovedFiles]:
    """Rename or move a file, or a folder with all that is in it."""
    return Ok(await call.answer(MOVE_FILES, request, caller))


@route("GET", FILE, GET_FILE, needs=Permission.PROJECT_READ)
async def get_file(request: GetFile, caller: Principal, call: Call) -> PolledByVersion[ProjectFile]:
    """A file with its content, as it is or as it was."""
    return PolledByVersion(await call.answer(GET_FILE, request, caller))


@route("GET", FILE + "/versions", LIST_FILE_VERSIONS, needs=Permission.PROJECT_READ)
async def list_file_versions(request: ListFileVersions, caller: Principal, call: Call) -> Ok[FileVersionPage]:
    """What a file was, newest first."""
    return Ok(await call.answer(LIST_FILE_VERSIONS, request, caller))


@route("PATCH", FILE, CHANGE_FILE, needs=Permission.PROJECT_FILES)
async def change_file(request: ChangeFile, caller: Principal, call: Call) -> Tagged[ProjectFile]:
    """Change the fields that are sent of the version that `If-Match` names."""
    return Tagged(await call.answer(CHANGE_FILE, request, caller))


@route("DELETE", FILE, DELETE_FILE, needs=Permission.PROJECT_FILES)
async def delete_file(request: DeleteFile, caller: Principal, call: Call) -> NoContent:
    """Delete the version of a file that `If-Match` names."""
    await call.answer(DELETE_FILE, request, caller)
    return NoContent()
