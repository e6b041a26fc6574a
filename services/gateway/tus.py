"""The words of tus 1.0.0 (https://tus.io/protocols/resumable-upload): what its headers ask, and what they answer."""

import binascii
import hashlib
import re
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC
from email.utils import format_datetime
from typing import Any, ClassVar
from uuid import UUID

from services.gateway.errors import (
    TUS_VERSION,
    ChecksumIsAnother,
    ChecksumIsNotUnderstood,
    OffsetStreamIsExpected,
    TusVersionIsNotSupported,
)
from services.gateway.replies import JSON, NO_STORE, REPLAYED, Headers, Reply
from shared.contracts.attachments.resumable import (
    LONGEST_METADATA,
    ContinueResumableUpload,
    CreateResumableUpload,
    DeleteResumableUpload,
    GetResumableUpload,
    ResumableUpload,
)
from shared.contracts.attachments.uploads import LONGEST_NAME
from shared.contracts.refusals import FieldError, RequestIsInvalid

UPLOADS = "/api/collab/uploads"
UPLOAD = f"{UPLOADS}/{{uploadId}}"
RESUMABLE = (b"tus-resumable", TUS_VERSION)
EXTENSIONS = b"creation,expiration,checksum,termination"
OFFSET_STREAM = "application/offset+octet-stream"
DIGESTS: dict[str, Callable[[], Any]] = {
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),  # the one that every server takes
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
    "md5": lambda: hashlib.md5(usedforsecurity=False),
}
_NUMBER = re.compile(rb"[0-9]{1,18}")
_PAIR = re.compile(rb"([!-+\--~]+)(?: ([A-Za-z0-9+/]*={0,2}))?")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_NOT_SUPPORTED = (b"upload-defer-length", b"upload-concat")  # of extensions that are not spoken


def speaks_tus(routes: Mapping[str, object]) -> bool:
    """Whether what is answered at a path is tus: nothing else answers OPTIONS."""
    return "OPTIONS" in routes


def method_of(routes: Mapping[str, object], method: str, headers: Mapping[bytes, bytes]) -> str:
    """Of tus, another may be meant than is sent, by those who cannot send PATCH or DELETE."""
    meant = headers.get(b"x-http-method-override") if speaks_tus(routes) else None
    return meant.decode("latin-1").upper() if meant else method


def creates(path: Mapping[str, str], headers: Mapping[bytes, bytes]) -> CreateResumableUpload:
    _check_version(headers)
    for name in _NOT_SUPPORTED:
        if name in headers:
            raise _wrong(name, "not_supported", "`Tus-Extension` names what is.")
    if headers.get(b"content-length", b"0") != b"0":
        raise _wrong(b"body", "not_empty", "The bytes of an upload come by PATCH.")
    size = _number(headers, b"upload-length")
    said = headers.get(b"upload-metadata", b"").strip()
    if len(said) > LONGEST_METADATA:
        raise _wrong(b"upload-metadata", "too_long", f"It has {LONGEST_METADATA} characters at most.")
    values = _metadata(said)
    thread = _text(values.get("threadId", b""))
    if not _UUID.fullmatch(thread):
        raise _wrong(b"threadId", "invalid" if thread else "missing", "`Upload-Metadata` names the thread that the file is for.")
    filename = _text(values.get("filename", b""))[-LONGEST_NAME:]
    return CreateResumableUpload(thread_id=UUID(thread), filename=filename, size=size, metadata=said.decode("ascii"))


def looks(path: Mapping[str, str], headers: Mapping[bytes, bytes]) -> GetResumableUpload:
    _check_version(headers)
    return GetResumableUpload(upload_id=UUID(path["uploadId"]))


def continues(path: Mapping[str, str], headers: Mapping[bytes, bytes]) -> ContinueResumableUpload:
    _check_version(headers)
    if headers.get(b"content-type", b"").lower() != OFFSET_STREAM.encode() or headers.get(b"content-encoding", b"identity") != b"identity":
        raise OffsetStreamIsExpected
    return ContinueResumableUpload(upload_id=UUID(path["uploadId"]), offset=_number(headers, b"upload-offset"))


def deletes(path: Mapping[str, str], headers: Mapping[bytes, bytes]) -> DeleteResumableUpload:
    _check_version(headers)
    return DeleteResumableUpload(upload_id=UUID(path["uploadId"]))


