"""The type of a file is what its bytes say, and nothing that could be a page is shown in place."""

import tarfile
import zipfile
import zlib
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.attachments.media.kinds import CLUSTER, HEAD, INLINE, UNKNOWN, sniff, sniff_sound

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(17)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + bytes(20)
GIF = b"GIF89a\x10\x00\x10\x00\x80\x00\x00" + bytes(20)
WEBM = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm" + bytes(20)
OGG = b"OggS\x00\x02" + bytes(22)
SVG = "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
PAGE = "<!DOCTYPE html><html><script>alert(1)</script></html>"


def mp4(*brands: bytes, behind: bytes = b"") -> bytes:
    body = brands[0] + bytes(4) + b"".join(brands[1:])
    return (len(body) + 8).to_bytes(4) + b"ftyp" + body + behind + bytes(50)


def archive(*names: str, content: str = "x") -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as written:
        for name in names:
            written.writestr(name, content)
    return out.getvalue()


def tar() -> bytes:
    out = BytesIO()
    with tarfile.open(fileobj=out, mode="w") as written:
        written.addfile(tarfile.TarInfo("a.txt"), BytesIO())
    return out.getvalue()


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (PNG, "image/png"),
        (JPEG, "image/jpeg"),
        (GIF, "image/gif"),
        (b"GIF87a" + bytes(20), "image/gif"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(20), "image/webp"),
        (mp4(b"avif", b"mif1"), "image/avif"),
        (mp4(b"mif1", b"avif", b"miaf"), "image/avif"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(20), "audio/wav"),
        (b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(20), "audio/mpeg"),
        (b"\xff\xfb\x90\x64" + bytes(50), "audio/mpeg"),
        (OGG + b"OpusHead" + bytes(20), "audio/ogg"),
        (OGG + b"\x01vorbis" + bytes(20), "audio/ogg"),
        (WEBM + b"\x86\x86A_OPUS", "audio/webm"),
        (WEBM + b"\x86\x85V_VP9\x86\x86A_OPUS", "video/webm"),
        (mp4(b"M4A ", b"isom"), "audio/mp4"),
        (mp4(b"isom", b"iso5", behind=b"moovhdlrsoun"), "audio/mp4"),
        (mp4(b"isom", b"mp41", behind=b"moovhdlrsounhdlrvide"), "video/mp4"),
        (mp4(b"mp42"), "video/mp4"),
    ],
)
def test_what_browsers_show_is_told_by_its_signature(head: bytes, kind: str) -> None:
    assert sniff(head) == kind
    assert kind in INLINE


@pytest.mark.parametrize("recorded", [b"V_VP8", b"\x00V_", b"A_"])
def test_what_a_microphone_wrote_by_chance_is_no_track(recorded: bytes) -> None:
    assert sniff(WEBM + b"\x86\x86A_OPUS" + CLUSTER + recorded) == "audio/webm"
    assert sniff(WEBM + CLUSTER + b"\x86\x85" + recorded) == "video/webm"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (WEBM + b"\x86\x86A_OPUS", "audio/webm"),
        (OGG + b"OpusHead" + bytes(20), "audio/ogg"),
        (mp4(b"iso5", b"hlsf", behind=b"moovhdlrsoun"), "audio/mp4"),
        (mp4(b"mp42", behind=b"mdat"), "audio/mp4"),
        (b"\xff\xfb\x90\x64" + bytes(50), "audio/mpeg"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(20), "audio/wav"),
        (mp4(b"isom", behind=b"moovhdlrsounhdlrvide"), None),
        (WEBM + b"\x86\x85V_VP9\x86\x86A_OPUS", None),
        (JPEG, None),
        (PAGE.encode(), None),
        (b"ID3\x04\x00\x00\x00\x00\x00\x0a" + b"<body onload=alert(1)>", None),
        (b"fLaC" + bytes(50), None),
        (b"hello", None),
        (b"", None),
    ],
)
def test_a_sound_is_told_from_all_else(head: bytes, kind: str | None) -> None:
    assert sniff_sound(head) == kind


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (PAGE.encode(), "text/html"),
        (b"\xef\xbb\xbf \r\n\t" + PAGE.encode(), "text/html"),
        (b"<!-- a -->\n<!-- b --><HTML >", "text/html"),
        (b"<script src=//a.example></script>", "text/html"),
        (b"<img src=x onerror=alert(1)>", "text/html"),
        (b"<p>hello</p><script>alert(1)</script>", "text/html"),
        ("<html>\xe9".encode("latin-1"), "text/html"),
        (SVG.encode(), "image/svg+xml"),
        (f"<?xml version='1.0'?><!DOCTYPE svg PUBLIC ''>{SVG}".encode(), "image/svg+xml"),
        (b"<?xml version='1.0'?><feed/>", "application/xml"),
        (b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'/>", "text/html"),
        (b"<note>hello</note>", "application/xml"),
        (b"<?php system($_GET['a']); ?>", "text/x-php"),
        (b"#!/bin/sh\necho hello", "text/x-script"),
    ],
)
def test_markup_and_scripts_are_called_so_and_never_shown(head: bytes, kind: str) -> None:
    assert sniff(head) == kind
    assert kind not in INLINE


