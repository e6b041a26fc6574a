"""The OpenAPI document, made from the table of routes and the contracts behind it."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from services.gateway.errors import (
    BodyIsTooLarge,
    BodyIsTooSlow,
    FileIsAnother,
    FormIsExpected,
    FormIsMalformed,
    MediaTypeIsNotSupported,
    RangeIsNotInTheFile,
    RateLimitIsReached,
    UploadsAreTooMany,
)
from services.gateway.live_document import CURSOR_HEADER, LIVE_REFUSALS, live_operation
from services.gateway.live_routing import LiveRoute
from services.gateway.routing import CONDITION, JSON_TYPE, OwnRoute, Route
from services.gateway.security_document import SCHEMES, SIGNED_IN, security
from services.gateway.tus_document import ANSWERED, SAID, TUS_BODY, tus_refusals
from shared.contracts.attachments.attachments import Attachment
from shared.contracts.identity.sessions import Origin
from shared.contracts.model import View
from shared.contracts.refusals import (
    FieldError,
    InternalError,
    Refusal,
    RequestIsInvalid,
    RequestIsMalformed,
    ServiceIsUnavailable,
)
from shared.messaging.context import IDEMPOTENCY_KEY
from shared.store.store import StoreIsAway, StoreIsFull
from shared.version import VERSION

_REF = "#/components/schemas/{model}"
_ANYWHERE: tuple[type[Refusal], ...] = (RateLimitIsReached, InternalError, ServiceIsUnavailable)
_WITH_BODY: tuple[type[Refusal], ...] = (RequestIsMalformed, BodyIsTooSlow, BodyIsTooLarge, MediaTypeIsNotSupported, RequestIsInvalid)
_WITH_FORM: tuple[type[Refusal], ...] = (
    *(FormIsExpected, FormIsMalformed, RequestIsMalformed, BodyIsTooSlow, BodyIsTooLarge, RequestIsInvalid),
    *(StoreIsAway, StoreIsFull, UploadsAreTooMany),
)
_OF_FILES: tuple[type[Refusal], ...] = (FileIsAnother, RangeIsNotInTheFile, StoreIsAway)

_DESCRIPTION = (
    "The collaboration backend that a team puts behind its own app. Errors are problem details (RFC 9457); their `code` is part of the "
    "API. Every answer carries `X-Request-Id`; limited routes carry `RateLimit` and `RateLimit-Policy`."
)

_DESCRIBED = {
    200: "Done",
    201: "Made",
    204: "Done; there is nothing to say",
    206: "The range that was asked for",
    304: "It is what `If-None-Match` names",
    307: "The store itself has it, at this address (`ATRIUM_ATTACHMENT_REDIRECTS`)",
}
_BYTES = {"type": "string", "format": "binary"}

_KEY = (
    "The client's own name for this request. Sent again within 30 days by the same user with the same path and body, it makes nothing, "
    "and is answered with what was made, as it is now; with another path or body it is `key_was_used_for_another`."
)

_RANGE = {"type": "string", "pattern": "^bytes=[0-9]{0,19}-[0-9]{0,19}$"}
_OF_A_FILE = {
    "Range": {"description": "The part that is wanted. Several, or one in another form, are answered with all of it.", "schema": _RANGE},
    "If-Range": {"description": "The ETag of which a part is wanted; of another file all is answered.", "schema": {"type": "string"}},
    "If-Match": {"description": "The ETag that it must have.", "schema": {"type": "string"}},
    "If-None-Match": {"description": "The ETag of what is known; 304 where it is still the same.", "schema": {"type": "string"}},
}

_VERSION = "The ETag of the version that is to be changed; without it, 428 where it is needed, and 412 where there is another by now."

_TAGS = "The ETag of an answer that is known; a poll whose answer is still the same is 304."


_SET = {"Set-Cookie": {"description": "The access token, or nothing any more", "schema": {"type": "string"}}}


class Problem(View):
    """An error (RFC 9457). `code` is stable; `title` and `detail` are for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    errors: list[FieldError] = []


