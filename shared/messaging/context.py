"""What travels with a request besides its content: how long its caller waits, its trace, and the id that its user knows it by."""

import secrets
import time
from contextvars import ContextVar
from typing import NamedTuple


class Context(NamedTuple):
    """deadline: Unix seconds, by synchronised clocks. trace: a W3C traceparent."""

    deadline: float
    trace: str
    request_id: str

    @property
    def trace_id(self) -> str:
        return self.trace[3:35]

    def remaining(self) -> float:
        return self.deadline - time.time()


NO_CONTEXT = Context(float("inf"), "", "")
current_context: ContextVar[Context] = ContextVar("current_context", default=NO_CONTEXT)


def new_trace() -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
