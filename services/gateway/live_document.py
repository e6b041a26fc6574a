"""What the document of the API says of live connections; their frames are in docs/realtime.md."""

from typing import Any

from services.gateway.errors import GatewayRestarts, OriginIsNotAllowed, TokenIsInTheAddress, TooManySubscriptions, UpgradeIsExpected
from services.gateway.live_routing import LiveRoute
from services.gateway.security_document import schemes
from shared.contracts.refusals import CursorIsNotValid, Refusal, RequestIsInvalid, RequestIsMalformed

_TEXT = {"type": "string"}
_NAMES = "with commas between; without any of the three, all that may be seen."

CURSOR_HEADER = {
    "X-Atrium-Cursor": {"description": "From where on events tell what this does not; `cursor` of a live connection", "schema": _TEXT}
}

_CURSOR = {
    "name": "cursor",
    "in": "query",
    "required": False,
    "description": "The last that was seen; without, from now on.",
    "schema": _TEXT,
}
_KEPT = {"name": "Last-Event-ID", "in": "header", "required": False, "description": "The same, as browsers send it.", "schema": _TEXT}
_INTERESTS = [
    {"name": name, "in": "query", "required": False, "description": f"{what}, {_NAMES}", "schema": _TEXT}
    for name, what in (("threads", "Ids of threads"), ("projects", "Ids of projects"), ("types", "Types of events"))
]

LIVE_PARAMETERS: dict[str, list[dict[str, Any]]] = {"open_socket": [_CURSOR], "follow_events": [_CURSOR, _KEPT, *_INTERESTS]}

_CONNECTING: tuple[type[Refusal], ...] = (TokenIsInTheAddress, CursorIsNotValid, RequestIsMalformed, OriginIsNotAllowed, GatewayRestarts)

LIVE_REFUSALS: dict[str, tuple[type[Refusal], ...]] = {
    "open_socket": (*_CONNECTING, UpgradeIsExpected),
    "follow_events": (*_CONNECTING, RequestIsInvalid, TooManySubscriptions),
}


def live_operation(route: LiveRoute, content: dict[str, Any], refusals: dict[str, Any]) -> dict[str, Any]:
    """content: of its answer, where that is JSON. refusals: by status."""
    done = {"description": "Done", "content": content or {route.media: {"schema": _TEXT}}}
    answer = {"101": {"description": "From here on it is frames"}} if route.socket else {"200": done}
    return {
        "operationId": route.name,
        "summary": route.summary,
        "description": f"Needs the permission `{route.needs}`.",
        "tags": ["realtime"],
        "security": schemes(route),
        "parameters": LIVE_PARAMETERS.get(route.name, []),
        "responses": answer | refusals,
    }
