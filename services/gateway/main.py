"""The gateway, put together: the only place that builds its parts."""

import asyncio
from collections.abc import Sequence

import structlog
from fastapi import FastAPI
from nats.aio.client import Client
from nats.errors import Error as NatsError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

import services.gateway.routes
from services.gateway.admission import Admission
from services.gateway.auth import Tokens
from services.gateway.dispatch import Dispatch, refused
from services.gateway.docs import add_docs
from services.gateway.edge import Edge
from services.gateway.errors import MethodIsNotAllowed, RouteNotFound
from services.gateway.fleet import Readiness, Shared, all_metrics, readiness
from services.gateway.limits import Limits
from services.gateway.live_routing import LIVE_ROUTES, AnyRoute
from services.gateway.openapi import document
from services.gateway.protocol import BoundedProtocol
from services.gateway.realtime.hub import Hub
from services.gateway.realtime.live import Live, bounds_of
from services.gateway.realtime.pipeline import HURRY
from services.gateway.realtime.protocol import socket_protocol
from services.gateway.realtime.requests import SameWay
from services.gateway.realtime.ring import MOST_BYTES
from services.gateway.realtime.transient.transient import Transient
from services.gateway.routing import OWN_ROUTES, ROUTES, Call
from services.gateway.settings import GatewaySettings
from services.gateway.table import Table
from services.gateway.upload_memory import UploadMemory
from shared.application import CannotStart, Dependency
from shared.contracts.identity.sessions import GET_PUBLIC_KEYS, GetPublicKeys, PublicKeys
from shared.contracts.refusals import ServiceIsUnavailable
from shared.credentials import Credentials
from shared.http_server import HttpServer
from shared.messaging.caller import Caller
from shared.messaging.discovery import announce
from shared.messaging.local import Process
from shared.store.opening import store_of
from shared.store.store import Store

log = structlog.get_logger()

