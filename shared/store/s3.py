"""A bucket of an S3 server."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from datetime import timedelta
from urllib.parse import urlsplit

import obstore
import structlog
import urllib3
from minio import Minio
from obstore.exceptions import BaseError
from obstore.store import S3Store

from shared.application import CannotStart, Dependency
from shared.store.bucket import Bucket
from shared.store.presigning import Signer
from shared.store.settings import StoreSettings
from shared.store.store import ObjectIsMissing, SignedPut, Store, Stored, StoreIsAway
from shared.store.streaming import stream_in, stream_out, told_apart
from shared.store.unfinished import end_unfinished

log = structlog.get_logger()

_PART = 5 * 1024 * 1024  # bytes; S3 takes no smaller part but the last
_CONNECT = 3  # seconds
_ANSWER = 30  # seconds
_COPY = 600  # seconds: it copies 2 GB before it answers
_WHOLE = 24 * 60 * 60  # seconds: for all of an answer, however slowly somebody downloads it
AMAZON = "https://s3.{region}.amazonaws.com"


class BucketStore(Store):
    """obstore streams the bytes; minio's SDK makes the bucket and the URLs (it waits for answers, and signs without asking).

    Nothing goes to a bucket, or comes from one, that was not looked at: where its server is away at the start, that is done before its
    first use.
    """

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
        self._is_looked_at = False
        self._look: asyncio.Task[Exception | None] | None = None

    async def open(self) -> None:
        try:
            await asyncio.to_thread(self._bucket.prepare_patiently)
        except StoreIsAway as away:
            log.warning("store_is_away", endpoint=self._endpoint, error=str(away.__cause__))
        else:
            self._is_looked_at = True

    async def _ready(self) -> None:
        """Raises `StoreIsAway` where the bucket cannot be looked at yet. All who come meanwhile wait for the same look."""
        if not self._is_looked_at and (trouble := await asyncio.shield(self._begun_look())) is not None:
            raise StoreIsAway from trouble

    def _begun_look(self) -> asyncio.Task[Exception | None]:
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._look_at_it())
        return self._look

    async def _look_at_it(self) -> Exception | None:
        """What is wrong is told here, as the process goes on: it may do what does not need the store."""
        try:
            await asyncio.to_thread(self._bucket.prepare)
        except StoreIsAway as away:
            return away.__cause__ if isinstance(away.__cause__, Exception) else away
        except CannotStart as wrong:
            log.error("store_cannot_be_used", error=str(wrong))
            return wrong
        self._is_looked_at = True
        log.info("store_is_back", endpoint=self._endpoint)
        return None

    async def write(self, key: str, chunks: AsyncIterable[bytes]) -> str:
        await self._ready()
        return await stream_in(self._objects, key, chunks, part=_PART)

    def read(self, key: str, begin: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        found = stream_out(self._objects, key, begin, end)
        return found if self._is_looked_at else self._once_ready(found)

    async def _once_ready(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        await self._ready()
        async for chunk in chunks:
            yield chunk

    async def size(self, key: str) -> int | None:
        await self._ready()
        try:
            with told_apart():
                return (await obstore.head_async(self._objects, key))["size"]
        except ObjectIsMissing:
            return None

    async def copy(self, key: str, to: str) -> None:
        await self._ready()
        with told_apart():
            await obstore.copy_async(self._copying, key, to)

    async def move(self, key: str, to: str) -> None:
        await self.copy(key, to)
        with told_apart():
            await obstore.delete_async(self._objects, key)

    async def delete(self, *keys: str) -> None:
        await self._ready()
        for key in keys:  # SeaweedFS and versitygw differ in what they answer to many at once
            try:
                with told_apart():
                    await obstore.delete_async(self._objects, key)
            except ObjectIsMissing:
                pass
            await asyncio.to_thread(end_unfinished, self._admin, self._name, key)

    async def list(self, prefix: str = "") -> AsyncIterator[Stored]:
        await self._ready()
        with told_apart():
            async for batch in obstore.list(self._objects, prefix or None, chunk_size=1_000):
                for one in batch:
                    yield Stored(one["path"], one["size"], one["last_modified"])

    def presigned_put(self, key: str, size: int, digest: bytes, seconds: int) -> SignedPut | None:
        self._check_that_it_is_looked_at()
        encryption = {"x-amz-server-side-encryption": self._encryption} if self._encryption else {}
        return self._signer.put(f"{self._public}/{self._name}/{key}", size, digest, seconds, encryption)

    def presigned_get(self, key: str, seconds: int, headers: Mapping[str, str]) -> str | None:
        self._check_that_it_is_looked_at()
        said: dict[str, str | list[str] | tuple[str]] = {f"response-{name.lower()}": value for name, value in headers.items()}
        return self._presigning.presigned_get_object(self._name, key, timedelta(seconds=seconds), response_headers=said)

    def _check_that_it_is_looked_at(self) -> None:
        """Nothing here waits: whoever asks for an address once more finds it looked at, or gets `StoreIsAway` again."""
        if not self._is_looked_at:
            self._begun_look()
            raise StoreIsAway

    async def health(self) -> Dependency:
        try:
            async with asyncio.timeout(1):
                await self._ready()
                await obstore.head_async(self._objects, ".health")
        except FileNotFoundError:
            return Dependency(ok=True, needed=False)
        except StoreIsAway as away:
            return self._trouble(away.__cause__ or away)
        except (BaseError, OSError, TimeoutError) as error:
            return self._trouble(error)
        return Dependency(ok=True, needed=False)

    def _trouble(self, error: BaseException) -> Dependency:
        detail = f"{self._endpoint}: {str(error).splitlines()[0] if str(error) else 'does not answer'}"
        return Dependency(ok=False, detail=detail, needed=False)


def _address(setting: str, endpoint: str) -> str:
    address = urlsplit(endpoint)
    if address.scheme not in ("http", "https") or not address.netloc or address.path.strip("/"):
        raise CannotStart(f"{setting} is no address as https://host:port: {endpoint}")
    return f"{address.scheme}://{address.netloc}"


def _minio(endpoint: str, signer: Signer, http: urllib3.PoolManager) -> Minio:
    address = urlsplit(endpoint)
    secure = address.scheme == "https"
    return Minio(address.netloc, signer.access_key, signer.secret_key, secure=secure, region=signer.region, http_client=http)
