"""The AsyncAPI document of the WebSocket, made from the kinds of events and the frames that clients send.

`python -m services.gateway.realtime.document` writes docs/realtime.asyncapi.yaml.
"""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from services.gateway.realtime.kinds import KINDS, Kind
from services.gateway.realtime.requests import KEY, Auth, Ping, Resume, Subscribe, Typing
from shared.contracts.gateway.presence import Presence, ShowPresence
from shared.contracts.messages.messages import PostMessage
from shared.contracts.messages.receipts import MarkRead

PAGE = Path(__file__).parents[3] / "docs" / "realtime.asyncapi.yaml"
_VERSION = "1.0.0"
_REF = "#/components/schemas/{model}"
_TEXT, _ID = {"type": "string"}, {"type": ["string", "integer"], "description": "Of the frame that is answered."}
_KEY = {"type": "string", "description": "As the header `Idempotency-Key`."}

UP: dict[str, tuple[type[BaseModel], str]] = {
    "auth": (Auth, "Who one is: the first frame, where there was no `Authorization`; later a newer token of the same user."),
    "subscribe": (Subscribe, "Of all that may be seen, these. Without any name all is told."),
    "unsubscribe": (Subscribe, "These no more; who names nothing more is told all."),
    "resume": (Resume, "Go back to a cursor."),
    "post": (PostMessage, "A message, by the rules, limits and refusals of `POST …/messages`."),
    "read": (MarkRead, "A mark, by those of `POST …/read`."),
    "typing": (Typing, "Whether one types."),
    "presence": (ShowPresence, "What one says of oneself, and what one looks at."),
    "ping": (Ping, "Are you there? It is answered by `pong`."),
}
DOWN: dict[str, tuple[dict[str, Any], str]] = {
    "ready": ({}, "Signed in; what follows came after the cursor."),
    "reset": (
        {"reason": {"enum": ["tooOld", "streamLost"]}},
        "What happened since your cursor is not known any more: load everything anew.",
    ),
    "heartbeat": ({}, "Nothing happened; a fresh cursor."),
    "accessChanged": (
        {name: {"type": "string", "format": "uuid"} for name in ("threadId", "projectId", "workspaceId")} | {"access": {"type": "boolean"}},
        "You see a thread or project now, or no more; with a workspace: anything may be otherwise. Load it anew, or forget it.",
    ),
    "typing": (
        {name: {"type": "string"} for name in ("threadId", "userId", "name")} | {"isTyping": {"type": "boolean"}},
        "Somebody types, or no more. Transient: it has no cursor.",
    ),
    "presence": (
        {
            **{name: {"type": "string"} for name in ("userId", "currentStatus", "lastSeenAt", "projectId", "fileId", "pageId")},
            "presence": {"enum": [each.value for each in Presence]},
            **{name: {"type": "array", "items": {"type": "string"}} for name in ("came", "went")},
        },
        "A user whom you look at is otherwise; or users came to a project, file or page that you look at, or went. Transient: no cursor.",
    ),
}
_WITHOUT_CURSOR = {"typing", "presence"}
_MAY_HAVE_CURSOR = {"accessChanged"}
ANSWERS: dict[str, tuple[dict[str, Any], str]] = {
    "reply": ({"id": _ID, "data": {}, "replayed": {"type": "boolean"}}, "A frame was done; `data` is what HTTP would have answered."),
    "refused": (
        {
            "id": _ID,
            "status": {"type": "integer"},
            "code": _TEXT,
            "detail": _TEXT,
            "errors": {"type": "array"},
            "retryAfter": {"type": "integer"},
        },
        "A frame was refused, as HTTP would have refused it.",
    ),
    "pong": ({"id": _ID}, "I am there."),
}


def asyncapi() -> dict[str, Any]:
    """AsyncAPI 3.0: what goes up and down."""
    schemas = models_json_schema([(model, "validation") for model, _ in UP.values()], by_alias=True, ref_template=_REF)[1]["$defs"]
    down = [_told(kind) for kind in KINDS.values()] + [_noticed(type) for type in DOWN] + [_answered(type) for type in ANSWERS]
    up = [_asked(type) for type in UP]
    messages = {f"{way}.{one['name']}": one for way, some in (("down", down), ("up", up)) for one in some}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Atrium, live",
            "version": _VERSION,
            "description": "One WebSocket for all that may be seen; docs/realtime.md explains.",
        },
        "defaultContentType": "application/json",
        "servers": {"gateway": {"host": "localhost:8080", "protocol": "ws", "description": "The gateway."}},
        "channels": {
            "live": {
                "address": "/api/collab/ws",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
            }
        },
        "operations": {
            way: {
                "action": action,
                "channel": {"$ref": "#/channels/live"},
                "messages": [{"$ref": f"#/channels/live/messages/{name}"} for name in messages if name.startswith(way)],
            }
            for way, action in (("down", "send"), ("up", "receive"))
        },
        "components": {"messages": messages, "schemas": schemas},
    }


def document() -> str:
    note = "# Made by `python -m services.gateway.realtime.document`; a test fails when it is stale.\n"
    return note + yaml.safe_dump(asyncapi(), sort_keys=False, allow_unicode=True, width=120)


def _told(kind: Kind) -> dict[str, Any]:
    summary = " ".join((kind.event.__doc__ or "").split())
    data = {"$ref": f"./schemas/{kind.event.event_type}.json"}
    return _message(kind.type, f"{summary} Needs `{kind.needs}`; for {kind.scope.value}.", {"cursor": _TEXT, "data": data})


def _noticed(type: str) -> dict[str, Any]:
    fields, summary = DOWN[type]
    cursor = {} if type in _WITHOUT_CURSOR else {"cursor": _TEXT}
    told = cursor | {"data": {"type": "object", "properties": fields}}
    return _message(type, summary, told, required=("data",) if type in _MAY_HAVE_CURSOR else None)


def _answered(type: str) -> dict[str, Any]:
    fields, summary = ANSWERS[type]
    return _message(type, summary, fields, required=())


def _asked(type: str) -> dict[str, Any]:
    model, summary = UP[type]
    own = {"type": {"const": type}, "id": {"type": ["string", "integer"], "description": "Comes back with the answer."}}
    if type == "post":
        own[KEY] = _KEY
    return {
        "name": type,
        "summary": summary,
        "payload": {"allOf": [{"$ref": _REF.format(model=model.__name__)}, {"type": "object", "properties": own, "required": ["type"]}]},
    }


def _message(type: str, summary: str, fields: dict[str, Any], required: tuple[str, ...] | None = None) -> dict[str, Any]:
    needed = ["type", *(fields if required is None else required)]
    return {
        "name": type,
        "summary": summary,
        "payload": {"type": "object", "properties": {"type": {"const": type}, **fields}, "required": needed},
    }


if __name__ == "__main__":
    PAGE.write_text(document())
