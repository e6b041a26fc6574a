"""What the OpenAPI document says of who may ask."""

from typing import Any

from services.gateway.auth import COOKIE
from services.gateway.live_routing import LiveRoute
from services.gateway.routing import OwnRoute, Route
from shared.contracts.identity.service_accounts import AUTHORIZE_TOKEN
from shared.contracts.identity.sessions import AUTHORIZE, TokenIsMissing
from shared.contracts.refusals import Refusal

SIGNED_IN: tuple[type[Refusal], ...] = (TokenIsMissing, *AUTHORIZE_TOKEN.refuses, *AUTHORIZE.refuses)
SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE.decode(), "description": "An access token, from `POST /api/auth/cookie`"},
}


def schemes(route: Route | OwnRoute | LiveRoute) -> list[dict[str, Any]]:
    return [{"bearer": []}, *([{"cookie": []}] if route.takes_cookie else [])]


def security(route: Route | OwnRoute) -> dict[str, Any]:
    if not route.needs:
        return {}
    return {"security": schemes(route), "description": f"Needs the permission `{route.needs}`."}
