"""Where data and sockets go."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.embedded import data_folder as data_folder_for
from shared.embedded import make_folder, socket_folder
from shared.embedded.folders import SOCKETS, SYSTEM_FOLDER, digest
from tests.servers import data_folder

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root's PostgreSQL runs as another user")
LONGEST_SOCKET_NAME = ".s.PGSQL.5432.lock"


@pytest.fixture
def folder() -> Iterator[Path]:
    with data_folder() as folder:
        yield folder


@pytest.fixture
def sockets(folder: Path) -> Iterator[Path]:
    """The place of the private folder of `folder`, empty before and after."""
    place = SOCKETS / f"atrium-{os.geteuid()}-{digest(folder)}"
    yield place
    if place.is_symlink():
        place.unlink()
    elif place.exists():
        place.rmdir()


def test_a_folder_that_anyone_can_enter_is_the_data_folder(folder: Path) -> None:
    assert data_folder_for(folder / "deep" / "data") == folder / "deep" / "data"


@as_root
def test_what_postgresqls_user_cannot_enter_is_left_alone_and_the_data_goes_to_the_systems_folder(folder: Path) -> None:
    home = folder / "home"
    home.mkdir(mode=0o700)
    assert data_folder_for(home / "data") == SYSTEM_FOLDER / digest(home / "data")
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


@as_root
def test_data_that_is_there_stays_where_it_is_when_a_parent_is_closed_later(folder: Path) -> None:
    home = folder / "home"
    (home / "data" / "postgres").mkdir(parents=True)
    home.chmod(0o700)
    assert data_folder_for(home / "data") == home / "data"


@as_root
def test_folders_made_by_root_can_be_entered_under_any_umask(folder: Path) -> None:
    before = os.umask(0o077)
    try:
        make_folder(folder / "deep" / "data")
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "deep").stat().st_mode) == 0o711
    assert stat.S_IMODE((folder / "deep" / "data").stat().st_mode) == 0o711


def test_the_socket_folder_is_private_short_and_the_same_each_time(folder: Path, sockets: Path) -> None:
    made = socket_folder(folder, None)
    assert made == socket_folder(folder, None) == sockets
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert len(str(made / LONGEST_SOCKET_NAME)) < 103


def test_a_socket_folder_that_others_can_open_is_not_used(folder: Path, sockets: Path) -> None:
    sockets.mkdir()
    sockets.chmod(0o755)
    taken = socket_folder(folder, None)
    assert taken != sockets
    assert stat.S_IMODE(taken.stat().st_mode) == 0o700
    taken.rmdir()


def test_a_link_in_the_socket_folders_place_is_not_followed(folder: Path, sockets: Path) -> None:
    sockets.symlink_to(folder)
    taken = socket_folder(folder, None)
    assert taken.resolve() == taken != folder
    taken.rmdir()
