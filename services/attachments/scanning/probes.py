"""Small files by which a clamd shows what it does with what it does not look at; made when they are needed."""

import os
import struct
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterator
from io import BytesIO

from clamd import EICAR

DEEPEST = 200  # levels of archives: more than any clamd is told to open
_MEBIBYTE = 1024 * 1024
_MORE_THAN_2_GIB = 2_100  # MiB; clamd's MaxFileSize ends at 2 GiB
_ENCRYPTED = 1  # the flag of a zip's member


async def test_virus() -> AsyncIterator[bytes]:
    """The EICAR test file, which every scanner knows."""
    yield EICAR


async def zeros(size: int) -> AsyncIterator[bytes]:
    for begin in range(0, size, _MEBIBYTE):
        yield bytes(min(_MEBIBYTE, size - begin))


async def encrypted_zip() -> AsyncIterator[bytes]:
    """A zip that says of its one member that it is encrypted; nobody can tell that there is no password."""
    made = bytearray(_zip("secret.txt", os.urandom(64)))
    for flags in (6, made.index(b"PK\x01\x02") + 8):
        made[flags] |= _ENCRYPTED
    yield bytes(made)


async def deep_zip() -> AsyncIterator[bytes]:
    """A zip in a zip in a zip …"""
    made = b"Nothing bad is in here."
    for level in range(DEEPEST):
        made = _zip(f"{level}.zip", made)
    yield made


async def bomb() -> AsyncIterator[bytes]:
    """A zip of 2 MB with one member of more than 2 GiB of zeros, which no clamd looks at to its end."""
    for part in _bomb():
        yield part


def _bomb() -> Iterator[bytes]:
    """The same compressed mebibyte over and over: a full flush makes it stand by itself."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    mebibyte = packer.compress(bytes(_MEBIBYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    end = zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    sizes = len(mebibyte) * _MORE_THAN_2_GIB + len(end), _MORE_THAN_2_GIB * _MEBIBYTE
    name, checksum = b"zeros", 0  # clamd does not look at it
    entry = struct.pack("<HHHHHIIIHH", 20, 0, zipfile.ZIP_DEFLATED, 0, 0, checksum, *sizes, len(name), 0)
    head = b"PK\x03\x04" + entry + name
    yield head
    for _ in range(_MORE_THAN_2_GIB):
        yield mebibyte
    yield end
    listed = b"PK\x01\x02" + struct.pack("<H", 20) + entry + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    yield listed + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(listed), len(head) + sizes[0], 0)


def _zip(name: str, content: bytes) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(name, content)
    return made.getvalue()
