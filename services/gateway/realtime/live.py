"""The live connections of this gateway: who may have one, and how all of them end."""

import asyncio
import random
import time
from dataclasses import dataclass
from functools import partial
from typing import Protocol
from urllib.parse import urlsplit

from services.gateway.admission import Admission, Asker
from services.gateway.auth import Claims, ServiceToken
from services.gateway.bodies import parameters
from services.gateway.errors import GatewayRestarts, OriginIsNotAllowed, TokenIsInTheAddress
from services.gateway.exchange import Exchange
from services.gateway.realtime.connections import Authorize, Carrier, Close, Connection
from services.gateway.realtime.cursors import Cursor
from services.gateway.realtime.hub import Hub
from services.gateway.realtime.requests import SameWay, Transient
from services.gateway.realtime.wire import Bounds
from services.gateway.routing import RateClass
from services.gateway.settings import GatewaySettings
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.refusals import CursorIsNotValid, Refusal, ServiceIsUnavailable
from shared.messaging.context import current_context

CURSOR = b"x-atrium-cursor"
NEEDS = Permission.ROOM_READ  # to be connected at all; of what each event needs, the hub decides
TRY_AGAIN = 1013
UNFINISHED = 5.0  # seconds for what was asked before the gateway stopped
SIGNED_AT_ONCE = 16
"""Connections whose tokens are looked at together: where a thousand come at once, what others ask for does not wait behind all of them."""
SOONEST, LATEST = 1.0, 10.0  # seconds until those whom we send away come back

_CODES = {
    "unauthenticated": Close.SIGN_IN_AGAIN,
    "forbidden": Close.ACCESS_LOST,
    "too_many": Close.FLOOD,
    "unavailable": TRY_AGAIN,
    "internal": TRY_AGAIN,
}


@dataclass(frozen=True, slots=True)
class Signed:
    """Somebody who was let in, by a token."""

    token: Claims | ServiceToken
    principal: Principal

    @property
    def expires_in(self) -> float | None:
        """Seconds; a service account's token is good until it is revoked."""
        return self.token.expires_at - time.time() if isinstance(self.token, Claims) else None


class Ending(Protocol):
    """An open connection, as far as its end goes."""

    unfinished: asyncio.Task[None] | None

    def restart(self) -> None: ...


class Live:
    """patience: seconds for a first `auth` frame. every: seconds between two signs of life in an event stream."""

    def __init__(
        self,
        hub: Hub,
        admission: Admission,
        same_way: SameWay,
        settings: GatewaySettings,
        transient: Transient,
        *,
        patience: float = 5.0,
        every: float = 15.0,
    ) -> None:
        self.hub, self._admission = hub, admission
        self.same_way, self.transient = same_way, transient
        self.bounds, self.patience, self.every = bounds_of(settings), patience, every
        self._origins = frozenset(settings.origins)
        self.open: set[Ending] = set()
        self._stopping = False
        self._signing = asyncio.Semaphore(SIGNED_AT_ONCE)

    @property
    def cursor(self) -> str | None:
        """For a snapshot; None where there is none, and the snapshot goes out without."""
        try:
            return self.hub.cursor
        except ServiceIsUnavailable:
            return None

    def check(self, exchange: Exchange) -> dict[str, str]:
        """Whether a connection may be asked for in this way. The query's parameters."""
        if self._stopping:
            raise GatewayRestarts(retry_after=round(back_in()))
        if not self.hub.ready:
            raise ServiceIsUnavailable
        said = dict(parameters(exchange.scope["query_string"]))
        if {"token", "access_token"} & said.keys():
            raise TokenIsInTheAddress
        self._check_origin(exchange)
        return said

    async def signed_in(self, exchange: Exchange, *, takes_cookie: bool = False) -> Signed:
        """By what the request itself carries; counted as a request."""
        async with self._signing:
            return await self.again(await self._admission.presented(exchange, takes_cookie=takes_cookie), exchange)

    async def signed(self, token: bytes, asker: Asker) -> Signed:
        """By a token that came in a frame; counted as a request too."""
        async with self._signing:
            proven = await self._admission.proven(token, asker)
            return await self.again(proven, asker)

    async def again(self, token: Claims | ServiceToken, asker: Asker) -> Signed:
        return Signed(token, await self._admission.authorized(token, NEEDS, RateClass.REQUESTS, asker))

    async def stranger(self, asker: Asker) -> None:
        await self._admission.stranger(asker)

    def connect(self, signed: Signed, carrier: Carrier) -> Connection:
        return self.hub.connect(signed.principal, signed.principal.session_id, carrier, self._asking_about(signed))

    def renew(self, connection: Connection, signed: Signed) -> None:
        self.hub.renew(connection, signed.principal, signed.principal.session_id, self._asking_about(signed))

    async def follow(self, connection: Connection, cursor: str | None) -> None:
        """Catching up takes as long as it takes."""
        current_context.set(current_context.get()._replace(deadline=float("inf")))
        await self.hub.follow(connection, cursor)

    async def stop(self) -> None:
        """Send all away, and let end what they asked for before."""
        self._stopping = True
        ending = list(self.open)
        for each in ending:
            each.restart()
        unfinished = [each.unfinished for each in ending if each.unfinished is not None]
        if unfinished:
            await asyncio.wait(unfinished, timeout=UNFINISHED)

    def _asking_about(self, signed: Signed) -> Authorize:
        return partial(self._admission.granted, signed.token, NEEDS)

    def _check_origin(self, exchange: Exchange) -> None:
        """Programs send none. A browser's page is of our own host, or one that the settings name."""
        origin = exchange.headers.get(b"origin", b"").decode("latin-1")
        if not origin or origin in self._origins:
            return
        if origin == "null" or ("*" not in self._origins and _host(origin) != exchange.headers.get(b"host", b"").decode("latin-1").lower()):
            raise OriginIsNotAllowed


def bounds_of(settings: GatewaySettings) -> Bounds:
    return Bounds(
        settings.socket_frame_bytes,
        settings.socket_frames_per_second,
        settings.socket_bytes_per_second,
        settings.socket_buffer,
        settings.socket_compression,
    )


def checked_cursor(cursor: str | None) -> str | None:
    """Before there is a connection that could be told."""
    if cursor is not None and Cursor.read(cursor) is None:
        raise CursorIsNotValid
    return cursor


def code_of(refusal: Refusal) -> int:
    """With which a connection ends that was refused from the start."""
    return _CODES.get(refusal.kind, Close.PROTOCOL)


def back_in() -> float:
    """Seconds after which one of many comes back, so that they do not come all at once."""
    return random.uniform(SOONEST, LATEST)


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
