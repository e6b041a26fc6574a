"""A bucket of an S3 server."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from datetime import timedelta
from urllib.parse import urlsplit

import obstore
import urllib3
from minio import Minio
from obstore.exceptions import BaseError
from obstore.store import S3Store

from shared.application import CannotStart, Dependency
from shared.store.bucket import Bucket
from shared.store.presigning import Signer
from shared.store.settings import StoreSettings
from shared.store.store import ObjectIsMissing, SignedPut, Store, Stored
from shared.store.streaming import stream_in, stream_out, told_apart
from shared.store.unfinished import end_unfinished

_PART = 5 * 1024 * 1024  # bytes; S3 takes no smaller part but the last
_CONNECT = 3  # seconds
_ANSWER = 30  # seconds
_COPY = 600  # seconds: it copies 2 GB before it answers
_WHOLE = 24 * 60 * 60  # seconds: for all of an answer, however slowly somebody downloads it
AMAZON = "https://s3.{region}.amazonaws.com"


class BucketStore(Store):
    """obstore streams the bytes; minio's SDK makes the bucket and the URLs (it waits for answers, and signs without asking)."""

    reached_by_clients = True
    held = 2 * _PART + 1024 * 1024  # a part that is sent, one that comes, and what came meanwhile

    def __init__(self, bucket: str, settings: StoreSettings, *, patience: int = _ANSWER) -> None:
        """patience: seconds until the server goes on with its answer."""
        if not settings.s3_access_key or not settings.s3_secret_key:
            raise CannotStart("ATRIUM_S3_ACCESS_KEY and ATRIUM_S3_SECRET_KEY must be set for ATRIUM_STORE=s3://…")
        self._name, self._encryption = bucket, settings.s3_encryption
        self._endpoint = endpoint = _address("ATRIUM_S3_ENDPOINT", settings.s3_endpoint or AMAZON.format(region=settings.s3_region))
        self._public = _address("ATRIUM_S3_PUBLIC_ENDPOINT", settings.s3_public_endpoint) if settings.s3_public_endpoint else endpoint
        http = urllib3.PoolManager(timeout=urllib3.Timeout(connect=_CONNECT, read=patience), retries=False)
        self._signer = signer = Signer(settings.s3_access_key, settings.s3_secret_key, settings.s3_region)
        self._admin = _minio(endpoint, signer, http)
        self._bucket = Bucket(self._admin, http, endpoint, bucket, settings.s3_region, settings.s3_encryption)
        self._presigning = _minio(self._public, signer, http)
        encryption = {"aws_server_side_encryption": settings.s3_encryption} if settings.s3_encryption else {}

        def objects(answers_within: int) -> S3Store:
            return S3Store(
                bucket,
                endpoint=endpoint,
                region=settings.s3_region,
                access_key_id=settings.s3_access_key,
                secret_access_key=settings.s3_secret_key,
                client_options={
                    "allow_http": endpoint.startswith("http:"),
                    "connect_timeout": f"{_CONNECT}s",
                    "read_timeout": f"{answers_within}s",
                    "timeout": f"{_WHOLE}s",
                },
                retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=patience)},
                **encryption,  # type: ignore[arg-type]
            )

        self._objects, self._copying = objects(patience), objects(_COPY)

    async def open(self) -> None:
        await asyncio.to_thread(self._bucket.prepare)

    async def write(self, key: str, chunks: AsyncIterable[bytes]) -> str:
        return await stream_in(self._objects, key, chunks, part=_PART)

    def read(self, key: str, begin: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        return stream_out(self._objects, key, begin, end)

    async def size(self, key: str) -> int | None:
        try:
            with told_apart():
                return (await obstore.head_async(self._objects, key))["size"]
        except ObjectIsMissing:
            return None

    async def copy(self, key: str, to: str) -> None:
        with told_apart():
            await obstore.copy_async(self._copying, key, to)

    async def move(self, key: str, to: str) -> None:
        await self.copy(key, to)
        with told_apart():
            await obstore.delete_async(self._objects, key)

    async def delete(self, *keys: str) -> None:
        for key in keys:  # SeaweedFS and versitygw differ in what they answer to many at once
            try:
                with told_apart():
                    await obstore.delete_async(self._objects, key)
            except ObjectIsMissing:
                pass
            await asyncio.to_thread(end_unfinished, self._admin, self._name, key)

    async def list(self, prefix: str = "") -> AsyncIterator[Stored]:
        with told_apart():
            async for batch in obstore.list(self._objects, prefix or None, chunk_size=1_000):
                for one in batch:
                    yield Stored(one["path"], one["size"], one["last_modified"])

    def presigned_put(self, key: str, size: int, digest: bytes, seconds: int) -> SignedPut | None:
        encryption = {"x-amz-server-side-encryption": self._encryption} if self._encryption else {}
        return self._signer.put(f"{self._public}/{self._name}/{key}", size, digest, seconds, encryption)

    def presigned_get(self, key: str, seconds: int, headers: Mapping[str, str]) -> str | None:
        said: dict[str, str | list[str] | tuple[str]] = {f"response-{name.lower()}": value for name, value in headers.items()}
        return self._presigning.presigned_get_object(self._name, key, timedelta(seconds=seconds), response_headers=said)

    async def health(self) -> Dependency:
        try:
            async with asyncio.timeout(1):
                await obstore.head_async(self._objects, ".health")
        except FileNotFoundError:
            return Dependency(ok=True)
        except (BaseError, OSError, TimeoutError) as error:
            return Dependency(ok=False, detail=f"{self._endpoint}: {str(error).splitlines()[0] if str(error) else 'does not answer'}")
        return Dependency(ok=True)


def _address(setting: str, endpoint: str) -> str:
    address = urlsplit(endpoint)
    if address.scheme not in ("http", "https") or not address.netloc or address.path.strip("/"):
        raise CannotStart(f"{setting} is no address as https://host:port: {endpoint}")
    return f"{address.scheme}://{address.netloc}"


def _minio(endpoint: str, signer: Signer, http: urllib3.PoolManager) -> Minio:
    address = urlsplit(endpoint)
    secure = address.scheme == "https"
    return Minio(address.netloc, signer.access_key, signer.secret_key, secure=secure, region=signer.region, http_client=http)
