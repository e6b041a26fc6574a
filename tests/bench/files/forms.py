"""Uploads, as bytes."""

from collections.abc import Iterator
from uuid import UUID

BOUNDARY = "a-boundary-of-the-bench"
_HEAD = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="file.bin"\r\n\r\n'.encode()
_BETWEEN, _END = b"\r\n", f"--{BOUNDARY}--\r\n".encode()


def path_of(thread: UUID) -> str:
    return f"/api/collab/threads/{thread}/attachments"


def form(content: bytes, files: int = 1) -> bytes:
    return (_HEAD + content + _BETWEEN) * files + _END


def upload(thread: UUID, token: str, content: bytes, files: int = 1) -> bytes:
    """A whole request."""
    return b"".join(pieces(thread, token, content, files))


def pieces(thread: UUID, token: str, content: bytes, files: int = 1, size: int = 256 * 1024) -> Iterator[bytes]:
    """The same, so much at a time."""
    length = (len(_HEAD) + len(content) + len(_BETWEEN)) * files + len(_END)
    lines = (
        f"POST {path_of(thread)} HTTP/1.1",
        "Host: bench",
        f"Authorization: Bearer {token}",
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}",
        f"Content-Length: {length}",
    )
    yield "\r\n".join([*lines, "", ""]).encode()
    for _ in range(files):
        yield _HEAD
        for begin in range(0, len(content), size):
            yield content[begin : begin + size]
        yield _BETWEEN
    yield _END
