"""The wire of calls: one line of JSON that says what follows, then the bodies end to end.

Bytes that need no change on their way are sliced and never parsed.
"""

import time
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from pydantic import TypeAdapter
from pydantic_core import from_json, to_json

from shared.contracts.principal import Principal
from shared.messaging.context import IDEMPOTENCY_KEY

FRAME_HEADER = "Atrium-Frame"
PRINCIPAL_HEADER = "Atrium-Principal"
DEADLINE_HEADER = "Atrium-Deadline"
REQUEST_ID_HEADER = "X-Request-Id"
IDEMPOTENCY_KEY_HEADER = "Idempotency-Key"
TRACE_HEADER = "traceparent"
PLAIN_PATIENCE = 5.0  # seconds for a call that names no deadline
SIGN_OF_LIFE = 5.0  # seconds after which whoever is at work on a long call says so, by a frame without answers
SILENCE = 15.0  # seconds without a word, after which whoever asked takes it that nobody is at work

type AnswerKind = Literal["reply", "replay", "found", "refusal"]


class Call(NamedTuple):
    """One call inside a frame."""

    principal: Principal | None
    deadline: float
    trace: str
    request_id: str
    body: bytes
    idempotency_key: str = ""


class Answer(NamedTuple):
    """The answer to the call at `place` of a frame. `replay` is the reply to a call that was answered before, `found`
    what was there already where something would have been made."""

    place: int
    kind: AnswerKind
    body: bytes


class _Head(NamedTuple):
    """What is said of a call before its body. The key is left out where there is none."""

    principal: Principal | None
    deadline: float
    trace: str
    request_id: str
    length: int
    idempotency_key: str = ""


_HEADS = TypeAdapter(list[_Head])


def calls_frame(calls: Sequence[Call]) -> bytes:
    heads = b",".join(
        b"[%b,%.3f,%b,%b,%d%b]"
        % (
            call.principal.model_dump_json().encode() if call.principal else b"null",
            call.deadline,
            to_json(call.trace),
            to_json(call.request_id),
            len(call.body),
            b"," + to_json(call.idempotency_key) if call.idempotency_key else b"",
        )
        for call in calls
    )
    return b"[%b]\n%b" % (heads, b"".join(call.body for call in calls))


def read_calls(frame: bytes) -> list[Call]:
    """Raises ValueError when the frame is not one."""
    line, _, bodies = frame.partition(b"\n")
    calls, start = [], 0
    for principal, deadline, trace, request_id, length, key in _HEADS.validate_json(line):
        calls.append(Call(principal, deadline, trace, request_id, bodies[start : start + length], key))
        start += length
    return calls


def plain_call(body: bytes, headers: dict[str, str]) -> Call:
    """A single call by anyone else: the request is the payload, the rest rides in headers. Raises ValueError."""
    principal, key = headers.get(PRINCIPAL_HEADER), headers.get(IDEMPOTENCY_KEY_HEADER, "")
    if key and not IDEMPOTENCY_KEY.fullmatch(key):
        raise ValueError("the key is none")
    return Call(
        Principal.model_validate_json(principal) if principal else None,
        float(headers.get(DEADLINE_HEADER, time.time() + PLAIN_PATIENCE)),
        headers.get(TRACE_HEADER, ""),
        headers.get(REQUEST_ID_HEADER, ""),
        body,
        key,
    )


def answers_frame(answers: Iterable[Answer]) -> bytes:
    heads, bodies = [], []
    for answer in answers:
        heads.append(f'[{answer.place},"{answer.kind}",{len(answer.body)}]')
        bodies.append(answer.body)
    return b"[%b]\n%b" % (",".join(heads).encode(), b"".join(bodies))


def read_answers(frame: bytes) -> list[Answer]:
    line, _, bodies = frame.partition(b"\n")
    answers, start = [], 0
    for place, outcome, length in from_json(line):
        answers.append(Answer(place, outcome, bodies[start : start + length]))
        start += length
    return answers
