"""Bytes in which a boundary is looked for by libc: `bytes.find` takes four times as long, and no other thread runs meanwhile."""

import ctypes
from typing import Any

_memmem = ctypes.CDLL(None).memmem
_memmem.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t)
_memmem.restype = ctypes.c_void_p


class Haystack:
    """In all else these are the bytes."""

    __slots__ = ("_bytes", "_place")

    def __init__(self, content: bytes) -> None:
        self._bytes = content
        self._place = ctypes.cast(ctypes.c_char_p(content), ctypes.c_void_p).value or 0

    def find(self, wanted: bytes, begin: int, end: int) -> int:
        """As `bytes.find`, between two places that are in the bytes."""
        found = _memmem(self._place + begin, end - begin, wanted, len(wanted))
        return -1 if found is None else found - self._place

    def __len__(self) -> int:
        return len(self._bytes)

    def __getitem__(self, place: Any) -> Any:
        return self._bytes[place]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bytes, name)
