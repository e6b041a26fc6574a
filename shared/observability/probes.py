"""What every process shows about itself on a port of its own: /healthz, /readyz, /metrics."""

import asyncio
import platform
from collections.abc import Sequence

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic_core import to_json
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

from shared.application import Application, Dependency
from shared.http_server import HttpServer
from shared.messaging.discovery import metrics_are_at
from shared.settings import Settings


class Probes:
    """Serves the probes of one process, for the services that run in it. It is ready when each of them has started and says so."""

    def __init__(self, applications: Sequence[Application], settings: Settings) -> None:
        self._applications = applications
        self._started: set[str] = set()
        self._server = HttpServer(self._answer, settings.metrics_host, settings.metrics_port, setting="ATRIUM_METRICS_PORT")

    @property
    def url(self) -> str:
        return self._server.url

    async def start(self) -> None:
        await self._server.start()
        metrics_are_at(f"{_from_elsewhere(self.url)}/metrics")

    def started(self, application: Application) -> None:
        """From now on it answers. Its servers are there before that: who looks at them alone stops another replica too early."""
        self._started.add(application.name)

    async def stop(self) -> None:
        metrics_are_at(None)
        await self._server.stop()

    async def _answer(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        assert scope["type"] == "http"
        match scope["path"]:
            case "/healthz":
                status, media, body = 200, "application/json", b'{"ok":true}'
            case "/readyz":
                status, media, body = await self._readiness()
            case "/metrics":
                status, media, body = 200, CONTENT_TYPE_LATEST, generate_latest()
            case _:
                status, media, body = 404, "application/json", b'{"paths":["/healthz","/readyz","/metrics"]}'
        headers = [(b"content-type", media.encode()), (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": status, "headers": headers, "trailers": False})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _readiness(self) -> tuple[int, str, bytes]:
        healths = await asyncio.gather(*(self._health(application) for application in self._applications))
        ready = all(dependency.ok for health in healths for dependency in health.values() if dependency.needed)
        services = {application.name: _shown(health) for application, health in zip(self._applications, healths, strict=True)}
        return 200 if ready else 503, "application/json", to_json({"ready": ready, "services": services})

    async def _health(self, application: Application) -> dict[str, Dependency]:
        if application.name not in self._started:
            return {"start": Dependency(ok=False, detail="not finished yet")}
        try:
            return await application.health()
        except Exception as error:
            return {"health": Dependency(ok=False, detail=f"cannot be told: {type(error).__name__}")}


def _from_elsewhere(url: str) -> str:
    """What listens everywhere is reached by this machine's name: at 0.0.0.0 every other process finds itself."""
    return url.replace("//0.0.0.0:", f"//{platform.node()}:").replace("//[::]:", f"//{platform.node()}:")


def _shown(health: dict[str, Dependency]) -> dict[str, object]:
    return {name: dependency.model_dump(include={"ok", "detail", "notice"}, exclude_none=True) for name, dependency in health.items()}
