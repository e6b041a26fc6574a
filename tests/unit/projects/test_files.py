"""Paths that are moved, and versions that are changed."""

import pytest

from services.projects.domain.files import folders_of, moved_paths, refuse_other_version, size_of
from shared.contracts.projects.files import PathIsTaken, ProjectFileIsTooLarge
from shared.contracts.projects.versions import VersionIsNotSaid, VersionIsStale
from shared.contracts.refusals import RequestIsInvalid
from shared.identifiers import new_id


def moved(paths: list[str], others: list[str], source: str, target: str) -> list[str]:
    return list(moved_paths({new_id(): path for path in paths}, others, source, target).values())


def test_folders_are_what_a_path_is_in() -> None:
    assert folders_of("a/b/c.ts") == ["a", "a/b"]
    assert folders_of("c.ts") == []


def test_a_folder_comes_with_all_that_is_in_it() -> None:
    assert moved(["a/1", "a/b/2"], ["c"], "a", "d/e") == ["d/e/1", "d/e/b/2"]
    assert moved(["a"], ["b/c"], "a", "b/d") == ["b/d"]


@pytest.mark.parametrize("others", [["b/1"], ["b"], ["b/1/x"]])
def test_nothing_comes_where_something_is(others: list[str]) -> None:
    with pytest.raises(PathIsTaken):
        moved(["a/1"], others, "a", "b")


@pytest.mark.parametrize(("paths", "target"), [([], "b"), (["a/1"], "a/b"), (["a/" + "x" * 400], "b/" + "y" * 200)])
def test_what_makes_no_sense_is_invalid(paths: list[str], target: str) -> None:
    with pytest.raises(RequestIsInvalid):
        moved(paths, [], "a", target)


@pytest.mark.parametrize("said", ['"3"', '"1", "3"', "*", ' "3" '])
def test_the_version_that_is_there_is_changed(said: str) -> None:
    refuse_other_version(said, 3)


@pytest.mark.parametrize("said", ['"2"', 'W/"3"', "3", "", '"33"'])
def test_another_version_is_not(said: str) -> None:
    with pytest.raises(VersionIsStale):
        refuse_other_version(said, 3)


def test_without_a_version_nothing_is_changed_where_it_is_needed() -> None:
    refuse_other_version(None, 3, needed=False)
    with pytest.raises(VersionIsNotSaid):
        refuse_other_version(None, 3)


def test_a_content_is_measured_in_bytes() -> None:
    assert size_of("é", 2) == 2
    with pytest.raises(ProjectFileIsTooLarge):
        size_of("é", 1)