def document(routes: Iterable[Route], own: Iterable[OwnRoute], live: Iterable[LiveRoute] = ()) -> dict[str, Any]:
    routes, own, live = list(routes), list(own), list(live)
    schemas = _schemas(routes, own, live)
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for each in routes:
        paths[each.path][each.method.lower()] = _operation(each, schemas)
    for one in own:
        paths[one.path][one.method.lower()] = _own_operation(one)
    for way in live:
        paths[way.path][way.method.lower()] = _live_operation(way)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Atrium", "version": VERSION, "description": _DESCRIPTION},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": SCHEMES,
        },
    }


def _schemas(routes: list[Route], own: list[OwnRoute], live: list[LiveRoute]) -> dict[str, Any]:
    """Of all replies, and of all bodies without what their paths say."""
    replies: dict[type[BaseModel], None] = dict.fromkeys([Problem, *(each.operation.reply for each in routes if _has_body(each))])
    replies |= dict.fromkeys(shown for shown in (*(each.reply for each in own), *(each.reply for each in live)) if shown)
    replies |= dict.fromkeys([Attachment] if any(each.begins for each in routes) else [])
    asked = dict.fromkeys(each.asked for each in routes if each.reads is None)
    _, definitions = models_json_schema(
        [*((model, "serialization") for model in replies), *((model, "validation") for model in asked)], ref_template=_REF
    )
    schemas: dict[str, Any] = definitions["$defs"]
    for each in routes:
        if each.reads is not None:
            continue
        schema = schemas[each.asked.__name__]
        for parameter in (*each.parameters, *each.told):
            schema["properties"].pop(parameter, None)
        if required := [name for name in schema.get("required", []) if name not in each.parameters]:
            schema["required"] = required
        else:
            schema.pop("required", None)
    schemas.pop(Origin.__name__, None)  # the gateway's own word
    return schemas


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    contract = schemas[route.asked.__name__] if route.reads is None else {}
    described: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": [
            *_path_parameters(route),
            *([] if route.body or route.begins else _query_parameters(contract)),
            *_header_parameters(route),
        ],
        "responses": {**{str(status): _success(route, status) for status in _statuses(route)}, **_refusals(route)},
    }
    described |= security(route)
    if route.body:
        reference = {"$ref": _REF.format(model=route.operation.request.__name__)}
        described["requestBody"] = {"required": route.body_is_required, "content": {"application/json": {"schema": reference}}}
    if route.begins:
        described["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": _form(route)}}}
    if route.reads and route.method in TUS_BODY:
        described["requestBody"] = TUS_BODY[route.method]
    return described


def _has_body(route: Route) -> bool:
    return route.status != 204 and route.method != "HEAD" and route.is_json


def _form(route: Route) -> dict[str, Any]:
    several = {"type": "array", "items": _BYTES, "minItems": 1, "maxItems": route.most_files}
    files = _BYTES if route.most_files == 1 else several
    return {"type": "object", "properties": {"file": files}, "required": ["file"], "additionalProperties": False}


def _statuses(route: Route) -> list[int]:
    """Of its successes."""
    more = (304, 307) if route.file else ()
    return sorted({status for status in (route.also, route.status, *more) if status})


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"} | ({"format": "uuid"} if route.is_id(name) else {})}
        for name in route.parameters
    ]


def _query_parameters(contract: Mapping[str, Any]) -> list[dict[str, Any]]:
    required = contract.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": schema}
        for name, schema in contract.get("properties", {}).items()
    ]


def _header_parameters(route: Route) -> list[dict[str, Any]]:
    if route.also == 304:
        schema: dict[str, Any] = {"type": "string"}
        return [{"name": "If-None-Match", "in": "header", "required": False, "description": _TAGS, "schema": schema}]
    if route.file:
        return [{"name": name, "in": "header", "required": False, **described} for name, described in _OF_A_FILE.items()]
    said = SAID[route.method] if route.reads else []
    if CONDITION in route.told:
        said = [*said, {"name": "If-Match", "in": "header", "required": False, "description": _VERSION, "schema": {"type": "string"}}]
    if not route.operation.keyed:
        return said
    schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": f"^{IDEMPOTENCY_KEY.pattern}$"}
    return [*said, {"name": "Idempotency-Key", "in": "header", "required": False, "description": _KEY, "schema": schema}]


