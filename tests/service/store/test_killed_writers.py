"""A process that is killed in the middle of a write leaves parts of it; they go with their object, whoever deletes that."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from minio import Minio

from shared.store.store import Store, new_key

_WRITE_AND_DIE = """
import asyncio, os, signal, sys
from shared.store.opening import store_of
from shared.store.settings import StoreSettings

async def pieces():
    for _ in range(50):
        yield os.urandom(256 * 1024)
    await asyncio.sleep(float(sys.argv[2]))
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    store = store_of(StoreSettings())
    await store.open()
    await store.write(sys.argv[1], pieces())

asyncio.run(main())
"""
_SENT_WITHIN = "0.5"  # seconds: what was given to the store before is in it


async def killed_while_writing(where: Mapping[str, str], key: str) -> None:
    environment = os.environ | {f"ATRIUM_{name.upper()}": value for name, value in where.items()}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _WRITE_AND_DIE, key, _SENT_WITHIN, env=environment)
    assert await process.wait() == -signal.SIGKILL


def left_in(where: Mapping[str, str]) -> list[str]:
    """Parts, by the names of their objects."""
    kind, _, name = where["store"].partition("://")
    if kind == "file":
        return [path.name.partition("#")[0] for path in Path(name).rglob("*#*")]
    keys = where["s3_access_key"], where["s3_secret_key"]
    server = Minio(urlsplit(where["s3_endpoint"]).netloc, *keys, secure=False, region="us-east-1")
    return [str(upload.object_name).rpartition("/")[2] for upload in server._list_multipart_uploads(name).uploads]


async def test_what_a_killed_writer_left_goes_with_its_object_and_nothing_else(where: dict[str, str], store: Store) -> None:
    mine, another = new_key("files"), new_key("files")
    for key in (mine, another):
        await killed_while_writing(where, key)
    assert await store.size(mine) is None
    assert sorted(left_in(where)) == sorted(key.rpartition("/")[2] for key in (mine, another))
    await store.delete(mine)
    assert left_in(where) == [another.rpartition("/")[2]]
    await store.delete(another, another)
    assert left_in(where) == []
