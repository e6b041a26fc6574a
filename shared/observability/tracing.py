"""Traces (OpenTelemetry), where a collector is set; nothing otherwise."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Tracer, format_span_id, format_trace_id
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.messaging.context import current_context

_NOTHING: AbstractContextManager[None] = nullcontext()
_PROPAGATOR = TraceContextTextMapPropagator()


class _Traces:
    """The process's tracer, once it has one."""

    provider: TracerProvider | None = None
    tracer: Tracer | None = None


def start_tracing(endpoint: str | None, process: str) -> None:
    """Send traces to an OTLP collector over HTTP (`ATRIUM_OTLP_ENDPOINT`)."""
    if endpoint is None:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # 300 ms of imports, for those who trace
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    _Traces.provider = TracerProvider(resource=Resource.create({"service.name": process}))
    _Traces.provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")))
    _Traces.tracer = _Traces.provider.get_tracer("atrium")


def stop_tracing() -> None:
    if _Traces.provider is not None:
        _Traces.provider.shutdown()


def span(name: str) -> AbstractContextManager[None]:
    """A span below the current context's trace, which calls made inside it carry on."""
    return _NOTHING if _Traces.tracer is None else _span(_Traces.tracer, name)


@contextmanager
def _span(tracer: Tracer, name: str) -> Iterator[None]:
    context = current_context.get()
    parent = _PROPAGATOR.extract({"traceparent": context.trace}) if context.trace else None
    with tracer.start_as_current_span(name, context=parent) as current:
        ids = current.get_span_context()
        trace = f"00-{format_trace_id(ids.trace_id)}-{format_span_id(ids.span_id)}-01"
        token = current_context.set(context._replace(trace=trace))
        try:
            yield
        finally:
            current_context.reset(token)
