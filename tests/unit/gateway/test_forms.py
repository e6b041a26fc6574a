"""Forms as they arrive: in whatever pieces, they are read the same; and nobody waits for ever for what does not come."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from services.gateway.arriving import Body
from services.gateway.errors import BodyIsTooLarge, BodyIsTooSlow, FormIsMalformed
from services.gateway.multipart import LARGE, MOST_PARTS, Form
from shared.contracts.refusals import RequestIsMalformed

BOUNDARY = b"----x"
HEADERS = {b"content-type": b"multipart/form-data; boundary=" + BOUNDARY}
MOST = 10_000_000


def body_of(pieces: Sequence[bytes], *, most: int = MOST, ends: bool = True, leaves: bool = False) -> Body:
    """One that comes in these pieces. Where it does not end, nothing more comes, or its sender leaves."""
    messages: list[Message] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages += [{"type": "http.request", "body": b"", "more_body": False}] if ends else []
    messages += [{"type": "http.disconnect"}] if leaves else []

    async def receive() -> Message:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    return Body(receive, most, patience=0.05)


async def read(body: Body) -> list[tuple[str, str | None, bytes]]:
    form = Form(HEADERS, body)
    return [(part.name, part.filename, b"".join([piece async for piece in form.content()])) async for part in form.parts()]


def encoded(parts: Sequence[tuple[str, str | None, bytes]]) -> bytes:
    lines = []
    for name, filename, content in parts:
        named = f'name="{name}"' + (f'; filename="{filename}"' if filename else "")
        lines.append(b"--%b\r\nContent-Disposition: form-data; %b\r\n\r\n%b\r\n" % (BOUNDARY, named.encode(), content))
    return b"".join([*lines, b"--%b--\r\n" % BOUNDARY])


NAMES = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=10)
CONTENTS = st.binary(max_size=300) | st.sampled_from([b"\r\n------", b"\r\n", b"--" + BOUNDARY[:-1], b"\r\n--" + BOUNDARY[:-1] + b"\r\n"])
PARTS = st.lists(st.tuples(NAMES, st.none() | NAMES, CONTENTS.filter(lambda content: b"--" + BOUNDARY not in content)), max_size=4)


def cut_into_pieces(raw: bytes, cuts: Sequence[int]) -> list[bytes]:
    pieces: list[bytes] = []
    while raw:
        cut = cuts[len(pieces) % len(cuts)]
        pieces.append(raw[:cut])
        raw = raw[cut:]
    return pieces


@given(parts=PARTS, cuts=st.lists(st.integers(1, 50), min_size=1, max_size=40))
def test_a_form_is_the_same_in_whatever_pieces_it_comes(parts: list[tuple[str, str | None, bytes]], cuts: list[int]) -> None:
    assert asyncio.run(read(body_of(cut_into_pieces(encoded(parts), cuts)))) == parts


@given(parts=PARTS, large=st.integers(LARGE - 50, 3 * LARGE), cuts=st.lists(st.integers(LARGE - 50, 2 * LARGE), min_size=1, max_size=9))
def test_a_large_form_is_the_same_in_whatever_large_pieces_it_comes(
    parts: list[tuple[str, str | None, bytes]], large: int, cuts: list[int]
) -> None:
    """Cuts fall on boundaries and on what begins like one."""
    parts = [(name, filename, (content or b"\r") * (large // (len(content) or 1))) for name, filename, content in parts]
    parts = [part for part in parts if b"--" + BOUNDARY not in part[2]]
    assert asyncio.run(read(body_of(cut_into_pieces(encoded(parts), cuts)))) == parts


def test_a_form_of_crumbs_is_malformed_before_it_is_read_to_its_end() -> None:
    crumbs = [("a", None, b"")] * (MOST_PARTS + 1)
    with pytest.raises(FormIsMalformed):
        asyncio.run(read(body_of([encoded(crumbs)])))
    assert asyncio.run(read(body_of([encoded(crumbs[1:])]))) == crumbs[1:]


@given(raw=st.binary(max_size=500))
def test_whatever_is_no_form_is_malformed(raw: bytes) -> None:
    with suppress(FormIsMalformed):
        assert asyncio.run(read(body_of([raw]))) == []


FORM = encoded([("file", "a.txt", b"hello" * 100)])


async def test_what_does_not_come_is_not_waited_for_for_ever() -> None:
    with pytest.raises(BodyIsTooSlow):
        await read(body_of([FORM[:100]], ends=False))


async def test_whose_sender_has_left_is_no_form() -> None:
    with pytest.raises(RequestIsMalformed):
        await read(body_of([FORM[:100]], ends=False, leaves=True))


async def test_no_more_is_read_than_may_come() -> None:
    with pytest.raises(BodyIsTooLarge):
        await read(body_of([FORM] * 3, most=len(FORM) * 2))


async def test_what_is_let_go_is_read_to_its_end_or_for_a_while() -> None:
    whole, left = body_of([b"x"] * 100), body_of([b"x"], ends=False, leaves=True)
    await whole.let_go()
    await left.let_go()
    assert (whole.ended, left.ended) == (True, True)
