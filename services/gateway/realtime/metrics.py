"""What is measured of live connections."""

from prometheus_client import Counter, Gauge, Histogram

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

DELIVERIES = Counter("atrium_realtime_deliveries", "Frames of events that were written to live connections.")
LAG_SECONDS = Histogram(
    "atrium_realtime_lag_seconds", "An event from its commit until it is written to live connections.", buckets=_BUCKETS
)
RESUMED = Histogram(
    "atrium_realtime_resumed_events",
    "Events that a connection had to catch up with.",
    buckets=(0, 10, 100, 1_000, 10_000, 100_000, 1_000_000),
)
RESETS = Counter("atrium_realtime_resets", "Clients that were told to reload.", ["reason"])
RING_BYTES = Gauge("atrium_realtime_ring_bytes", "Memory that the newest events take, about.")

SOCKET, STREAM = "websocket", "sse"
OTHER = "other"
OPEN = Gauge("atrium_realtime_connections", "Live connections that are open.", ["transport"])
CLOSED = Counter("atrium_realtime_closes", "Live connections that ended.", ["transport", "code"])
FRAMES_UP = Counter("atrium_realtime_frames_up", "Frames that clients sent over WebSockets.", ["type"])

_CLIENTS_OWN = {1000, 1001, 1002, 1003, 1005, 1006, 1007, 1011, 1012, 1013}

for _transport in (SOCKET, STREAM):
    OPEN.labels(_transport)


def count_close(transport: str, code: int) -> None:
    """Codes of ours, and those that clients have; what else one says makes no label of its own."""
    known = code in _CLIENTS_OWN or 4400 <= code < 4430
    CLOSED.labels(transport, str(code) if known else OTHER).inc()
