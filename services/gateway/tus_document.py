"""The headers of tus, as the OpenAPI document describes them."""

from typing import Any

from services.gateway.errors import (
    TUS_VERSION,
    BodyIsTooLarge,
    BodyIsTooSlow,
    ChecksumIsAnother,
    ChecksumIsNotUnderstood,
    OffsetStreamIsExpected,
    TusVersionIsNotSupported,
    UploadsAreTooMany,
)
from services.gateway.tus import DIGESTS, OFFSET_STREAM
from shared.contracts.attachments.resumable import COMPLETE_RESUMABLE_UPLOAD, CONTINUE_RESUMABLE_UPLOAD
from shared.contracts.refusals import Refusal, RequestIsInvalid, RequestIsMalformed
from shared.store.store import StoreIsAway, StoreIsFull

type Described = dict[str, Any]

_NUMBER: Described = {"type": "string", "pattern": "^[0-9]{1,18}$"}
_TEXT: Described = {"type": "string"}


def _said(name: str, description: str, schema: Described, *, required: bool = True) -> Described:
    return {"name": name, "in": "header", "required": required, "description": description, "schema": schema}


def _answered(description: str) -> Described:
    return {"description": description, "schema": _TEXT}


_VERSION = _said("Tus-Resumable", "The version of tus that is spoken", {"type": "string", "const": TUS_VERSION.decode()})
_METADATA = (
    "Pairs of a key and its value in Base64, with commas between: `threadId`, and `filename`. HEAD answers with all of it, as it was sent."
)
_CHECKSUM = f"An algorithm ({', '.join(DIGESTS)}) and the digest of the body in Base64. What has another is not kept."
SAID: dict[str, list[Described]] = {
    "POST": [
        _VERSION,
        _said("Upload-Length", "Bytes of the file", _NUMBER),
        _said("Upload-Metadata", _METADATA, _TEXT),
    ],
    "HEAD": [_VERSION],
    "PATCH": [
        _VERSION,
        _said("Upload-Offset", "Where the body begins in the file: what HEAD says", _NUMBER),
        _said("Upload-Checksum", _CHECKSUM, _TEXT, required=False),
    ],
    "DELETE": [_VERSION],
}

_STANDING = {
    "Tus-Resumable": _answered("The version of tus that is spoken"),
    "Upload-Offset": _answered("Bytes that have come"),
    "Upload-Expires": _answered("When the upload is deleted, if it is not complete by then"),
    "Content-Location": _answered("The attachment, once the upload is complete"),
}
ANSWERED: dict[str, Described] = {
    "POST": _STANDING,
    "HEAD": _STANDING | {"Upload-Length": _answered("Bytes of the file"), "Upload-Metadata": _answered("As it was sent")},
    "PATCH": _STANDING,
    "DELETE": {"Tus-Resumable": _STANDING["Tus-Resumable"]},
    "OPTIONS": {
        "Tus-Resumable": _STANDING["Tus-Resumable"],
        "Tus-Version": _answered("The versions that are spoken"),
        "Tus-Extension": _answered("The extensions that are spoken"),
        "Tus-Max-Size": _answered("Bytes that a file may have"),
        "Tus-Checksum-Algorithm": _answered("The algorithms that `Upload-Checksum` may name"),
    },
}
TUS_BODY: dict[str, Described] = {
    "PATCH": {"required": True, "content": {OFFSET_STREAM: {"schema": {"type": "string", "format": "binary"}}}},
}
_STORED: tuple[type[Refusal], ...] = (StoreIsAway, StoreIsFull, UploadsAreTooMany, BodyIsTooLarge, BodyIsTooSlow, RequestIsMalformed)


def tus_refusals(method: str) -> list[type[Refusal]]:
    """Beside those of the operation."""
    may: list[type[Refusal]] = [TusVersionIsNotSupported]
    if method in ("POST", "PATCH"):
        may += [RequestIsInvalid, *_STORED, *CONTINUE_RESUMABLE_UPLOAD.refuses, *COMPLETE_RESUMABLE_UPLOAD.refuses]
    if method == "PATCH":
        may += [OffsetStreamIsExpected, ChecksumIsNotUnderstood, ChecksumIsAnother]
    return may