@pytest.mark.parametrize(
    "head",
    [
        b"GIF89a=0/*" + PAGE.encode() + b"*/",
        GIF + PAGE.encode(),
        JPEG + b"<?php system($_GET['a']); ?>",
        JPEG + b"\xff\xfe\x00\x20<ScRiPt\n>alert(1)</script>",
        PNG + b"tEXt" + SVG.encode(),
        b"ID3\x04\x00\x00\x00\x00\x00\x0a" + b"<body onload=alert(1)>",
        JPEG + b"%PDF-1.7",
        WEBM + b"<iframe src=x>",
        PAGE.encode("utf-16"),
        PAGE.encode("utf-16-be"),
        "hello".encode("utf-16"),
        "hello".encode("utf-32"),
        b"",
        b"\x00" * 100,
        b"hello \x00 world",
        b"caf\xe9 au lait",
        b"a text with <script>alert(1)</script> in it",
        b"\xff\xfe<\x00h\x00t\x00m\x00l\x00>\x00",
        mp4(b"heic", b"mif1")[:8],
        b"\xff\xf1\x50\x80" + bytes(50),
        b"\xff\xfb\xf0\x64" + bytes(50),
        b"ID3 is how songs are named\x00",
    ],
)
def test_what_is_two_things_or_none_is_only_bytes(head: bytes) -> None:
    assert sniff(head) == UNKNOWN


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"hello\n", "text/plain"),
        ("naïve café, 你好 👋\r\n\t\f".encode(), "text/plain"),
        (b"\xef\xbb\xbfhello", "text/plain"),
        (b"a < b and c > d; List<String>", "text/plain"),
        (b'{"a": 1}', "text/plain"),
        ("é".encode() * HEAD, "text/plain"),
        (b"a" + "é".encode() * HEAD, "text/plain"),
        (b"%PDF-1.7\n" + archive("a.txt"), "application/pdf"),
        (archive("a.txt") + b"%PDF-1.7", "application/zip"),
        (archive(), "application/zip"),
        (archive("[Content_Types].xml", "word/document.xml"), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (archive("[Content_Types].xml", "xl/workbook.xml"), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (
            archive("mimetype", content="application/vnd.oasis.opendocument.text"),
            "application/vnd.oasis.opendocument.text",
        ),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "application/x-ole-storage"),
        (b"{\\rtf1\\ansi}", "application/rtf"),
        (tar(), "application/x-tar"),
        (b"\x1f\x8b\x08" + zlib.compress(b"x"), "application/x-gzip"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(50), "application/x-7z-compressed"),
        (mp4(b"heic", b"mif1", b"heic"), "image/heif"),
        (mp4(b"qt  "), "video/quicktime"),
        (b"II*\x00\x08\x00\x00\x00" + bytes(50), "image/tiff"),
        (b"8BPS\x00\x01" + bytes(50), "image/vnd.adobe.photoshop"),
        (b"MZ\x90\x00" + bytes(100), "application/vnd.microsoft.portable-executable"),
        (b"fLaC" + bytes(50), "audio/flac"),
        (OGG + b"\x80theora" + bytes(20), "application/ogg"),
    ],
)
def test_all_else_is_named_where_it_is_known_and_downloaded(head: bytes, kind: str) -> None:
    assert sniff(head) == kind
    assert kind not in INLINE


def test_nothing_inline_is_a_page() -> None:
    assert [kind for kind in sorted(INLINE) if any(word in kind for word in ("svg", "html", "xml", "pdf", "text", "script"))] == []


@given(st.sampled_from([b"", PNG, JPEG, GIF, WEBM, OGG, mp4(b"isom")]), st.binary(max_size=300), st.binary(max_size=300))
def test_nothing_with_a_page_in_it_is_inline_whatever_is_around_it(begin: bytes, before: bytes, behind: bytes) -> None:
    assert sniff(begin + before + b"<script>" + behind) not in INLINE
    assert "/" in sniff(begin + before + behind)
