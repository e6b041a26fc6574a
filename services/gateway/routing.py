"""The table of routes: what is asked at which path, by whom, how often.

Routes are found and run here and not by the framework: its layers cost as much as all of our checks (docs/architecture.md).
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol, get_args, get_origin, get_type_hints
from uuid import UUID

from annotated_types import MaxLen
from pydantic import BaseModel

from services.gateway.replies import Reply
from shared.contracts.model import Request
from shared.contracts.operations import Operation
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.refusals import NotFound, Refusal
from shared.messaging.frames import Answer

UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
CONDITION = "ifMatch"  # the field of the version that is to be changed, as the header If-Match says it
ORIGIN = "origin"  # the field of who signs in from where (`shared.contracts.identity.sessions.Origin`)
JSON_TYPE = "application/json"
_PARAMETER = re.compile(r"\{(\w+)\}")


class Call(Protocol):
    """Asks services, as the gateway."""

    @property
    def connected(self) -> bool: ...

    async def __call__[Q: Request, R: BaseModel](self, operation: Operation[Q, R], request: Q, principal: Principal | None) -> R: ...

    async def answer[Q: Request, R: BaseModel](self, operation: Operation[Q, R], request: Q, principal: Principal | None) -> Answer: ...


class RateClass(Enum):
    """What is counted together."""

    MESSAGES = "messages"
    """By user, and by workspace: posts."""
    REQUESTS = "requests"
    """By user, and by workspace: all other routes together."""
    ANONYMOUS = "anonymous"
    """By address: where nobody is signed in."""
    UPLOADS = "uploads"
    """By user: files."""
    SIGN_INS = "sign-ins"
    """By address and email: whoever guesses passwords; they count as anonymous too. By user, where somebody is signed in."""


@dataclass(frozen=True, slots=True)
class Route:
    """One operation at one path. `needs` is the permission that a caller must be granted; without one anybody may ask.

    body: whether the fields that the path does not name are in the body; they are in the query otherwise.
    body_is_required: whether any of those has to be sent; nothing at all is taken otherwise.
    missing: for each parameter of the path, the refusal of what is no id there; None where it is a name.
    told: what the gateway itself says in the request, whatever a client sends; empty until admission knows it.
    also: another status that is no refusal.
    tagged: whether its answer has the version of what it shows as its ETag.
    begins: of a form with files, what is asked for each before its bytes are taken; `operation` is asked once they are all there.
    file: whether bytes of the store are answered.
    slow: its operation takes as long as a file does.
    snapshot: whether its answer says from which cursor on events tell what it does not.
    reads: of what is asked in headers and a path alone, as tus does: how that is read.
    media: the type of its answer.
    """

    name: str
    method: str
    path: str
    operation: Operation[Any, Any]
    needs: Permission | None
    limit: RateClass
    handler: Callable[..., Awaitable[Reply]]
    status: int
    summary: str
    also: int | None = None
    begins: Operation[Any, Any] | None = None
    file: bool = False
    slow: bool = False
    reads: Callable[[Mapping[str, str], Mapping[bytes, bytes]], Request] | None = None
    tagged: bool = False
    snapshot: bool = False
    parameters: tuple[str, ...] = field(init=False)
    fields: frozenset[str] = field(init=False)
    body: bool = field(init=False)
    body_is_required: bool = field(init=False)
    missing: tuple[type[Refusal] | None, ...] = field(init=False)
    told: dict[str, Any] = field(init=False, hash=False)
    media: str = field(init=False)

    def __post_init__(self) -> None:
        parameters = tuple(_PARAMETER.findall(self.path))
        aliases = {info.alias or name for name, info in self.operation.request.model_fields.items()}
        told: dict[str, Any] = {name: value for name, value in ((ORIGIN, {}), (CONDITION, None)) if name in aliases}
        is_bare = self.begins is not None or self.reads is not None
        fields = frozenset[str]() if is_bare else frozenset(aliases - set(parameters) - set(told))
        object.__setattr__(self, "parameters", parameters)
        object.__setattr__(self, "fields", fields)
        object.__setattr__(self, "told", told)
        object.__setattr__(self, "body", self.method in ("POST", "PATCH", "PUT") and bool(fields))
        required = {info.alias or name for name, info in self.operation.request.model_fields.items() if info.is_required()}
        object.__setattr__(self, "body_is_required", bool(required & fields))
        object.__setattr__(self, "missing", tuple(map(self._missing, range(len(parameters)))))
        object.__setattr__(self, "media", getattr(_reply_of(self.handler)[0], "media", JSON_TYPE))

    @property
    def transfers(self) -> bool:
        """Whether bytes of files go through, which takes its time."""
        return self.begins is not None or self.file or self.reads is not None

    @property
    def takes_cookie(self) -> bool:
        """Whether elements of a page ask for it, which send no bearer."""
        return self.file

    @property
    def is_json(self) -> bool:
        """Whether that is how it answers."""
        return self.media == JSON_TYPE

    @property
    def most_files(self) -> int:
        """That one form may have: as its operation says."""
        limits = self.operation.request.model_fields["files"].metadata
        return next(limit.max_length for limit in limits if isinstance(limit, MaxLen))

    @property
    def asked(self) -> type[Request]:
        """What the path, with the query or a body of JSON, says."""
        asked: type[Request] = (self.begins or self.operation).request
        return asked

    @property
    def tag(self) -> str:
        return self.operation.owner

    def check_ids(self, values: Sequence[str]) -> None:
        """An id in the path that is none is missing, like any other that is not there."""
        for value, refusal in zip(values, self.missing, strict=True):
            if refusal is not None and not UUID_TEXT.fullmatch(value):
                raise refusal

    def _missing(self, place: int) -> type[Refusal] | None:
        """The operation's own, in the order of the path; the last of them stands for what is within it."""
        refusals = [refusal for refusal in self.operation.refuses if issubclass(refusal, NotFound)]
        return refusals[min(place, len(refusals) - 1)] if refusals and self.is_id(self.parameters[place]) else None

    def is_id(self, parameter: str) -> bool:
        fields = self.operation.request.model_fields
        return any((info.alias or name) == parameter and info.annotation is UUID for name, info in fields.items())


