"""The metrics that every process has (Prometheus)."""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

CALL_SECONDS = Histogram(
    "atrium_call_seconds", "A frame of calls to a service, from send to last answer.", ["service", "operation"], buckets=_SECONDS
)
REQUEST_SECONDS = Histogram(
    "atrium_operation_seconds", "An operation inside the service that answers it.", ["service", "operation"], buckets=_SECONDS
)
REQUESTS_IN_FLIGHT = Gauge("atrium_operations_in_flight", "Operations that a service works on now.", ["service"])
REFUSALS = Counter("atrium_refusals_total", "Refusals, by the service that gave them and by code.", ["service", "operation", "code"])
OUTBOX_DEPTH = Gauge("atrium_outbox_depth", "Events that wait to be published.", ["service"])
OUTBOX_LAG_SECONDS = Gauge("atrium_outbox_lag_seconds", "Age of the oldest event that waits to be published.", ["service"])
RELAY_LEADS = Gauge("atrium_relay_leads", "1 where this process publishes the service's outbox.", ["service"])
RELAY_HALTED = Gauge("atrium_relay_halted", "1 where the stream is not the one that was published to: run `atrium replay`.", ["service"])
RELAY_SECONDS = Histogram("atrium_relay_seconds", "An event from its commit to JetStream's acknowledgement.", ["service"], buckets=_SECONDS)
EVENTS_PUBLISHED = Counter("atrium_events_published_total", "Events that JetStream has acknowledged.", ["service"])
EVENTS_CONSUMED = Counter("atrium_events_consumed_total", "Events by what became of them.", ["service", "consumer", "outcome"])
CONSUMER_LAG = Gauge("atrium_consumer_lag", "Events that a durable consumer has not acknowledged.", ["service", "consumer"])
PARKED_EVENTS = Gauge("atrium_parked_events", "Events that wait for the operator.", ["service"])