def _success(route: Route, status: int) -> dict[str, Any]:
    described: dict[str, Any] = {"description": _DESCRIBED[status]}
    if route.file:
        return described | ({} if status in (304, 307) else {"content": {"*/*": {"schema": _BYTES}}})
    if route.also == 304:
        described["headers"] = {"ETag": {"description": "By which a poll's answer is known to be the same", "schema": {"type": "string"}}}
    if route.snapshot:
        described["headers"] = described.get("headers", {}) | CURSOR_HEADER
    if route.tagged:
        described["headers"] = {"ETag": {"description": "Its version, for `If-Match`", "schema": {"type": "string"}}}
    if route.begins:
        models: dict[type[BaseModel], None] = dict.fromkeys((Attachment, route.operation.reply))
        made = [{"$ref": _REF.format(model=model.__name__)} for model in models]
        described["content"] = {"application/json": {"schema": made[0] if len(made) == 1 else {"anyOf": made}}}
    elif status != 304 and not route.is_json:
        described["content"] = {route.media: {"schema": {"type": "string"}}}
    elif status != 304 and _has_body(route):
        described["content"] = {"application/json": {"schema": {"$ref": _REF.format(model=route.operation.reply.__name__)}}}
    if route.reads:
        described["headers"] = dict(ANSWERED[route.method])
    if status == 201:
        described["headers"] = described.get("headers", {}) | {"Location": {"description": "Where it is", "schema": {"type": "string"}}}
    if route.operation.keyed and status == 201:
        replayed = {"description": "It was made before, by the same key", "schema": {"type": "string", "enum": ["true"]}}
        described["headers"]["Idempotent-Replayed"] = replayed
    return described


def _live_operation(route: LiveRoute) -> dict[str, Any]:
    content = {JSON_TYPE: {"schema": {"$ref": _REF.format(model=route.reply.__name__)}}} if route.reply else {}
    return live_operation(route, content, _by_status((*_ANYWHERE, *SIGNED_IN, *LIVE_REFUSALS.get(route.name, ()))))


def _refusals(route: Route) -> dict[str, Any]:
    """Every refusal of the route, by status."""
    may: dict[type[Refusal], None] = dict.fromkeys((*_ANYWHERE, *route.operation.refuses))
    if route.needs:
        may |= dict.fromkeys(SIGNED_IN)
    if route.body:
        may |= dict.fromkeys(_WITH_BODY)
    elif route.begins:
        may |= dict.fromkeys(_WITH_FORM)
    elif route.fields:
        may |= dict.fromkeys((RequestIsMalformed, RequestIsInvalid))
    if route.file:
        may |= dict.fromkeys(_OF_FILES)
    if route.reads:
        may |= dict.fromkeys(tus_refusals(route.method))
    if route.operation.keyed:
        may[RequestIsInvalid] = None
    return _by_status(may)


def _by_status(may: Iterable[type[Refusal]]) -> dict[str, Any]:
    by_status: dict[int, list[type[Refusal]]] = defaultdict(list)
    for refusal in may:
        by_status[refusal().status].append(refusal)
    return {str(status): _problem(by_status[status]) for status in sorted(by_status)}


def _problem(refusals: list[type[Refusal]]) -> dict[str, Any]:
    described = "\n".join(f"- `{refusal.code}`: {refusal.detail}" for refusal in refusals)
    codes = {"code": {"enum": [refusal.code for refusal in refusals]}}
    schema = {"allOf": [{"$ref": _REF.format(model="Problem")}], "properties": codes}
    return {"description": described, "content": {"application/problem+json": {"schema": schema}}}


def _own_operation(route: OwnRoute) -> dict[str, Any]:
    if route.reply is None:
        content: dict[str, Any] = {"text/plain": {"schema": {"type": "string"}}}
    else:
        content = {"application/json": {"schema": {"$ref": _REF.format(model=route.reply.__name__)}}}
    responses: dict[str, Any] = {"200": {"description": "Done", "content": content}}
    if route.name == "readyz":
        responses["503"] = {"description": "Something that is needed is missing", "content": content}
    if route.status == 204:
        responses = {"204": {"description": _DESCRIBED[204], "headers": ANSWERED["OPTIONS"] if route.method == "OPTIONS" else _SET}}
    if route.needs:
        responses |= _by_status((*_ANYWHERE, *SIGNED_IN))
    own: dict[str, Any] = {"operationId": route.name, "summary": route.summary, "tags": [route.tag], "responses": responses}
    own |= security(route)
    if parameters := re.findall(r"\{(\w+)\}", route.path):
        own["parameters"] = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in parameters]
    return own
