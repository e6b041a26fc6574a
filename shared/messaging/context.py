"""What travels with a request besides its content: how long its caller waits, its trace, the id that its user knows it by, its key."""

import re
import secrets
import time
from contextvars import ContextVar
from typing import NamedTuple

IDEMPOTENCY_KEY = re.compile(r"[!-~](?:[ -~]{0,253}[!-~])?")
"""What an Idempotency-Key looks like: 1 to 255 printable characters; HTTP takes blanks around them away."""


class Context(NamedTuple):
    """deadline: Unix seconds, by synchronised clocks. trace: a W3C traceparent.

    idempotency_key: the user's own name for this request, so that it is done once however often it comes; empty without one.
    """

    deadline: float
    trace: str
    request_id: str
    idempotency_key: str = ""

    @property
    def trace_id(self) -> str:
        return self.trace[3:35]

    def remaining(self) -> float:
        return self.deadline - time.time()


NO_CONTEXT = Context(float("inf"), "", "")
current_context: ContextVar[Context] = ContextVar("current_context", default=NO_CONTEXT)


def new_trace() -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
