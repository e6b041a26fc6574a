"""Which files puremagic knows. It compares each with all of its table (740 µs); whether there is something to find is looked up (40)."""

from collections import defaultdict

import puremagic
from puremagic.main import magic_footer_array, magic_header_array

LEAST_CONFIDENCE = 0.3  # three bytes that match


def _by_place() -> list[tuple[slice, frozenset[bytes]]]:
    """What puremagic looks for, by the part of a file where it does; counted from its end where negative."""
    places: dict[tuple[int, int | None], set[bytes]] = defaultdict(set)
    for known in (*magic_header_array, *magic_footer_array):
        places[known.offset, known.offset + len(known.byte_match) or None].add(known.byte_match)
    return [(slice(*place), frozenset(there)) for place, there in places.items()]


_PLACES = _by_place()


def known_types(head: bytes) -> list[str]:
    """The media types of what a file is most likely to be, by how it begins; some have none, which is ""."""
    if not any(head[place] in there for place, there in _PLACES):
        return []
    found = [match for match in puremagic.magic_string(head) if match.confidence >= LEAST_CONFIDENCE]
    return [match.mime_type for match in found if match.confidence == found[0].confidence]
