"""What a body may be, and what is said of one that is none."""

import asyncio
import contextlib
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway import bodies
from services.gateway.bodies import parse_json
from shared.contracts.messages.messages import POST_MESSAGE
from shared.contracts.refusals import RequestIsMalformed
from tests.unit.gateway.neighbours import POST_PATH, THREAD, Running, signed_in

JSON = {"Content-Type": "application/json"}
MALFORMED = {
    "empty": b"",
    "no JSON": b"hello",
    "cut off": b'{"content":"a"',
    "followed by more": b'{"content":"a"} x',
    "with a comma too many": b'{"content":"a",}',
    "a key twice": b'{"content":"a","content":"b"}',
    "a key twice, written differently": rb'{"content":"a","c\u006fntent":"b"}',
    "a key twice, deep inside": b'{"content":"a","metadata":{"x":[{"y":1,"y":2}]}}',
    "not a number": b'{"content":"a","metadata":{"x":NaN}}',
    "infinite": b'{"content":"a","metadata":{"x":-Infinity}}',
    "past a double": b'{"content":"a","metadata":{"x":1e999}}',
    "a number of ten thousand digits": b'{"content":"a","metadata":{"x":' + b"9" * 10_000 + b"}}",
    "deep": b'{"content":"a","metadata":{"x":' + b"[" * 64 + b"]" * 64 + b"}}",
    "a bomb of arrays": b"[" * 200_000,
    "a bomb of objects": b'{"a":' * 100_000,
    "half a pair": rb'{"content":"\ud800"}',
    "the other half": rb'{"content":"\udc00\ud800"}',
    "half a pair in a key": rb'{"content":"a","metadata":{"\uDBFF":1}}',
    "not UTF-8": b'{"content":"\xff"}',
    "UTF-16": '{"content":"a"}'.encode("utf-16"),
    "with a byte order mark": b'\xef\xbb\xbf{"content":"a"}',
    "a surrogate in UTF-8": b'{"content":"\xed\xa0\x80"}',
    "with a control character": b'{"content":"\x01"}',
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
async def test_what_cannot_be_read_is_malformed(running: Running, body: bytes) -> None:
    answer = await running.client.post(POST_PATH, content=body, headers=signed_in() | JSON)
    assert (answer.status_code, answer.json()["code"], running.neighbours.calls(POST_MESSAGE)) == (400, "request_is_malformed", [])


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1", b"null", b"true"])
async def test_a_body_that_is_no_object_is_invalid(running: Running, body: bytes) -> None:
    answer = await running.client.post(POST_PATH, content=body, headers=signed_in() | JSON)
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, ["body"])


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({}, "content", "missing"),
        ({"content": "a", "colour": "blue"}, "colour", "unknown_field"),
        ({"content": "a", "client_message_id": "k"}, "client_message_id", "unknown_field"),
        ({"content": "a", "threadId": str(THREAD)}, "threadId", "unknown_field"),
        ({"content": ""}, "content", "too_short"),
        ({"content": "a" * 10_001}, "content", "too_long"),
        ({"content": 1}, "content", "string_type"),
        ({"content": "a\0b"}, "content", "invalid"),
        ({"content": "a", "channel": "pigeon"}, "channel", "not_one_of"),
        ({"content": "a", "replyTo": "x"}, "replyTo", "uuid_parsing"),
        ({"content": "a", "metadata": {"x": "y" * 16_384}}, "metadata", "invalid"),
    ],
)
async def test_a_field_that_is_wrong_is_named(running: Running, body: dict[str, object], field: str, code: str) -> None:
    answer = await running.client.post(POST_PATH, json=body, headers=signed_in())
    assert answer.status_code == 422
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, code)]


@pytest.mark.parametrize(
    "value", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", "application/jsonx", ""]
)
async def test_another_media_type_is_not_taken(running: Running, value: str) -> None:
    answer = await running.client.post(POST_PATH, content=b'{"content":"a"}', headers=signed_in() | {"Content-Type": value})
    assert (answer.status_code, answer.json()["code"]) == (415, "media_type_is_not_supported")


async def test_a_compressed_body_is_not_taken(running: Running) -> None:
    answer = await running.client.post(POST_PATH, content=b"x", headers=signed_in() | JSON | {"Content-Encoding": "gzip"})
    assert answer.status_code == 415


@pytest.mark.parametrize("value", ["application/json", "application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'])
async def test_json_is_taken_however_it_is_announced(running: Running, value: str) -> None:
    answer = await running.client.post(POST_PATH, content=b'{"content":"a"}', headers=signed_in() | {"Content-Type": value})
    assert answer.status_code == 201


async def test_whole_pairs_and_every_other_character_come_through(running: Running) -> None:
    body = rb'{"content":"\ud83d\ude00 \\ud800 caf\u00e9"}'
    await running.client.post(POST_PATH, content=body, headers=signed_in() | JSON)
    assert running.neighbours.calls(POST_MESSAGE)[0].request.content == "😀 \\ud800 café"  # type: ignore[attr-defined]


async def test_a_body_over_a_mebibyte_is_refused_before_it_is_read(running: Running) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(running.url.rpartition(":")[2]))
    bearer = signed_in()["Authorization"]
    writer.write(
        f"POST {POST_PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {bodies.MOST_BYTES + 1}\r\n\r\n".encode()
    )
    answer = await asyncio.wait_for(reader.read(), 3)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer
    writer.close()


async def test_a_body_that_does_not_say_how_long_it_is_is_read_no_further_than_allowed(running: Running) -> None:
    sent = 0

    async def endless() -> object:
        nonlocal sent
        while sent < 20 * bodies.MOST_BYTES:
            sent += 65_536
            yield b" " * 65_536

    try:
        answer = await running.client.post(POST_PATH, content=endless(), headers=signed_in() | JSON)  # type: ignore[arg-type]
    except Exception as error:
        assert "Write" in type(error).__name__ or "Read" in type(error).__name__  # noqa: PT017  closed on what was still coming
    else:
        assert answer.status_code == 413
    assert sent < 20 * bodies.MOST_BYTES


async def test_a_body_that_does_not_come_is_given_up(running: Running) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(running.url.rpartition(":")[2]))
    bearer = signed_in()["Authorization"]
    writer.write(
        f"POST {POST_PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer}\r\nContent-Type: application/json\r\n"
        f"Content-Length: 100\r\n\r\n{{".encode()
    )
    before = time.monotonic()
    answer = await asyncio.wait_for(reader.read(), bodies.SECONDS + 3)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"body_is_too_slow"' in answer
    assert bodies.SECONDS - 1 < time.monotonic() - before < bodies.SECONDS + 2
    writer.close()


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_every_json_value_is_read_as_it_was_written(value: object) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")) == value


@given(st.binary())
def test_whatever_comes_is_read_or_malformed(body: bytes) -> None:
    with contextlib.suppress(RequestIsMalformed):
        parse_json(body)
