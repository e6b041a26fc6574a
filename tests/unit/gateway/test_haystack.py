"""What libc finds is what `bytes.find` finds."""

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.haystack import Haystack

FEW = st.sampled_from([b"\0", b"\r", b"\n", b"-", b"a"])  # so that much is found, and more almost


@given(content=st.lists(FEW, max_size=60).map(b"".join), wanted=st.lists(FEW, min_size=1, max_size=5).map(b"".join), data=st.data())
def test_it_finds_what_bytes_find(content: bytes, wanted: bytes, data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(begin, len(content)))
    assert Haystack(content).find(wanted, begin, end) == content.find(wanted, begin, end)


def test_in_all_else_it_is_the_bytes() -> None:
    content = b"--a\r\n"
    haystack = Haystack(content)
    assert (len(haystack), haystack[2], haystack[1:3]) == (5, ord("a"), b"-a")
    assert haystack.rfind(b"-", 0, 5) == 1
    assert haystack.startswith(b"\r\n", 3, 5)
