"""A disk that is full: who sends is told, nothing is kept, and all goes on when there is room again."""

import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.samples import noise
from tests.system.attachments.files import Sent, attachments_of, room_in, send, sha256, swept
from tests.system.house import House, running_house
from tests.system.people import expect, refusal

MEBIBYTE = 1024 * 1024
ROOM = 6 * MEBIBYTE


@pytest.fixture(scope="module")
def small_disk() -> Iterator[Path]:
    """A file system of its own."""
    with tempfile.TemporaryDirectory(prefix="atrium-disk-") as folder:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", folder], capture_output=True, check=False)
        if mounted.returncode != 0:
            assert not os.environ.get("CI"), "CI runs as root, who mounts"
            pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def small_house(small_disk: Path) -> AsyncIterator[House]:
    async with running_house({"store": f"file://{small_disk}"}) as running:
        yield running


async def test_what_does_not_fit_is_refused_and_leaves_nothing_and_later_there_is_room(small_house: House, small_disk: Path) -> None:
    room, whole = await room_in(small_house), Sent(noise(4 * MEBIBYTE))
    first = await room.upload(whole)
    before, used = await room.kept(), bytes_in(small_disk)
    for _ in range(3):
        assert refusal(await send(room.client, room.thread, whole)) == (507, "store_is_full")
    assert refusal(await send(room.client, room.thread, Sent(b"fits"), whole)) == (507, "store_is_full"), "all of them or none"
    assert await room.kept() == before
    assert bytes_in(small_disk) == used
    small = await room.upload(Sent(b"this one fits"))

    for file in (first, small):
        expect(await room.client.delete(file["url"]), 204)
    await small_house.database.execute("UPDATE attachments.attachments SET updated_at = updated_at - interval '1 hour'")
    await swept(small_house.servers, room.store())
    assert (await room.upload(whole))["sha256"] == sha256(whole.content)


async def test_a_disk_without_a_byte_left_takes_nothing_and_says_so(small_house: House, small_disk: Path) -> None:
    room = await room_in(small_house)
    filling = small_disk / "something else"
    with filling.open("wb") as file:
        try:
            while True:
                file.write(bytes(4096))
                file.flush()
        except OSError:
            pass
    try:
        before = await room.kept()
        answer = await room.client.http.get("/readyz")
        assert (answer.status_code, answer.json()["dependencies"]["store"]["ok"]) == (200, False), "messages need no disk of files"
        assert "the disk is full" in answer.json()["dependencies"]["store"]["detail"]
        assert refusal(await send(room.client, room.thread, Sent(b"x" * 100_000))) == (507, "store_is_full")
        assert await room.kept() == before
    finally:
        filling.unlink()
    expect(await send(room.client, room.thread, Sent(b"x" * 100_000)), 201)
    assert len(expect(await room.client.get(attachments_of(room.thread)), 200)["attachments"]) == 1


def bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
