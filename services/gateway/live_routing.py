"""Routes that live connections begin with, beside those that are asked and answered."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from services.gateway.exchange import Exchange
from services.gateway.replies import Reply
from services.gateway.routing import JSON_TYPE, OwnRoute, RateClass, Route, summary_of
from shared.contracts.permissions import Permission


@dataclass(frozen=True, slots=True)
class LiveRoute:
    """What live connections are asked for, by those who are granted what it needs. socket: with a WebSocket, and not otherwise.

    media: the type of its answer. takes_cookie: whether pages ask for it in ways that send no bearer.
    """

    name: str
    path: str
    handler: Callable[[Any, Exchange], Awaitable[Reply]]
    summary: str
    needs: Permission
    socket: bool
    media: str
    reply: type[BaseModel] | None
    limit: RateClass = RateClass.REQUESTS
    method: str = "GET"
    takes_cookie: bool = False


type AnyRoute = Route | OwnRoute | LiveRoute

LIVE_ROUTES: list[LiveRoute] = []


def live_route[L](
    path: str,
    reply: type[BaseModel] | None = None,
    *,
    needs: Permission,
    socket: bool = False,
    media: str = JSON_TYPE,
    takes_cookie: bool = False,
) -> Callable[[Callable[[L, Exchange], Awaitable[Reply]]], Callable[[L, Exchange], Awaitable[Reply]]]:
    """Put into the table what live connections are asked for."""

    def registered(handler: Callable[[L, Exchange], Awaitable[Reply]]) -> Callable[[L, Exchange], Awaitable[Reply]]:
        told = (handler.__name__, path, handler, summary_of(handler), needs, socket, media, reply)
        LIVE_ROUTES.append(LiveRoute(*told, takes_cookie=takes_cookie))
        return handler

    return registered
