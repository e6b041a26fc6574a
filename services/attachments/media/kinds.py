"""The type of a file by its bytes. What the client calls it does not count.

What is served as one of the types of `INLINE` is shown by browsers in place, so those are told by tables of our own, and only for files
that nobody could take for a page. All else is downloaded, whatever it is.
"""

import codecs
import re
from collections.abc import Callable

from services.attachments.media.signatures import known_types

HEAD = 4 * 1024
"""How many of a file's first bytes `sniff` wants; it looks at no more."""

UNKNOWN = "application/octet-stream"
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})
SOUNDS = frozenset({"audio/mpeg", "audio/ogg", "audio/wav", "audio/webm", "audio/mp4"})
FILMS = frozenset({"video/mp4", "video/webm"})
INLINE = PICTURES | SOUNDS | FILMS
"""May be shown in place; anything else is a download."""

type Tell = Callable[[bytes], str | None]
"""The type, or None where it is something else."""


def sniff(head: bytes) -> str:
    """The media type of a file that begins with `head`."""
    head = head[:HEAD]
    if kind := _first(MEDIA, head):
        return UNKNOWN if PAGE.search(head) or b"%PDF-" in head else kind
    return _first(OTHERS, head) or UNKNOWN


def sniff_sound(head: bytes) -> str | None:
    """The same of a file that is to be a sound; None where it is none. An MP4 that names its tracks at its end may be one."""
    kind = sniff(head)
    if kind == "video/mp4" and b"vide" not in head[:HEAD]:
        return "audio/mp4"
    return kind if kind in SOUNDS else None


def _first(tells: list[Tell], head: bytes) -> str | None:
    return next((kind for tell in tells if (kind := tell(head))), None)


def _begins(*signatures: tuple[bytes, str]) -> Tell:
    known = [(re.compile(signature, re.DOTALL | re.IGNORECASE), kind) for signature, kind in signatures]
    return lambda head: next((kind for signature, kind in known if signature.match(head)), None)


PAGE_TAGS = "html|head|body|script|style|title|iframe|object|embed|svg|form|meta|link|img|table"
PAGE = re.compile(rf"<(?:!doctype\s+html|{PAGE_TAGS}|\?php)[\s/>]".encode(), re.IGNORECASE)
"""What browsers, or servers that run files, look for in what they were not told enough about."""


def _mp3(head: bytes) -> str | None:
    """The header of its first frame: MPEG 1, 2 or 2.5, layer III, a bitrate and a rate that exist."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2 or head[1] & 0x18 == 0x08:
        return None
    return "audio/mpeg" if head[2] >> 4 not in (0, 15) and head[2] & 0x0C != 0x0C else None


def _ogg(head: bytes) -> str | None:
    heads = (b"OpusHead", b"\x01vorbis", b"\x7fFLAC", b"Speex   ")
    first = head.startswith(b"OggS") and head[28:].startswith(heads)
    return "audio/ogg" if first and b"theora" not in head else None


def _matroska(head: bytes) -> str | None:
    """Of the family, browsers know WebM alone. Its tracks are named before the first cluster, whose bytes may be any."""
    if not head.startswith(b"\x1a\x45\xdf\xa3") or not re.search(rb"\x42\x82.webm", head[:64], re.DOTALL):
        return None
    tracks = head.partition(CLUSTER)[0]
    return "audio/webm" if re.search(CODEC + b"A_", tracks, re.DOTALL) and not re.search(CODEC + b"V_", tracks, re.DOTALL) else "video/webm"


CLUSTER = b"\x1f\x43\xb6\x75"
CODEC = rb"\x86.{1,8}"  # a CodecID, and its length


def _mp4(head: bytes) -> str | None:
    """A picture, a sound or a film by its brands; a film without a picture track is a sound, where its tracks come first."""
    if head[4:8] != b"ftyp":
        return None
    length = int.from_bytes(head[:4])
    brands = {head[8:12], *(head[place : place + 4] for place in range(16, min(length, len(head)), 4))}
    if brands & {b"avif", b"avis"}:
        return "image/avif"
    if brands & {b"M4A ", b"M4B "}:
        return "audio/mp4"
    if head[8:12] not in MP4_BRANDS:
        return None
    return "audio/mp4" if b"soun" in head and b"vide" not in head else "video/mp4"


MP4_BRANDS = {b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso8", b"mp41", b"mp42", b"avc1", b"dash", b"M4V ", b"MSNV"}
MEDIA: list[Tell] = [
    _begins(
        (rb"\x89PNG\r\n\x1a\n", "image/png"),
        (rb"\xff\xd8\xff", "image/jpeg"),
        (rb"GIF8[79]a", "image/gif"),
        (rb"RIFF....WEBPVP8", "image/webp"),
        (rb"RIFF....WAVE", "audio/wav"),
        (rb"ID3[\x02-\x04][\x00-\x0f]", "audio/mpeg"),
    ),
    _mp3,
    _ogg,
    _matroska,
    _mp4,
]


def _markup(head: bytes) -> str | None:
    """As lenient as a browser: in any encoding that has these letters, behind a mark, blanks and comments."""
    begin = re.sub(rb"\A(?:\xef\xbb\xbf)?(?:\s|<!--.*?-->)+", b"", head.removeprefix(codecs.BOM_UTF8), flags=re.DOTALL)
    if begin.startswith((b"<?php", b"<?=")):
        return "text/x-php"
    if not re.match(rb"<[a-z!?]", begin, re.IGNORECASE):
        return None
    if page := re.search(rf"<(?:!doctype\s+)?({PAGE_TAGS})[\s/>]".encode(), begin, re.IGNORECASE):
        return "image/svg+xml" if page[1].lower() == b"svg" else "text/html"
    return "application/xml"


def _text(head: bytes) -> str | None:
    """UTF-8 without anything that is not to be read; the last character may be cut."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < HEAD)
    except UnicodeDecodeError:
        return None
    if not head or PAGE.search(head) or re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]", head):
        return None
    return "text/x-script" if re.match(rb"#!\s*/", head) else "text/plain"


def _zip(head: bytes) -> str | None:
    """An office document is a zip, whose first names tell which."""
    if not head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return None
    if declared := re.match(rb".{30}mimetype(application/(?:epub\+zip|vnd\.oasis\.opendocument\.[a-z]+))", head, re.DOTALL):
        return declared[1].decode()
    office = re.search(rb"(word|xl|ppt)/", head) if b"[Content_Types].xml" in head else None
    return f"application/vnd.openxmlformats-officedocument.{OFFICE[office[1]]}" if office else "application/zip"


OFFICE = {b"word": "wordprocessingml.document", b"xl": "spreadsheetml.sheet", b"ppt": "presentationml.presentation"}


def _known(head: bytes) -> str | None:
    """The best of what puremagic finds, but nothing that is for the tables above to say."""
    return next((kind for kind in known_types(head) if OWN.fullmatch(kind) and kind not in INLINE), None)


OWN = re.compile(r"(?!text/)(?!.*(?:xml|html|script))[a-z]+/[a-z0-9.+-]+")
OTHERS: list[Tell] = [
    _begins((rb"%PDF-", "application/pdf"), (rb"\{\\rtf", "application/rtf"), (rb"%!PS", "application/postscript")),
    _markup,
    _text,
    _zip,
    _begins((rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage")),
    _known,
]
