"""Paths of files, and which version a change is of."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from shared.contracts.projects.files import NAME_LENGTH, PATH_LENGTH, PathIsTaken, ProjectFileIsTooLarge
from shared.contracts.projects.versions import VersionIsNotSaid, VersionIsStale
from shared.contracts.refusals import FieldError, RequestIsInvalid

LAST_PATH = chr(0x10FFFF)
"""After all that there can be."""


def name_of(path: str) -> str:
    return path.rpartition("/")[2]


def folders_of(path: str) -> list[str]:
    """The folders that a path is in."""
    steps = path.split("/")
    return ["/".join(steps[:count]) for count in range(1, len(steps))]


def within(folder: str | None, after: str | None) -> tuple[str, str]:
    """The paths that those in a folder are between, from a path on: it with "/", and it with the character after that."""
    if folder is None:
        return after or "", LAST_PATH
    return max(after or "", f"{folder}/"), f"{folder}0"


def refuse_other_version(if_match: str | None, version: int, *, needed: bool = True) -> None:
    """Raises `VersionIsNotSaid`, `VersionIsStale`. Tags are compared strongly, as RFC 9110 wants it for changes."""
    if if_match is None:
        if needed:
            raise VersionIsNotSaid
        return
    tags = [tag.strip() for tag in if_match.split(",")]
    if "*" not in tags and f'"{version}"' not in tags:
        raise VersionIsStale


def size_of(content: str, limit: int) -> int:
    """In bytes. Raises `ProjectFileIsTooLarge`."""
    size = len(content.encode())
    if size > limit:
        raise ProjectFileIsTooLarge
    return size


def moved_paths(paths: Mapping[UUID, str], others: Collection[str], source: str, target: str) -> dict[UUID, str]:
    """The new path of each file that is moved with its folder. others: the paths of all that stay.

    Raises `RequestIsInvalid`, `PathIsTaken`.
    """
    if not paths:
        raise _wrong("fromPath", "not_found", "No file or folder of this project is at this path.")
    if target.startswith(f"{source}/"):
        raise _wrong("toPath", "within_itself", "A folder cannot be moved into itself.")
    moved = {file_id: target + path[len(source) :] for file_id, path in paths.items()}
    if any(len(path) > PATH_LENGTH or len(name_of(path)) > NAME_LENGTH for path in moved.values()):
        raise _wrong("toPath", "too_long", f"A path would be longer than {PATH_LENGTH} characters.")
    _refuse_clash(moved.values(), others)
    return moved


def _refuse_clash(new: Iterable[str], others: Collection[str]) -> None:
    """No two files are at one path, and none is where a folder is."""
    coming, there = set(new), set(others)
    if coming & there or there & _folders(coming) or coming & _folders(there) or coming & _folders(coming):
        raise PathIsTaken


def _folders(paths: Iterable[str]) -> set[str]:
    return {folder for path in paths for folder in folders_of(path)}


def _wrong(field: str, code: str, detail: str) -> RequestIsInvalid:
    errors: Sequence[FieldError] = [FieldError(field=field, code=code, detail=detail)]
    return RequestIsInvalid(errors=errors)
