"""The types that puremagic knows are found without comparing with all of them."""

from collections.abc import Callable

import puremagic
import pytest
from puremagic.main import magic_footer_array, magic_header_array, multi_part_dict

from services.attachments.media.kinds import HEAD
from services.attachments.media.signatures import LEAST_CONFIDENCE, known_types


def beginnings() -> list[bytes]:
    return [(bytes(known.offset) + known.byte_match + bytes(100))[:HEAD] for known in magic_header_array]


def endings() -> list[bytes]:
    return [b"A" * 600 + known.byte_match + bytes(-known.offset - len(known.byte_match)) for known in magic_footer_array]


def in_parts() -> list[bytes]:
    made = []
    for begin, others in multi_part_dict.items():
        for known in others:
            head = bytearray(begin + bytes(200))
            head[known.offset : known.offset + len(known.byte_match)] = known.byte_match
            made.append(bytes(head))
    return made


@pytest.mark.parametrize("heads", [beginnings, endings, in_parts])
def test_every_signature_is_found_as_puremagic_finds_it(heads: Callable[[], list[bytes]]) -> None:
    for head in heads():
        found = [match for match in puremagic.magic_string(head) if match.confidence >= LEAST_CONFIDENCE]
        assert sorted(known_types(head)) == sorted(match.mime_type for match in found if match.confidence == found[0].confidence)


def test_bytes_of_no_kind_have_no_type() -> None:
    assert [known_types(head) for head in (b"", b"\x00", b"\x07" * HEAD)] == [[], [], []]
