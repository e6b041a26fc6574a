"""A disk that is full is told as such, and keeps nothing of what did not fit."""

import asyncio
import ctypes
import errno
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from shared.application import Dependency
from shared.store.local import FolderStore
from shared.store.store import StoreIsFull

SIZE = 4 * 1024 * 1024
PIECE = os.urandom(256 * 1024)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of its own: 4 MiB."""
    libc = ctypes.CDLL(None, use_errno=True)
    place = str(tmp_path).encode()
    if libc.mount(b"tmpfs", place, b"tmpfs", 0, f"size={SIZE}".encode()) != 0:
        assert not os.environ.get("CI"), "CI runs as root, who mounts"
        pytest.skip(f"no disk can be mounted here: {os.strerror(ctypes.get_errno())}")
    yield tmp_path
    assert libc.umount2(place, 2) == 0, os.strerror(ctypes.get_errno())


async def pieces(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield PIECE


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def is_free(disk: Path, size: int) -> None:
    """A thread that wrote what was deleted may have it open for a moment yet."""
    async with asyncio.timeout(10):
        while (there := os.statvfs(disk)).f_bavail * there.f_bsize < size:
            await asyncio.sleep(0.01)


async def test_what_does_not_fit_leaves_nothing_and_what_fits_is_taken(small_disk: Path) -> None:
    store = FolderStore(small_disk)
    await store.open()
    await store.write("files/aa/bb/kept", pieces(8))
    for _ in range(3):
        with pytest.raises(StoreIsFull):
            await store.write("files/aa/cc/large", pieces(20))
        assert files(small_disk) == ["files/aa/bb/kept"]
    await is_free(small_disk, SIZE - 8 * len(PIECE))
    await store.copy("files/aa/bb/kept", "files/aa/cc/fits")
    with pytest.raises(StoreIsFull):
        await store.copy("files/aa/bb/kept", "files/aa/cc/more")
    assert files(small_disk) == ["files/aa/bb/kept", "files/aa/cc/fits"]
    assert await store.size("files/aa/cc/fits") == 8 * len(PIECE)


async def test_a_disk_without_a_byte_left_says_so(small_disk: Path) -> None:
    store = FolderStore(small_disk)
    await store.open()
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "others").write_bytes(b"x" * 2 * SIZE)
    with pytest.raises(StoreIsFull):
        await store.write("files/a", pieces(1))
    assert await store.health() == Dependency(ok=False, detail=f"{small_disk}: the disk is full", needed=False)
    assert files(small_disk) == ["others"]
    (small_disk / "others").unlink()
    await store.write("files/a", pieces(1))


async def test_a_disk_that_takes_no_name_more_keeps_nobody_from_starting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(Path, "touch", full)
    await FolderStore(tmp_path).open()
