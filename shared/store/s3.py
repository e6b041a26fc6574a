"""A bucket of an S3 server."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from datetime import timedelta
from urllib.parse import urlsplit

import obstore
import urllib3
from minio import Minio
from minio.error import MinioException, S3Error
from obstore.exceptions import BaseError
from obstore.store import S3Store
from urllib3.exceptions import HTTPError

from shared.application import CannotStart, Dependency
from shared.store.settings import StoreSettings
from shared.store.store import ObjectIsMissing, Store, Stored
from shared.store.streaming import stream_in, stream_out, told_apart
from shared.store.unfinished import end_unfinished

_PART = 5 * 1024 * 1024  # bytes; S3 takes no smaller part but the last
_CONNECT, _ANSWER = 3, 30  # seconds


class BucketStore(Store):
    """obstore streams the bytes; minio's SDK makes the bucket and the URLs (it waits for answers, and signs without asking)."""

    def __init__(self, bucket: str, settings: StoreSettings) -> None:
        if not settings.s3_access_key or not settings.s3_secret_key:
            raise CannotStart("ATRIUM_S3_ACCESS_KEY and ATRIUM_S3_SECRET_KEY must be set for ATRIUM_STORE=s3://…")
        self._bucket, self._region = bucket, settings.s3_region
        endpoint = settings.s3_endpoint or f"https://s3.{settings.s3_region}.amazonaws.com"
        address = urlsplit(endpoint)
        if address.scheme not in ("http", "https") or not address.netloc:
            raise CannotStart(f"ATRIUM_S3_ENDPOINT is no address as https://host:port: {endpoint}")
        secure = address.scheme == "https"
        self._endpoint = endpoint
        self._admin = Minio(
            address.netloc,
            settings.s3_access_key,
            settings.s3_secret_key,
            secure=secure,
            region=settings.s3_region,
            http_client=urllib3.PoolManager(timeout=urllib3.Timeout(connect=_CONNECT, read=_ANSWER), retries=False),
        )
        encryption = {"aws_server_side_encryption": settings.s3_encryption} if settings.s3_encryption else {}
        self._objects = S3Store(
            bucket,
            endpoint=endpoint,
            region=settings.s3_region,
            access_key_id=settings.s3_access_key,
            secret_access_key=settings.s3_secret_key,
            client_options={"allow_http": not secure, "connect_timeout": f"{_CONNECT}s", "timeout": f"{_ANSWER}s"},
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=_ANSWER)},
            **encryption,  # type: ignore[arg-type]
        )

    async def open(self) -> None:
        try:
            await asyncio.to_thread(self._make_bucket)
        except S3Error as error:
            raise CannotStart(f"ATRIUM_STORE: {self._endpoint} refuses the bucket {self._bucket}: {error.code}, {error.message}") from error
        except (MinioException, HTTPError, OSError, ValueError) as error:
            raise CannotStart(f"ATRIUM_STORE: {self._endpoint} does not answer as an S3 server: {error}") from error

    async def write(self, key: str, chunks: AsyncIterable[bytes]) -> None:
        await stream_in(self._objects, key, chunks, part=_PART, at_once=1)

    def read(self, key: str, begin: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        return stream_out(self._objects, key, begin, end)

    async def size(self, key: str) -> int | None:
        try:
            with told_apart():
                return (await obstore.head_async(self._objects, key))["size"]
        except ObjectIsMissing:
            return None

    async def move(self, key: str, to: str) -> None:
        with told_apart():
            await obstore.copy_async(self._objects, key, to)
            await obstore.delete_async(self._objects, key)

    async def delete(self, *keys: str) -> None:
        for key in keys:  # SeaweedFS and versitygw differ in what they answer to many at once
            try:
                with told_apart():
                    await obstore.delete_async(self._objects, key)
            except ObjectIsMissing:
                pass
            await asyncio.to_thread(end_unfinished, self._admin, self._bucket, key)

    async def list(self, prefix: str = "") -> AsyncIterator[Stored]:
        with told_apart():
            async for batch in obstore.list(self._objects, prefix or None, chunk_size=1_000):
                for one in batch:
                    yield Stored(one["path"], one["size"], one["last_modified"])

    def presigned_put(self, key: str, seconds: int) -> str | None:
        return self._admin.presigned_put_object(self._bucket, key, timedelta(seconds=seconds))

    def presigned_get(self, key: str, seconds: int, headers: Mapping[str, str]) -> str | None:
        said: dict[str, str | list[str] | tuple[str]] = {f"response-{name.lower()}": value for name, value in headers.items()}
        return self._admin.presigned_get_object(self._bucket, key, timedelta(seconds=seconds), response_headers=said)

    async def health(self) -> Dependency:
        try:
            async with asyncio.timeout(1):
                await obstore.head_async(self._objects, ".health")
        except FileNotFoundError:
            return Dependency(ok=True)
        except (BaseError, OSError, TimeoutError) as error:
            return Dependency(ok=False, detail=f"{self._endpoint}: {str(error).splitlines()[0] if str(error) else 'does not answer'}")
        return Dependency(ok=True)

    def _make_bucket(self) -> None:
        if not self._admin.bucket_exists(self._bucket):
            self._admin.make_bucket(self._bucket, location=self._region)
