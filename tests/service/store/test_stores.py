"""A store keeps what it took, whole or not at all."""

import asyncio
import hashlib
import os
import stat
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from types import FrameType

import httpx2
import pytest

from shared.application import CannotStart, Dependency
from shared.store.local import FolderStore
from shared.store.opening import store_of
from shared.store.s3 import BucketStore
from shared.store.settings import StoreSettings
from shared.store.store import ObjectIsMissing, Store, StoreIsAway, new_key
from tests.stores import ACCESS_KEY, S3Server

PIECE = os.urandom(64 * 1024)


class Given(Exception):
    """What the one who gives the bytes raises."""


async def pieces(count: int, *, broken_at: int | None = None) -> AsyncIterator[bytes]:
    for number in range(count):
        if number == broken_at:
            raise Given
        yield PIECE


async def content(store: Store, key: str, begin: int = 0, end: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in store.read(key, begin, end)])


async def keys(store: Store, prefix: str = "") -> set[str]:
    return {stored.key async for stored in store.list(prefix)}


@pytest.mark.parametrize("count", [0, 1, 5, 200])
async def test_what_was_written_is_read(count: int, store: Store) -> None:
    key = new_key("files")
    assert await store.write(key, pieces(count)) == hashlib.sha256(PIECE * count).hexdigest()
    assert await store.size(key) == count * len(PIECE)
    assert hashlib.sha256(await content(store, key)).digest() == hashlib.sha256(PIECE * count).digest()


async def test_a_part_is_read(store: Store) -> None:
    await store.write("files/a", pieces(3))
    whole = PIECE * 3
    for begin, end in ((0, 1), (10, 70_000), (len(whole) - 1, len(whole)), (5, None)):
        assert await content(store, "files/a", begin, end) == whole[begin:end]


async def test_what_is_missing_is_said_to_be(store: Store) -> None:
    assert await store.size("files/none") is None
    with pytest.raises(ObjectIsMissing):
        await content(store, "files/none")
    with pytest.raises(ObjectIsMissing):
        await store.move("files/none", "files/other")
    await store.delete("files/none", "files/none")


async def test_a_write_that_breaks_off_leaves_nothing(store: Store) -> None:
    for broken_at in (0, 1, 150):
        with pytest.raises(Given):
            await store.write("files/broken", pieces(200, broken_at=broken_at))
    assert await keys(store) == set()


async def test_a_write_that_is_cancelled_leaves_nothing(store: Store) -> None:
    begun = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield PIECE
        begun.set()
        await asyncio.sleep(60)

    writing = asyncio.create_task(store.write("files/cancelled", slowly()))
    await begun.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    async with asyncio.timeout(30):
        while await keys(store):
            await asyncio.sleep(0.02)


async def test_an_object_is_moved_and_deleted(store: Store) -> None:
    await store.write("files/a", pieces(1))
    await store.move("files/a", "quarantine/aa/a")
    assert await keys(store) == {"quarantine/aa/a"}
    assert await content(store, "quarantine/aa/a") == PIECE
    await store.delete("quarantine/aa/a")
    assert await keys(store) == set()


async def test_objects_are_listed_by_prefix(store: Store) -> None:
    for key in ("files/aa/1", "files/ab/2", "previews/aa/3"):
        await store.write(key, pieces(1))
    assert await keys(store, "files") == {"files/aa/1", "files/ab/2"}
    (one,) = [stored async for stored in store.list("previews")]
    assert (one.key, one.size) == ("previews/aa/3", len(PIECE))


async def test_it_says_that_it_is_there_and_nobody_is_unready_without_it(store: Store) -> None:
    assert await store.health() == Dependency(ok=True, needed=False)


async def test_a_client_puts_and_gets_by_itself_where_the_store_can_be_reached(store: Store) -> None:
    put = store.presigned_put("staging/a", len(PIECE), hashlib.sha256(PIECE).digest(), 60)
    get = store.presigned_get("staging/a", 60, {"Content-Disposition": "attachment"})
    if put is None or get is None:
        assert (put, get) == (None, None)
        return
    async with httpx2.AsyncClient() as client:
        assert (await client.put(put.url, content=PIECE, headers=put.headers)).status_code == 200
        answer = await client.get(get)
        assert (answer.content, answer.headers["content-disposition"]) == (PIECE, "attachment")
        assert (await client.get(get.partition("?")[0])).status_code == 403


