"""The access token as a cookie, for what elements of a page ask for: pictures, files, events. Nothing else takes it."""

import time
from ipaddress import ip_address
from typing import Protocol
from urllib.parse import urlsplit

from services.gateway.auth import COOKIE, ServiceToken, Tokens, bearer
from services.gateway.exchange import Exchange
from services.gateway.replies import NoContent
from services.gateway.routing import own_route
from shared.contracts.permissions import Permission
from shared.contracts.refusals import PermissionIsMissing

COOKIES = "/api/auth/cookie"
_KIND = b"Path=/api; HttpOnly; SameSite=Strict"
CLEARED = (b"set-cookie", b"%b=; Max-Age=0; %b" % (COOKIE, _KIND))


class Gateway(Protocol):
    """What these routes need of it."""

    tokens: Tokens


@own_route(COOKIES, method="POST", needs=Permission.SELF_READ, tag="identity")
async def set_cookie(gateway: Gateway, exchange: Exchange) -> NoContent:
    """Keep this access token in a cookie too, until it ends; GET of events and of attachments take it, from pages of this host alone."""
    token = bearer(exchange.headers)
    if ServiceToken.read(token) is not None:
        raise PermissionIsMissing  # it does not end, and programs show no pages
    left = int((await gateway.tokens.claims(token)).expires_at - time.time())
    secure = b"" if _is_here(exchange) else b"; Secure"
    return NoContent((b"set-cookie", b"%b=%b; Max-Age=%d; %b%b" % (COOKIE, token, left, _KIND, secure)))


@own_route(COOKIES, method="DELETE", tag="identity")
async def clear_cookie(gateway: Gateway) -> NoContent:
    """Take the cookie away; signing out does so too."""
    return NoContent(CLEARED)


def _is_here(exchange: Exchange) -> bool:
    """Whether a browser asks its own machine without TLS: it would not keep a cookie that is for TLS alone."""
    if exchange.scope.get("scheme") != "http":
        return False
    try:
        name = urlsplit(f"//{exchange.headers.get(b'host', b'').decode('latin-1')}").hostname or ""
        return name == "localhost" or name.endswith(".localhost") or ip_address(name).is_loopback
    except ValueError:
        return False
