"""From a request to the route that answers it; what is in no table goes to the FastAPI app."""

from collections.abc import Mapping
from typing import Any, Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.admission import Admission
from services.gateway.bodies import from_body, from_query, read_json, read_optional_json, take_key
from services.gateway.errors import HeadersAreTooLarge, MethodIsNotAllowed, RouteNotFound, UpgradeIsExpected, problem, problem_headers
from services.gateway.exchange import Exchange
from services.gateway.live_routing import AnyRoute, LiveRoute
from services.gateway.realtime.live import CURSOR, Live
from services.gateway.replies import Reply, unless_known
from services.gateway.routing import CONDITION, Call, OwnRoute, RateClass, Route
from services.gateway.settings import GatewaySettings
from services.gateway.table import Table
from services.gateway.transfers import Transfer, give_time
from services.gateway.tus import RESUMABLE, method_of, speaks_tus
from services.gateway.upload_memory import UploadMemory
from shared.contracts.model import Request
from shared.contracts.refusals import Refusal
from shared.messaging.context import current_context
from shared.store.store import Store

MOST_HEADERS = 100


class Own(Protocol):
    """What the gateway's own routes, and those of files, need of it."""

    settings: GatewaySettings
    store: Store
    memory: UploadMemory
    live: Live


class Dispatch:
    """Runs the routes of the table. Each reads from top to bottom: admitted, read, answered."""

    def __init__(self, table: Table[AnyRoute], admission: Admission, call: Call, own: Own, rest: ASGIApp) -> None:
        self._table, self._admission, self._call, self._own, self._rest = table, admission, call, own, rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._rest(scope, receive, send)
            return
        routes, values = self._table.find(scope["path"])
        if not routes:
            await self._rest(scope, receive, send)
            return
        if speaks_tus(routes):
            scope["atrium.headers"] = (RESUMABLE,)
        exchange = Exchange(scope, receive)
        try:
            reply = await self._answer(routes, values, exchange)
        except Refusal as refusal:
            reply = refused(refusal)
        known = exchange.headers.get(b"if-none-match") if scope["method"] in ("GET", "HEAD") else None
        await unless_known(reply, known).send(send, exchange.rate_headers)

    async def _answer(self, routes: Mapping[str, AnyRoute], values: list[str], exchange: Exchange) -> Reply:
        if len(exchange.scope["headers"]) > MOST_HEADERS:
            raise HeadersAreTooLarge
        if exchange.scope["type"] == "websocket" and not takes_sockets(routes):
            raise RouteNotFound
        route = routes.get(method_of(routes, exchange.scope["method"], exchange.headers))
        if route is None:
            raise MethodIsNotAllowed(allowed=routes)
        exchange.scope["atrium.route"] = route
        if isinstance(route, LiveRoute):
            if route.socket and exchange.scope["type"] == "http":
                raise UpgradeIsExpected
            return await route.handler(self._own.live, exchange)
        if isinstance(route, OwnRoute):
            return await self._answer_ourselves(route, exchange)
        if route.transfers or route.slow:
            give_time(self._own.settings.upload_timeout)
        if route.needs is None:
            return await self._answer_anybody(route, values, exchange)
        caller = await self._admission.signed_in(route, exchange)
        if route.operation.keyed and b"idempotency-key" in exchange.headers:
            take_key(exchange.headers[b"idempotency-key"].decode("latin-1"))
        request = await _request(route, values, exchange)
        cursor = self._own.live.cursor if route.snapshot else None
        reply = await route.handler(request, caller, self._transfer(route, exchange) if route.transfers else self._call)
        if cursor is not None:
            exchange.rate_headers.append((CURSOR, cursor.encode()))
        return reply

    async def _answer_ourselves(self, route: OwnRoute, exchange: Exchange) -> Reply:
        if route.needs is None:
            return await route.handler(self._own)
        await self._admission.signed_in(route, exchange)
        return await route.handler(self._own, exchange)

    async def _answer_anybody(self, route: Route, values: list[str], exchange: Exchange) -> Reply:
        await self._admission.stranger(exchange)
        request = await _request(route, values, exchange)
        if route.limit is RateClass.SIGN_INS:
            request = await self._admission.signing_in(request, exchange)
        return await route.handler(request, self._transfer(route, exchange) if route.transfers else self._call)

    def _transfer(self, route: Route, exchange: Exchange) -> Transfer:
        return Transfer(route, exchange, self._call, self._own.store, self._admission, self._own.settings, self._own.memory)


def takes_sockets(routes: Mapping[str, AnyRoute]) -> bool:
    return any(isinstance(route, LiveRoute) and route.socket for route in routes.values())


async def _request(route: Route, values: list[str], exchange: Exchange) -> Request:
    """What the route's operation is asked."""
    route.check_ids(values)
    path: dict[str, Any] = dict(zip(route.parameters, values, strict=True))
    if route.reads is not None:
        return route.reads(path, exchange.headers)
    contract, told = route.asked, route.told
    if CONDITION in told:
        told = told | {CONDITION: exchange.headers.get(b"if-match", b"").decode("latin-1") or None}
    if route.body:
        read = read_json if route.body_is_required else read_optional_json
        return from_body(contract, await read(exchange.headers, exchange.receive), path | told)
    return from_query(contract, exchange.scope["query_string"], path | told, route.fields)


def refused(refusal: Refusal) -> Reply:
    headers = problem_headers(refusal)
    return Reply(refusal.status, problem(refusal, current_context.get().request_id), headers)
