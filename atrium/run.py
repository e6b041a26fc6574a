"""`atrium run`: one service, some, or all, in one process."""

import asyncio
import gc
import signal
from importlib import import_module
from typing import Annotated

import structlog
import typer
import uvloop

from shared.application import Application, CannotStart
from shared.messaging.local import Process
from shared.observability.logs import start_logging
from shared.observability.probes import Probes
from shared.observability.tracing import start_tracing, stop_tracing
from shared.settings import Settings

log = structlog.get_logger()

# In the order in which they start; they stop the other way round, so that whoever asks stops before whoever answers.
SERVICES = ("identity", "threads", "messages", "attachments", "projects", "graph", "gateway")


def build(service: str, process: Process | None = None) -> Application:
    """A service by its name. Only what runs is imported: the edge's libraries cost the others a second and 40 MB."""
    application: Application = import_module(f"services.{service}.main").build(process)
    return application


def run(services: Annotated[list[str], typer.Argument(help="identity, threads, messages, gateway, or all")]) -> None:
    """Run services in this process until SIGTERM, which answers what was accepted and then stops.

    Example: atrium run identity threads messages
    """
    unknown = [name for name in services if name not in (*SERVICES, "all")]
    if unknown:
        raise CannotStart(f"There is no service {unknown[0]!r}; there are {', '.join(SERVICES)} and all.")
    names = [name for name in SERVICES if name in services or "all" in services]
    settings = Settings()
    process = "+".join(names)
    start_logging(process, settings.log_level)
    start_tracing(settings.otlp_endpoint, process)
    uvloop.run(_run(names, settings))
    stop_tracing()


async def _run(names: list[str], settings: Settings) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    process = Process()
    applications: list[Application] = [build(name, process) for name in names]
    probes = Probes(applications, settings)
    started: list[Application] = []
    try:
        await probes.start()
        for application in applications:
            started.append(application)
            await application.start()
            probes.started(application)
            log.info("service_started", service=application.name)
        _spare_the_collector()
        await stopping.wait()
    finally:
        for application in reversed(started):
            await application.stop()
            log.info("service_stopped", service=application.name)
        await probes.stop()


def _spare_the_collector() -> None:
    """What is there now stays; looking through it again and again was 5 % of a busy process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
