"""Traces go to a collector where one is set; a process of its own, because a tracer is the process's."""

import http.server
import subprocess
import sys
import threading
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TRACED = """
import sys
from shared.messaging.context import Context, current_context
from shared.observability.tracing import span, start_tracing, stop_tracing

start_tracing(sys.argv[1] or None, "messages")
current_context.set(Context(0, "00-" + "a" * 32 + "-" + "b" * 16 + "-01", "request"))
with span("messages.post_message"):
    print(current_context.get().trace)
print(current_context.get().trace)
stop_tracing()
"""


class Collector(http.server.BaseHTTPRequestHandler):
    received: list[ExportTraceServiceRequest]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def run(endpoint: str) -> list[str]:
    root = Path(__file__).parents[3]
    return subprocess.run([sys.executable, "-c", TRACED, endpoint], cwd=root, check=True, capture_output=True, text=True).stdout.split()


def test_a_span_is_a_child_of_the_trace_that_came_and_is_carried_on() -> None:
    Collector.received = []
    with http.server.HTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        inside, after = run(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    (resource,) = Collector.received[0].resource_spans
    (found,) = resource.scope_spans[0].spans
    assert found.name == "messages.post_message"
    assert (found.trace_id.hex(), found.parent_span_id.hex()) == ("a" * 32, "b" * 16)
    assert inside == f"00-{'a' * 32}-{found.span_id.hex()}-01"
    assert after == f"00-{'a' * 32}-{'b' * 16}-01"


def test_without_a_collector_nothing_is_made() -> None:
    assert run("") == [f"00-{'a' * 32}-{'b' * 16}-01"] * 2
