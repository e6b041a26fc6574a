"""Where a house keeps its files: what is still on its way there, and how time passes there."""

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from minio import Minio
from minio.error import S3Error

from shared.embedded import Program
from shared.store.local import FolderStore
from shared.store.opening import store_of
from shared.store.settings import StoreSettings
from shared.store.store import Store
from tests.stores import S3Server


class Kept(Protocol):
    """store: as the services see it. folder: whose files are the objects, with their times. programs: that it needs."""

    store: Store
    folder: Path
    environment: Mapping[str, str]
    programs: Mapping[str, Program]

    async def on_its_way(self) -> dict[str, int]:
        """The bytes that came of what is not whole, or never will be, by its key."""


class InFolder(Kept):
    """The folder in the house's data."""

    def __init__(self, data: Path) -> None:
        self.folder = data / "store"
        self.store = FolderStore(self.folder)
        self.environment, self.programs = {}, {}

    async def on_its_way(self) -> dict[str, int]:
        return {stored.key.partition("#")[0]: stored.size async for stored in self.store.list() if "#" in stored.key}


class InBucket(Kept):
    """A bucket of a real S3 server of the house's own."""

    def __init__(self, data: Path) -> None:
        server, self._bucket = S3Server(data / "s3"), "files"
        settings = server.settings(self._bucket)
        self.folder = server.objects / self._bucket
        self.store = store_of(StoreSettings.model_validate(settings))
        self.environment = {f"ATRIUM_{name.upper()}": value for name, value in settings.items()}
        self.programs = {"S3": server}
        keys = settings["s3_access_key"], settings["s3_secret_key"]
        self._admin = Minio(server.endpoint.removeprefix("http://"), *keys, secure=False, region="us-east-1")

    async def on_its_way(self) -> dict[str, int]:
        return await asyncio.to_thread(self._in_parts)

    def _in_parts(self) -> dict[str, int]:
        found = {}
        for upload in self._admin._list_multipart_uploads(self._bucket).uploads:
            key = str(upload.object_name)
            with suppress(S3Error):  # it ended since it was listed
                found[key] = sum(part.size or 0 for part in self._admin._list_parts(self._bucket, key, str(upload.upload_id)).parts)
        return found


async def two_hours_pass(kept: Kept) -> None:
    await asyncio.to_thread(_make_older, kept.folder)


def _make_older(folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.is_file():
            before = file.stat().st_mtime - 7_200
            os.utime(file, (before, before))
