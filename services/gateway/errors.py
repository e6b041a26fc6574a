"""Every error of the edge, and the one way in which errors are shown: problem details (RFC 9457)."""

from collections.abc import Iterable

from pydantic_core import to_json

from shared.contracts.refusals import Forbidden, Invalid, Malformed, NotFound, PreconditionFailed, Refusal, TooLarge, TooMany, Unavailable

TUS_VERSION = b"1.0.0"


class MethodNotAllowed(Refusal, kind="method_not_allowed"): ...


class SlowBody(Refusal, kind="slow_body"): ...


class UnsupportedMedia(Refusal, kind="unsupported_media"): ...


class HeadersTooLarge(Refusal, kind="headers_too_large"): ...


class ChecksumMismatch(Refusal, kind="checksum_mismatch"): ...


class RangeNotSatisfiable(Refusal, kind="range_not_satisfiable"): ...


class UpgradeRequired(Refusal, kind="upgrade_required"): ...


class UpgradeIsExpected(UpgradeRequired):
    """This is for WebSockets (RFC 6455, version 13)."""


class OriginIsNotAllowed(Forbidden):
    """Pages of this origin may not connect; `ATRIUM_CORS_ORIGINS` names those that may."""


class TokenIsInTheAddress(Malformed):
    """Tokens never ride in an address, which is logged and shared: send it as `Authorization`, or in an `auth` frame."""


class TokenIsOfAnother(Forbidden):
    """This token is another user's, or for another workspace; they connect for themselves."""


class TooManySubscriptions(Invalid):
    """One connection names no more threads, projects and types than this; without any, it is told all that you may see."""


class FrameIsNotKnown(Invalid):
    """There is no such type of frame."""


class GatewayRestarts(Unavailable):
    """This gateway stops; connect again in a moment, to another or to its successor."""


class RouteNotFound(NotFound):
    """There is nothing at this path."""


class MethodIsNotAllowed(MethodNotAllowed):
    """This path does not take this method; `Allow` says which it takes."""

    def __init__(self, *, allowed: Iterable[str] = ()) -> None:
        super().__init__()
        self.allowed = ", ".join(sorted(allowed))


class BodyIsTooSlow(SlowBody):
    """The request's body did not arrive in time."""


class UploadsAreTooMany(Unavailable):
    """So many files are on their way at once that there is no room for more. Try again in a moment."""


class BodyIsTooLarge(TooLarge):
    """The request's body is larger than this takes."""


class MediaTypeIsNotSupported(UnsupportedMedia):
    """This takes application/json in UTF-8, not compressed."""


class FormIsExpected(UnsupportedMedia):
    """This takes multipart/form-data with a boundary, not compressed."""


class FormIsMalformed(Malformed):
    """The form cannot be read: a part of it is not well-formed, or its end is missing."""


class TusVersionIsNotSupported(PreconditionFailed):
    """Uploads that can be resumed speak tus 1.0.0; say so in `Tus-Resumable`."""


class OffsetStreamIsExpected(UnsupportedMedia):
    """This takes application/offset+octet-stream, not compressed."""


class ChecksumIsNotUnderstood(Malformed):
    """`Upload-Checksum` is an algorithm that `Tus-Checksum-Algorithm` names, and a digest of it in Base64."""


class ChecksumIsAnother(ChecksumMismatch):
    """What came does not have the checksum that was said; nothing of it is kept."""


class FileIsAnother(PreconditionFailed):
    """`If-Match` does not name this file's `ETag`."""


class RangeIsNotInTheFile(RangeNotSatisfiable):
    """The range begins behind the file's end; `Content-Range` says how long the file is."""

    def __init__(self, *, size: int = 0) -> None:
        super().__init__()
        self.size = size


class HeadersAreTooLarge(HeadersTooLarge):
    """The request's headers are too many or too large."""


class RateLimitIsReached(TooMany):
    """Too many requests; `Retry-After` says when to go on."""


def problem(refusal: Refusal, request_id: str) -> bytes:
    """The body that shows a refusal."""
    shown: dict[str, object] = {
        "type": f"urn:atrium:{refusal.code}",
        "title": title(refusal.code),
        "status": refusal.status,
        "code": refusal.code,
        "detail": refusal.detail,
        "requestId": request_id,
    }
    if refusal.errors:
        shown["errors"] = [error.model_dump() for error in refusal.errors]
    return to_json(shown)


def problem_headers(refusal: Refusal) -> list[tuple[bytes, bytes]]:
    """What a refusal's status demands beside its body."""
    headers = [(b"content-type", b"application/problem+json"), (b"cache-control", b"no-store")]
    if refusal.retry_after is not None or refusal.kind in ("too_many", "unavailable"):
        headers.append((b"retry-after", str(refusal.retry_after or 1).encode()))
    if isinstance(refusal, MethodIsNotAllowed):
        headers.append((b"allow", refusal.allowed.encode()))
    if isinstance(refusal, UpgradeIsExpected):
        headers += [(b"upgrade", b"websocket"), (b"connection", b"upgrade"), (b"sec-websocket-version", b"13")]
    if isinstance(refusal, TusVersionIsNotSupported):
        headers.append((b"tus-version", TUS_VERSION))
    if isinstance(refusal, RangeIsNotInTheFile):
        headers.append((b"content-range", b"bytes */%d" % refusal.size))
    if refusal.kind == "unauthenticated":
        headers.append((b"www-authenticate", b"Bearer"))
    if refusal.kind in ("slow_body", "too_large", "headers_too_large"):
        headers.append((b"connection", b"close"))  # what is left of the request is not read
    return headers


def title(code: str) -> str:
    return code.replace("_", " ").capitalize()