CONNECT_PATIENCE = 10  # seconds
OUR_HEADERS = [
    *("Accept-Ranges", "Content-Disposition", "Content-Range", "ETag"),
    *("Idempotent-Replayed", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Atrium-Cursor", "X-Request-Id"),
    *("Content-Location", "Tus-Checksum-Algorithm", "Tus-Extension", "Tus-Max-Size", "Tus-Resumable", "Tus-Version"),
    *("Upload-Expires", "Upload-Length", "Upload-Metadata", "Upload-Offset"),
]

assert services.gateway.routes, "importing the routes fills the table"


class Gateway:
    """The app and what it is made of, for a way to call services. store, hub, limits: others than the settings say. process: where `call`
    finds what is answered beside it.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        call: Call,
        store: Store | None = None,
        hub: Hub | None = None,
        process: Process | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.settings, self._call = settings, call
        self.store = store or store_of(settings)
        self.memory = UploadMemory(settings.upload_memory)
        self.limits = limits or Limits(settings.redis_url)
        self.tokens = Tokens(self._public_keys)
        self.api = FastAPI(title="Atrium", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
        self.api.openapi = lambda: document(ROUTES, OWN_ROUTES, LIVE_ROUTES)  # type: ignore[method-assign]
        self.api.add_exception_handler(HTTPException, _framework_error)
        add_docs(self.api)
        self._readiness = Shared(self._ask_readiness)
        self._metrics = Shared(self._ask_metrics)
        self.hub = hub or Hub(call, most_per_user=settings.connections_per_user)
        self.transient = Transient(call, lambda: self._client, settings, self.hub, process or Process())
        admission = Admission(self.tokens, self.limits, call, settings)
        self.live = Live(self.hub, admission, SameWay(admission, call), settings, self.transient)
        self.app = Edge(_with_cors(Dispatch(_table(), admission, call, self, self.api), settings.origins))

    async def health(self) -> dict[str, Dependency]:
        nats = Dependency(ok=self._call.connected, detail=None if self._call.connected else "not connected")
        return {"nats": nats, "valkey": await self.limits.health(), "store": await self.store.health()}

    async def readiness(self) -> Readiness:
        return await self._readiness()

    async def metrics(self) -> bytes:
        return await self._metrics()

    async def _ask_readiness(self) -> Readiness:
        return await readiness(self._client, await self.health())

    async def _ask_metrics(self) -> bytes:
        return await all_metrics(self._client)

    @property
    def _client(self) -> Client | None:
        return self._call.client if isinstance(self._call, Caller) else None

    async def _public_keys(self) -> PublicKeys:
        return await self._call(GET_PUBLIC_KEYS, GetPublicKeys(), None)


class GatewayApplication:
    """The gateway as a part of a process. ring_bytes: memory for the newest events. limits: others than the settings say."""

    name = "gateway"

    def __init__(
        self,
        settings: GatewaySettings,
        *,
        process: Process | None = None,
        store: Store | None = None,
        ring_bytes: int = MOST_BYTES,
        limits: Limits | None = None,
    ) -> None:
        if settings.nats_url is None:
            raise CannotStart("ATRIUM_NATS_URL must be set: `atrium up` does it, or set it to your own server.")
        self._nats_url, self._settings = settings.nats_url, settings
        self._password = settings.nats_password or Credentials.of(settings.data).nats["gateway"]
        process = process or Process()
        self._caller = Caller("gateway", process)
        try:
            hub = Hub(self._caller, most_per_user=settings.connections_per_user, ring_bytes=ring_bytes)
            self._gateway = Gateway(settings, self._caller, store, hub, process, limits)
        except ValueError as error:
            raise CannotStart(f"ATRIUM_REDIS_URL is not the address of a Valkey or Redis: {error}") from error
        self._server = HttpServer(
            self._gateway.app,  # type: ignore[arg-type]
            settings.host,
            settings.port,
            setting="ATRIUM_PORT",
            protocol=BoundedProtocol,
            sockets=socket_protocol(bounds_of(settings)),
            trusted_proxies=settings.trusted_proxies,
            shared_port=settings.shared_port,
        )

    @property
    def url(self) -> str:
        return self._server.url

    async def start(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_PATIENCE):
                await self._caller.open(self._nats_url, self._password)
                await self._gateway.hub.start(self._nats_url, self._password)
        except (NatsError, OSError, TimeoutError) as error:
            raise CannotStart(f"gateway: NATS cannot be reached at ATRIUM_NATS_URL: {error or 'no answer'}") from error
        assert self._caller.client is not None
        await self._gateway.store.open()
        await announce(self._caller.client, self.name, self.health)
        try:
            await self._gateway.tokens.fetch_keys()
        except ServiceIsUnavailable:
            log.info("identity_is_not_there_yet")  # its keys are asked for again with the first token
        await self._gateway.transient.start(self._nats_url, self._password)
        if not await self._gateway.hub.until_ready(HURRY):
            log.warning("stream_is_not_read_yet")  # connections get 503 until it is
        await self._server.start()

    async def stop(self) -> None:
        await self._gateway.live.stop()
        await self._gateway.hub.stop()
        await self._server.stop()
        await self._gateway.transient.stop()
        await self._gateway.limits.close()
        await self._caller.close()

    async def health(self) -> dict[str, Dependency]:
        return await self._gateway.health()


def _table() -> Table[AnyRoute]:
    table: Table[AnyRoute] = Table()
    entries: list[AnyRoute] = [*ROUTES, *OWN_ROUTES, *LIVE_ROUTES]
    for entry in entries:
        table.add(entry.method, entry.path, entry)
    return table


def _with_cors(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"],
        allow_headers=[
            *("Authorization", "Content-Type", "Idempotency-Key", "X-Request-Id", "traceparent"),
            *("If-Match", "If-None-Match", "If-Range", "Last-Event-ID", "Range"),
            *("Tus-Resumable", "Upload-Checksum", "Upload-Length", "Upload-Metadata", "Upload-Offset", "X-HTTP-Method-Override"),
        ],
        expose_headers=OUR_HEADERS,
        max_age=600,
    )


async def _framework_error(request: Request, error: Exception) -> Response:
    """What the framework refuses by itself, in our words."""
    assert isinstance(error, HTTPException)
    refusal = (
        MethodIsNotAllowed(allowed=(error.headers or {}).get("Allow", "").split(", ")) if error.status_code == 405 else RouteNotFound()
    )
    reply = refused(refusal)
    return Response(reply.body, reply.status, {name.decode(): value.decode() for name, value in reply.headers})


def build(process: Process | None = None) -> GatewayApplication:
    return GatewayApplication(GatewaySettings(), process=process)
