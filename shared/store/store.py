"""What a store does, whichever it is."""

from collections.abc import AsyncIterable, AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID, uuid4

from shared.application import Dependency
from shared.contracts.refusals import Refusal, Unavailable

CHUNK = 256 * 1024  # bytes that are read or written at once


class StoreIsAway(Unavailable):
    """The place where files are kept does not answer right now. Try again in a moment."""


class StorageFull(Refusal, kind="storage_full"): ...


class StoreIsFull(StorageFull):
    """There is no room left for this file. Nothing of it was kept."""


@dataclass(frozen=True, slots=True)
class SignedPut:
    """Where an object is put, and with which headers."""

    url: str
    headers: Mapping[str, str]


class ObjectIsMissing(Exception):
    """No object has this key."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as the store lists it."""

    key: str
    size: int
    written_at: datetime


class Store(Protocol):
    """Objects by key. Keys are made by `new_key`, never by clients.

    Everything raises `StoreIsAway` when the store does not answer in time. reached_by_clients: by presigned addresses.
    held: bytes of memory that the write of a large object takes.
    """

    reached_by_clients: ClassVar[bool]
    held: ClassVar[int]

    async def open(self) -> None:
        """Make the folder or the bucket where it is missing. Raises `CannotStart` with what is wrong.

        A server that does not answer is nothing wrong: all else here raises `StoreIsAway` until it does.
        """

    async def write(self, key: str, chunks: AsyncIterable[bytes]) -> str:
        """Durable once this returns the SHA-256 of all, in hex.

        Nothing is kept where it raises, which it does with what `chunks` raised, or `StoreIsFull`.
        """

    def read(self, key: str, begin: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `begin` to before `end`. Raises `ObjectIsMissing` before the first of them."""

    async def size(self, key: str) -> int | None:
        """In bytes; None where there is no such object."""

    async def copy(self, key: str, to: str) -> None:
        """The same bytes under another key. Raises `ObjectIsMissing`."""

    async def move(self, key: str, to: str) -> None:
        """Raises `ObjectIsMissing`."""

    async def delete(self, *keys: str) -> None:
        """One that is missing is as good as deleted. What a killed writer left of it goes, too."""

    def list(self, prefix: str = "") -> AsyncIterator[Stored]:
        """All objects, also what broken writes left behind."""

    def presigned_put(self, key: str, size: int, digest: bytes, seconds: int) -> SignedPut | None:
        """Where a client puts these bytes (their size and SHA-256) by itself, as often as it likes until then.

        None where clients cannot reach the store by themselves. What is put there is still to be looked at: not every server checks.
        """

    def presigned_get(self, key: str, seconds: int, headers: Mapping[str, str]) -> str | None:
        """headers: what the store is to answer with. None where clients cannot reach the store by themselves."""

    async def health(self) -> Dependency:
        """Whether it answers, within a second. Files alone need it, so nobody is unready without it."""


def new_key(kind: str) -> str:
    """A key that says nothing of what is under it. Two levels of folders keep each of them small."""
    name = uuid4().hex
    return f"{kind}/{name[:2]}/{name[2:4]}/{name}"


def derived_key(kind: str, identifier: UUID) -> str:
    """The key of what is made of something, so that making it twice leaves one."""
    return f"{kind}/{identifier.hex[-2:]}/{identifier.hex[-4:-2]}/{identifier.hex}"
