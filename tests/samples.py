"""Files that a scanner must tell apart. What is a virus is made when it is asked for: none is ever stored."""

import base64
import gzip
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO

from clamd import EICAR

MEBIBYTE = 1024 * 1024


def in_zip(content: bytes, levels: int = 1, name: str = "inner") -> bytes:
    """In a zip, in a zip … Compressed, so that nothing of it can be seen from outside."""
    for _ in range(levels):
        made = BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content)
        content = made.getvalue()
    return content


def in_document(content: bytes) -> bytes:
    """Embedded in what looks like a docx."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>')
        archive.writestr("word/document.xml", "<w:document/>")
        archive.writestr("word/embeddings/oleObject1.bin", content)
    return made.getvalue()


def in_tar_gz(content: bytes) -> bytes:
    made = BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        entry = tarfile.TarInfo("inner")
        entry.size = len(content)
        archive.addfile(entry, BytesIO(content))
    return made.getvalue()


def in_mail(content: bytes) -> bytes:
    head = (
        "From: a@example.com\r\nTo: b@example.com\r\nSubject: See attached\r\nMIME-Version: 1.0\r\n"
        'Content-Type: application/octet-stream; name="inner"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    )
    return head.encode() + base64.encodebytes(content)


def in_gif(content: bytes) -> bytes:
    """A picture of one pixel to one program, and a zip to another."""
    pixel = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
    return pixel + in_zip(content)


def in_encrypted_zip(content: bytes, password: bytes = b"secret") -> bytes:
    """Encrypted as every zip program can (ZipCrypto), by the first of APPNOTE.TXT's methods."""
    made = bytearray(in_zip(content))
    begin = made.index(b"inner") + len(b"inner")
    end = made.index(b"PK\x01\x02")
    packed = bytes(made[begin:end])
    cipher = _ZipCrypto(password).encrypt(os.urandom(11) + made[17:18] + packed)  # the checksum's last byte tells a right password
    listed, last = bytearray(made[end : made.index(b"PK\x05\x06")]), bytearray(made[made.index(b"PK\x05\x06") :])
    head = made[:begin]
    for part, flags, size in ((head, 6, 18), (listed, 8, 20)):
        part[flags] |= 1
        part[size : size + 4] = len(cipher).to_bytes(4, "little")
    last[16:20] = (len(head) + len(cipher)).to_bytes(4, "little")
    return bytes(head) + cipher + bytes(listed) + bytes(last)


class _ZipCrypto:
    """The three keys of PKWARE's old cipher."""

    def __init__(self, password: bytes) -> None:
        self._keys = [0x12345678, 0x23456789, 0x34567890]
        for byte in password:
            self._update(byte)

    def encrypt(self, content: bytes) -> bytes:
        return bytes(self._encrypted(byte) for byte in content)

    def _encrypted(self, byte: int) -> int:
        mixed = (self._keys[2] | 2) & 0xFFFF
        masked = byte ^ ((mixed * (mixed ^ 1)) >> 8 & 0xFF)
        self._update(byte)
        return masked

    def _update(self, byte: int) -> None:
        first, second, third = self._keys
        first = _crc(first, byte)
        second = ((second + (first & 0xFF)) * 134_775_813 + 1) & 0xFFFFFFFF
        self._keys = [first, second, _crc(third, second >> 24)]


def _crc(value: int, byte: int) -> int:
    """One step of CRC-32, without zlib's complements at the beginning and the end."""
    return zlib.crc32(bytes([byte]), value ^ 0xFFFFFFFF) ^ 0xFFFFFFFF


def zeros_in_zip_in_zip(mebibytes: int) -> bytes:
    """A bomb: a few KB that become so many MiB."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("zeros", "w") as member:
        for _ in range(mebibytes):
            member.write(bytes(MEBIBYTE))
    return in_zip(made.getvalue())


def zeros_in_gz(mebibytes: int) -> bytes:
    made = BytesIO()
    with gzip.open(made, "wb") as packed:
        for _ in range(mebibytes):
            packed.write(bytes(MEBIBYTE))
    return made.getvalue()


VIRUSES: dict[str, Callable[[], bytes]] = {
    "plain": lambda: EICAR,
    "in a zip": lambda: in_zip(EICAR),
    "in zips 5 deep": lambda: in_zip(EICAR, 5),
    "in a document": lambda: in_document(EICAR),
    "in a tar.gz": lambda: in_tar_gz(EICAR),
    "in a mail": lambda: in_mail(EICAR),
    "in a picture that is a zip too": lambda: in_gif(EICAR),
    "beside an encrypted zip": lambda: in_document(EICAR) + in_encrypted_zip(b"hidden"),
}


def noise(size: int) -> bytes:
    """Of no kind: of what chance alone makes, some begins as a page or a song does."""
    return b"\0" + os.urandom(size - 1)


HARMLESS: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "a byte": lambda: b"a",
    "HTML by the name of a PNG": lambda: b"<!doctype html><script>alert(1)</script>",
    "an SVG with a script": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "50 KB": lambda: noise(50 * 1024),
    "5 MB": lambda: noise(5 * MEBIBYTE),
}
