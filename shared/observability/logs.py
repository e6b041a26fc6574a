"""Logs: one line of JSON each, with the ids of what is being done."""

import logging
import sys

import structlog
from pydantic_core import to_json
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, WrappedLogger

from shared.messaging.context import current_context


def _with_context(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    context = current_context.get()
    if context.trace:
        event.setdefault("traceId", context.trace_id)
    if context.request_id:
        event.setdefault("requestId", context.request_id)
    return event


def _as_json_bytes(_: WrappedLogger, __: str, event: EventDict) -> bytes:
    return to_json(event, fallback=str)


def start_logging(process: str, level: str) -> None:
    """Lines {time, level, process, action, …} to standard output; the libraries' warnings in the same form."""
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _with_context,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.EventRenamer("action"),
        ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),  # locals hold passwords and tokens
    ]
    structlog.configure(
        processors=[*processors, _as_json_bytes],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(sys.stdout.buffer),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=structlog.processors.JSONRenderer(), foreign_pre_chain=processors))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
