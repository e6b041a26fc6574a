"""The outermost layer: ids in and out, the context of the request, what is measured, and the last net under everything."""

import re
import time

import structlog
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.dispatch import refused
from shared.contracts.refusals import InternalError
from shared.identifiers import new_id
from shared.messaging.context import Context, current_context, new_trace
from shared.observability.tracing import span

log = structlog.get_logger()

SECONDS = 10.0  # that a request may take in all

_REQUEST_ID = re.compile(rb"[!-~](?:[ -~]{0,126}[!-~])?")
_TRACE = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_NOSNIFF = (b"x-content-type-options", b"nosniff")
_SECRET = re.compile(r"(/api/collab/links/).+", re.DOTALL)  # a link's token opens its file to whoever reads it

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
REQUESTS = Counter("atrium_http_requests", "Requests over HTTP.", ["route", "method", "status"])
REQUEST_SECONDS = Histogram("atrium_http_seconds", "A request over HTTP, from its headers to its answer.", ["route"], buckets=_BUCKETS)
POST_MILLISECONDS = Histogram(
    "message_post_latency_ms", "A post from its arrival to its answer, in milliseconds.", buckets=[1000 * bound for bound in _BUCKETS]
)
OTHER = "other"
SWITCHED = 101
_STARTS = {"http.response.start", "websocket.accept"}


class Edge:
    """Wraps the whole app. A plain ASGI layer: each of Starlette's middlewares costs a task or a closure more."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._seconds: dict[str, Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            scope["method"], send = "GET", _before_a_socket(send)
        started = time.perf_counter()
        context = _context(scope)
        current_context.set(context)  # the server runs each request in a task, and so a context, of its own
        status, seconds = 0, None
        request_id = (b"x-request-id", context.request_id.encode())

        async def send_with_ids(message: Message) -> None:
            nonlocal status, seconds
            if message["type"] in _STARTS:
                status = message.get("status", SWITCHED)
                if scope.get("atrium.live"):
                    seconds = time.perf_counter() - started  # what follows takes as long as its client likes
                message["headers"] = [*message["headers"], request_id, _NOSNIFF, *scope.get("atrium.headers", ())]
            await send(message)

        try:
            with span(f"gateway {scope['method']}"):
                await self._app(scope, receive, send_with_ids)
        except Exception:
            log.exception("request_failed", method=scope["method"], path=shown_path(scope))
            if status:
                raise  # half an answer is out: the connection is closed on it
            await refused(InternalError()).send(send_with_ids)
        finally:
            self._measure(scope, status, time.perf_counter() - started if seconds is None else seconds)

    def _measure(self, scope: Scope, status: int, seconds: float) -> None:
        """Label sets are kept: looking one up anew costs 3 µs."""
        route = scope.get("atrium.route")
        path, name = (route.path, route.name) if route is not None else (OTHER, OTHER)
        method = scope["method"] if route is not None else OTHER
        counter = self._counters.get((path, method, status))
        if counter is None:
            counter = self._counters[path, method, status] = REQUESTS.labels(path, method, str(status))
        counter.inc()
        histogram = self._seconds.get(path)
        if histogram is None:
            histogram = self._seconds[path] = REQUEST_SECONDS.labels(path)
        histogram.observe(seconds)
        if name == "post_message":
            POST_MILLISECONDS.observe(1000 * seconds)
        if status >= 500:
            log.error("request_was_not_answered", method=scope["method"], path=shown_path(scope), status=status, seconds=round(seconds, 3))
        else:
            log.debug("request", method=scope["method"], path=shown_path(scope), status=status, seconds=round(seconds, 3))


def _before_a_socket(send: Send) -> Send:
    """Answers a handshake otherwise than by a WebSocket (the ASGI extension `websocket.http.response`)."""

    async def answer(message: Message) -> None:
        if message["type"].startswith("http."):
            message["type"] = f"websocket.{message['type']}"
        await send(message)

    return answer


def shown_path(scope: Scope) -> str:
    """For the log: without a token."""
    return _SECRET.sub(r"\1…", scope["path"])


def _context(scope: Scope) -> Context:
    request_id = trace = b""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            request_id = value
        elif name == b"traceparent":
            trace = value
    return Context(
        time.time() + SECONDS,
        trace.decode() if _TRACE.fullmatch(trace) else new_trace(),
        request_id.decode() if _REQUEST_ID.fullmatch(request_id) else str(new_id()),
    )
