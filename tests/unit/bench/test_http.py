"""The load generator reads answers as they come: whole, in pieces, one after another."""

import pytest

from tests.bench.http import Response, request

CREATED = b'HTTP/1.1 201 Created\r\ncontent-type: application/json\r\nContent-Length: 11\r\n\r\n{"seq": 17}'


def test_an_answer_in_one_piece_is_whole() -> None:
    response = Response()
    assert response.feed(CREATED)
    assert response.status == 201


@pytest.mark.parametrize("size", [1, 7, 60, len(CREATED) - 1])
def test_an_answer_in_pieces_is_whole_with_its_last_piece(size: int) -> None:
    response = Response()
    pieces = [CREATED[start : start + size] for start in range(0, len(CREATED), size)]
    assert [response.feed(piece) for piece in pieces] == [False] * (len(pieces) - 1) + [True]


def test_the_next_answer_on_the_connection_is_read_anew() -> None:
    response = Response()
    response.feed(CREATED)
    for status in (204, 304):
        assert response.feed(b"HTTP/1.1 %d Without a body\r\n\r\n" % status)
        assert response.status == status


def test_a_refusal_is_told_by_status_and_code() -> None:
    response = Response()
    body = b'{"status":503,"code":"service_is_unavailable","requestId":"x"}'
    response.feed(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    assert response.refusal == "503 service_is_unavailable"


def test_more_than_was_asked_for_is_an_error() -> None:
    with pytest.raises(ValueError, match="more was received"):
        Response().feed(CREATED + CREATED)


def test_an_answer_without_a_length_is_an_error() -> None:
    with pytest.raises(ValueError, match="without a Content-Length"):
        Response().feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")


def test_a_request_says_how_long_its_body_is() -> None:
    made = request("POST", "/api/x", "token", {"content": "é"})
    head, _, body = made.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b'\r\nIf-None-Match: "a"\r\n' in request("GET", "/api/x", "token", known='"a"')
