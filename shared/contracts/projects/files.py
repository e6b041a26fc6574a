"""Files of projects: code, and what is made of it."""

import unicodedata
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from shared.contracts.model import Event, Nothing, Reason, Request, Text, Time, TrimmedText, View, without_nul
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.projects.access import Happened, ProjectIsArchived, ProjectNotFound, ProjectRoleIsNotEnough
from shared.contracts.projects.projects import Cursor, Limit
from shared.contracts.projects.versions import IfMatch, VersionIsNotSaid, VersionIsStale
from shared.contracts.refusals import Conflict, CursorIsNotValid, NotFound, RequestIsInvalid, TooLarge

MOST_FILES = 10_000
PATH_LENGTH, NAME_LENGTH = 512, 255


def _path(value: str) -> str:
    """The one way to write it: paths that look the same are the same."""
    path = unicodedata.normalize("NFC", without_nul(value))
    steps = path.split("/")
    if any(step in ("", ".", "..") or step != step.strip() for step in steps):
        raise ValueError("is no path like src/app/page.tsx")
    if "\\" in path or any(unicodedata.category(character) == "Cc" for character in path):
        raise ValueError("holds what no path may have")
    if any(len(step) > NAME_LENGTH for step in steps) or len(path) > PATH_LENGTH:
        raise ValueError("is too long")
    return path


FilePath = Annotated[str, AfterValidator(_path), Field(min_length=1, max_length=PATH_LENGTH)]
Language = Annotated[TrimmedText, Field(min_length=1, max_length=32)]


class FileType(StrEnum):
    CODE = "CODE"
    ASSET = "ASSET"
    GENERATED = "GENERATED"


class FileEntry(View):
    """A file without its content. name: the last step of its path. size: of its content, in bytes."""

    id: UUID
    project_id: UUID
    path: str
    name: str
    type: FileType
    language: str | None
    size: int
    created_by: UUID
    updated_by: UUID
    created_at: Time
    updated_at: Time
    version: int


class ProjectFile(FileEntry):
    """A file with its content."""

    content: str


class FileEntryPage(View):
    """By their paths."""

    files: list[FileEntry]
    has_more: bool
    next_cursor: str | None


class FileVersion(View):
    """What a file was, or is: from when, and by whom."""

    version: int
    path: str
    size: int
    updated_by: UUID
    updated_at: Time


class FileVersionPage(View):
    """Newest first."""

    versions: list[FileVersion]
    has_more: bool
    next_cursor: str | None


class MovedFiles(View):
    """How many files have other paths now."""

    moved: int


class FileNotFound(NotFound):
    """There is no such file in this project, or it had no such version."""


class PathIsTaken(Conflict):
    """A file or a folder is at this path already."""


class FilesAreTooMany(Conflict):
    """The project has as many files as it may have."""


class ProjectFileIsTooLarge(TooLarge):
    """The file is larger than files of projects may be."""


class ListFiles(Request):
    """The files of a project, or those in a folder and in the folders within it."""

    project_id: UUID
    folder: FilePath | None = None
    type: FileType | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class GetFile(Request):
    """A file as it is, or as it was in a version."""

    project_id: UUID
    file_id: UUID
    version: Annotated[int, Field(ge=1, le=2_147_483_647)] | None = None


class ListFileVersions(Request):
    project_id: UUID
    file_id: UUID
    limit: Limit = 50
    cursor: Cursor | None = None


class CreateFile(Request):
    project_id: UUID
    path: FilePath
    type: FileType = FileType.CODE
    language: Language | None = None
    content: Text = ""


class ChangeFile(Request):
    """Change what is sent of the version that `If-Match` names. Another path moves the file."""

    project_id: UUID
    file_id: UUID
    path: FilePath = "-"
    type: FileType = FileType.CODE
    language: Language | None = None
    content: Text = ""
    if_match: IfMatch | None = None
    reason: Reason | None = None


class DeleteFile(Request):
    """Delete the version that `If-Match` names."""

    project_id: UUID
    file_id: UUID
    if_match: IfMatch | None = None
    reason: Reason | None = None


class MoveFiles(Request):
    """Let a file, or a folder with all that is in it, have another path: all of it or nothing. Folders that are there take it in."""

    project_id: UUID
    from_path: FilePath
    to_path: FilePath
    reason: Reason | None = None


_CHANGES = (ProjectNotFound, ProjectIsArchived, ProjectRoleIsNotEnough)
LIST_FILES = Operation(ListFiles, FileEntryPage, called_by=[GATEWAY], refuses=[ProjectNotFound, CursorIsNotValid], coalesced=False)
GET_FILE = Operation(GetFile, ProjectFile, called_by=[GATEWAY], refuses=[ProjectNotFound, FileNotFound], coalesced=False)
LIST_FILE_VERSIONS = Operation(
    ListFileVersions, FileVersionPage, called_by=[GATEWAY], refuses=[ProjectNotFound, FileNotFound, CursorIsNotValid], coalesced=False
)
CREATE_FILE = Operation(
    CreateFile,
    ProjectFile,
    called_by=[GATEWAY],
    refuses=[*_CHANGES, PathIsTaken, FilesAreTooMany, ProjectFileIsTooLarge],
    coalesced=False,
    keyed=True,
)
CHANGE_FILE = Operation(
    ChangeFile,
    ProjectFile,
    called_by=[GATEWAY],
    refuses=[*_CHANGES, FileNotFound, PathIsTaken, ProjectFileIsTooLarge, VersionIsNotSaid, VersionIsStale],
    coalesced=False,
)
DELETE_FILE = Operation(DeleteFile, Nothing, called_by=[GATEWAY], refuses=[*_CHANGES, FileNotFound, VersionIsNotSaid, VersionIsStale])
MOVE_FILES = Operation(MoveFiles, MovedFiles, called_by=[GATEWAY], refuses=[*_CHANGES, PathIsTaken, RequestIsInvalid], coalesced=False)


class FileChanged(Event):
    """A file is there, is another than before, has another path (`moved`), or is gone."""

    project_id: UUID
    change: Happened
    file: FileEntry