async def test_a_bucket_that_is_away_is_so_in_time_and_comes_back(s3: S3Server) -> None:
    store = store_of(StoreSettings.model_validate(s3.settings("away")))
    await store.open()
    await s3.stop()
    try:
        async with asyncio.timeout(20):
            for attempt in (store.write("files/a", pieces(1)), store.size("files/a"), content(store, "files/a"), store.delete("files/a")):
                with pytest.raises(StoreIsAway):
                    await attempt
        assert not (await store.health()).ok
        await store.open()
    finally:
        await s3.start()
    await store.write("files/a", pieces(1))
    assert (await store.health()).ok


async def test_whoever_reads_slowly_reads_to_the_end(s3: S3Server) -> None:
    store = BucketStore("slow", StoreSettings.model_validate(s3.settings("slow")), patience=1)
    await store.open()
    await store.write("files/a", pieces(64))
    taken = 0
    async for chunk in store.read("files/a"):
        taken += len(chunk)
        await asyncio.sleep(0.2)  # longer in all than the server may take for a part of its answer
    assert taken == 64 * len(PIECE)


async def test_a_file_and_its_folders_are_on_the_disk_before_it_is_done(tmp_path: Path) -> None:
    synced: list[int] = []

    def inodes(*keys: str) -> list[int]:
        return [(tmp_path / key).stat().st_ino for key in keys]

    def watch(frame: FrameType, event: str, called: object) -> None:
        if event == "c_call" and called is os.fsync:
            synced.append(os.fstat(frame.f_locals["descriptor"]).st_ino)

    store = FolderStore(tmp_path)
    await store.open()
    threading.setprofile_all_threads(watch)
    try:
        await store.write("files/aa/bb/a", pieces(1))
        assert synced == inodes("files/aa/bb/a", "files/aa/bb", "files/aa", "files", "")
        synced.clear()
        await store.write("files/aa/bb/b", pieces(1))
        assert synced == inodes("files/aa/bb/b", "files/aa/bb")
        synced.clear()
        await store.write("files/aa/cc/c", pieces(1))
        assert synced == inodes("files/aa/cc/c", "files/aa/cc", "files/aa")
    finally:
        threading.setprofile_all_threads(None)


async def test_what_is_made_in_a_folder_is_its_owners_alone(tmp_path: Path) -> None:
    operators = tmp_path / "operators"
    operators.mkdir()
    operators.chmod(0o755)
    earlier = os.umask(0)
    try:
        store = FolderStore(operators / "of" / "files")
        await store.open()
        await store.write("files/aa/bb/a", pieces(1))
        await store.copy("files/aa/bb/a", "files/cc/dd/a")
        await store.move("files/aa/bb/a", "quarantine/aa/bb/a")
    finally:
        os.umask(earlier)
    modes = {path.relative_to(operators): stat.S_IMODE(path.stat().st_mode) for path in operators.rglob("*")}
    files = {Path("of/files/files/cc/dd/a"), Path("of/files/quarantine/aa/bb/a")}
    assert {path for path, mode in modes.items() if mode == 0o600} == files
    assert {mode for path, mode in modes.items() if path not in files} == {0o700}
    assert stat.S_IMODE(operators.stat().st_mode) == 0o755


async def test_a_folder_that_cannot_be_looked_into_is_no_empty_one(tmp_path: Path) -> None:
    """What is listed is compared with the rows, and taken for all there is."""
    store = FolderStore(tmp_path)
    assert await keys(store, "files") == set(), "nothing is there before its first object"
    (tmp_path / "files").touch()
    with pytest.raises(StoreIsAway):
        await keys(store, "files")
    (tmp_path / "files").unlink()
    (tmp_path / "files" / "ab").mkdir(parents=True)
    (tmp_path / "files" / "ab" / "loop").symlink_to("loop")
    with pytest.raises(StoreIsAway):
        await keys(store, "files")


async def test_a_folder_of_the_operators_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    store = FolderStore(tmp_path)
    await store.open()
    await store.write("files/aa/bb/a", pieces(1))
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o750


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"store": "s3://b"}, "ATRIUM_S3_ACCESS_KEY and ATRIUM_S3_SECRET_KEY must be set"),
        ({"store": "s3://b", "s3_access_key": ACCESS_KEY, "s3_secret_key": "x", "s3_endpoint": "host:1"}, "is no address"),
        ({"store": "file://relative"}, "names no absolute folder"),
        ({"store": "file:///proc/none"}, "cannot be written"),
    ],
)
async def test_what_is_wrong_with_a_setting_is_said_in_a_line(where: dict[str, str], said: str) -> None:
    with pytest.raises(CannotStart, match=said):
        await store_of(StoreSettings.model_validate(where)).open()
