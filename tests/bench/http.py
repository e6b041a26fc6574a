"""The little of HTTP/1.1 that a load generator needs: one request at a time on a connection that is kept."""

import json
import re
from collections.abc import Mapping

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CODE = re.compile(rb'"code": ?"(\w+)"')


def request(method: str, path: str, token: str, body: Mapping[str, object] | None = None, known: str = "") -> bytes:
    """A whole request. known: the ETag of what one has already."""
    content = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
    if known:
        head += f"If-None-Match: {known}\r\n"
    if content:
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    return head.encode() + b"\r\n" + content


class Response:
    """Reads one response after another: its status, and where it ends. Bodies must have a length; chunks are refused."""

    __slots__ = ("_begin", "_head", "_missing", "status")

    def __init__(self) -> None:
        self.status = 0
        self._head = self._begin = b""
        self._missing = 0

    def feed(self, data: bytes) -> bool:
        """Take what was received; True when the response is whole."""
        if self._missing:
            self._missing -= len(data)
        else:
            head = self._head + data if self._head else data
            end = head.find(b"\r\n\r\n")
            if end < 0:
                self._head = head
                return False
            self._head, self._begin = b"", head
            self.status = int(head[9:12])
            self._missing = end + 4 + self._length(head, end) - len(head)
        if self._missing < 0:
            raise ValueError("more was received than was asked for")
        return self._missing == 0

    @property
    def refusal(self) -> str:
        """Its status, and the code of the problem, where one is told."""
        code = _CODE.search(self._begin)
        return f"{self.status} {code[1].decode()}" if code else str(self.status)

    def _length(self, head: bytes, end: int) -> int:
        found = _LENGTH.search(head, 0, end + 2)
        if found is None and self.status not in (204, 304):
            raise ValueError("a response without a Content-Length")
        return int(found[1]) if found else 0