@dataclass(frozen=True, slots=True)
class OwnRoute:
    """What the gateway answers by itself: to anybody, or to those who are granted what it `needs`; its handler gets their request too.

    takes_cookie: whether elements of a page ask for it, which send no bearer.
    """

    name: str
    path: str
    handler: Callable[..., Awaitable[Reply]]
    summary: str
    reply: type[BaseModel] | None
    method: str = "GET"
    status: int = 200
    needs: Permission | None = None
    limit: RateClass = RateClass.REQUESTS
    takes_cookie: bool = False
    tag: str = "operations"


ROUTES: list[Route] = []
OWN_ROUTES: list[OwnRoute] = []

type Handler[Q: Request] = Callable[[Q, Principal, Call], Awaitable[Reply]]
type AnonymousHandler[Q: Request] = Callable[[Q, Call], Awaitable[Reply]]


def route[Q: Request](
    method: str,
    path: str,
    operation: Operation[Q, Any],
    *,
    needs: Permission,
    limit: RateClass = RateClass.REQUESTS,
    slow: bool = False,
    snapshot: bool = False,
) -> Callable[[Handler[Q]], Handler[Q]]:
    """Put a function into the table, for those who are granted what it needs."""

    def registered(handler: Handler[Q]) -> Handler[Q]:
        ROUTES.append(made_route(method, path, operation, needs, limit, handler, slow=slow, snapshot=snapshot))
        return handler

    return registered


def anonymous_route[Q: Request](
    method: str, path: str, operation: Operation[Q, Any], *, limit: RateClass = RateClass.ANONYMOUS
) -> Callable[[AnonymousHandler[Q]], AnonymousHandler[Q]]:
    """Put a function into the table, for anybody."""

    def registered(handler: AnonymousHandler[Q]) -> AnonymousHandler[Q]:
        ROUTES.append(made_route(method, path, operation, None, limit, handler))
        return handler

    return registered


def own_route[**P](
    path: str,
    reply: type[BaseModel] | None = None,
    *,
    method: str = "GET",
    needs: Permission | None = None,
    takes_cookie: bool = False,
    tag: str = "operations",
) -> Callable[[Callable[P, Awaitable[Reply]]], Callable[P, Awaitable[Reply]]]:
    """Put into the table what the gateway answers by itself."""

    def registered(handler: Callable[P, Awaitable[Reply]]) -> Callable[P, Awaitable[Reply]]:
        status: int = get_type_hints(handler)["return"].documented
        told = (handler.__name__, path, handler, summary_of(handler), reply, method, status)
        OWN_ROUTES.append(OwnRoute(*told, needs=needs, takes_cookie=takes_cookie, tag=tag))
        return handler

    return registered


def made_route(
    method: str,
    path: str,
    operation: Operation[Any, Any],
    needs: Permission | None,
    limit: RateClass,
    handler: Callable[..., Awaitable[Reply]],
    *,
    begins: Operation[Any, Any] | None = None,
    file: bool = False,
    slow: bool = False,
    reads: Callable[[Mapping[str, str], Mapping[bytes, bytes]], Request] | None = None,
    snapshot: bool = False,
) -> Route:
    """For the table, with what the function says of itself."""
    kind, shown = _reply_of(handler)
    assert shown in ((), (operation.reply,)), f"{handler.__name__} answers something else than its operation"
    also: int | None = getattr(kind, "also", None)
    summary = summary_of(handler)
    tagged: bool = getattr(kind, "tagged", False)
    told = (operation, needs, limit, handler, kind.documented, summary, also, begins, file, slow, reads, tagged, snapshot)
    return Route(handler.__name__, method, path, *told)


def _reply_of(handler: Callable[..., Any]) -> tuple[Any, tuple[Any, ...]]:
    """Its kind, and what it shows."""
    returned = get_type_hints(handler)["return"]
    return get_origin(returned) or returned, get_args(returned)


def summary_of(handler: Callable[..., Any]) -> str:
    return " ".join((handler.__doc__ or handler.__name__).split()).rstrip(".")