class Checksum:
    """What a client says of the bytes of one request."""

    def __init__(self, algorithm: str, expected: bytes) -> None:
        self._digest, self._expected = DIGESTS[algorithm](), expected

    @classmethod
    def of(cls, headers: Mapping[bytes, bytes]) -> "Checksum | None":
        """Raises `ChecksumIsNotUnderstood`."""
        said = headers.get(b"upload-checksum")
        if said is None:
            return None
        algorithm, _, digest = said.decode("latin-1").partition(" ")
        if algorithm not in DIGESTS:
            raise ChecksumIsNotUnderstood
        try:
            return cls(algorithm, b64decode(digest.strip(), validate=True))
        except ValueError:
            raise ChecksumIsNotUnderstood from None

    async def through(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Raises `ChecksumIsAnother` behind the last of them, so that whoever writes them keeps nothing."""
        async for chunk in chunks:
            self._digest.update(chunk)
            yield chunk
        self.check()

    def check(self) -> None:
        if self._digest.digest() != self._expected:
            raise ChecksumIsAnother


class Created(Reply):
    """201: an upload that waits for its bytes, or is complete because it has none."""

    documented: ClassVar[int] = 201

    def __init__(self, upload: ResumableUpload, *, replayed: bool) -> None:
        location = (b"location", UPLOAD.format(uploadId=upload.id).encode())
        headers = (JSON, location, *_standing(upload), *((REPLAYED,) if replayed else ()))
        super().__init__(201, upload.model_dump_json(by_alias=True).encode(), headers)


class Standing(Reply):
    """200: how far an upload is."""

    documented: ClassVar[int] = 200

    def __init__(self, upload: ResumableUpload) -> None:
        metadata = ((b"upload-metadata", upload.metadata.encode()),) if upload.metadata else ()
        super().__init__(200, b"", (*_standing(upload), (b"upload-length", b"%d" % upload.size), *metadata))


class Continued(Reply):
    """What is answered to whoever sends bytes."""

    documented: ClassVar[int] = 204


class Progress(Continued):
    """204: so far has the upload come."""

    def __init__(self, upload: ResumableUpload) -> None:
        super().__init__(204, b"", _standing(upload))


class Described(Reply):
    """204: what of tus is spoken here."""

    documented: ClassVar[int] = 204

    def __init__(self, limit: int) -> None:
        extensions, algorithms = (b"tus-extension", EXTENSIONS), (b"tus-checksum-algorithm", ",".join(DIGESTS).encode())
        super().__init__(204, b"", ((b"tus-version", TUS_VERSION), (b"tus-max-size", b"%d" % limit), extensions, algorithms, NO_STORE))


def _standing(upload: ResumableUpload) -> Headers:
    """A complete upload is an attachment, which does not expire."""
    offset = (b"upload-offset", b"%d" % upload.offset)
    if upload.attachment_id is not None:
        return NO_STORE, offset, (b"content-location", f"/api/collab/attachments/{upload.attachment_id}".encode())
    return NO_STORE, offset, (b"upload-expires", format_datetime(upload.expires_at.astimezone(UTC), usegmt=True).encode())


def _check_version(headers: Mapping[bytes, bytes]) -> None:
    if headers.get(RESUMABLE[0]) != TUS_VERSION:
        raise TusVersionIsNotSupported


def _number(headers: Mapping[bytes, bytes], name: bytes) -> int:
    said = headers.get(name)
    if said is None or not _NUMBER.fullmatch(said):
        raise _wrong(name, "missing" if said is None else "invalid", "It is a number of bytes.")
    return int(said)


def _metadata(said: bytes) -> dict[str, bytes]:
    """Pairs of a key and its value in Base64."""
    found: dict[str, bytes] = {}
    for pair in said.split(b",") if said else ():
        matched = _PAIR.fullmatch(pair.strip())
        if matched is None or matched[1].decode() in found:
            raise _wrong(b"upload-metadata", "invalid", "It has pairs of a key and its value in Base64, each key once.")
        try:
            found[matched[1].decode()] = b64decode(matched[2] or b"", validate=True)
        except binascii.Error:
            raise _wrong(b"upload-metadata", "invalid", f"The value of {matched[1].decode()} is no Base64.") from None
    return found


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _wrong(header: bytes, code: str, detail: str) -> RequestIsInvalid:
    name = header.decode()
    return RequestIsInvalid(errors=[FieldError(field=name.title() if "-" in name else name, code=code, detail=detail)])
