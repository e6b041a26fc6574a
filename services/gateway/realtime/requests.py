"""What clients send over a WebSocket. Posts and marks go the very way that they go over HTTP."""

from typing import Annotated, Any, Protocol
from uuid import UUID

from pydantic import Field

from services.gateway.admission import Admission, Asker
from services.gateway.auth import LONGEST, Claims, ServiceToken
from services.gateway.bodies import from_body, take_key
from services.gateway.errors import TooManySubscriptions
from services.gateway.realtime.connections import Connection
from services.gateway.realtime.interests import MOST, Interests
from services.gateway.replies import Reply
from services.gateway.routing import ROUTES, Call
from shared.contracts.gateway.presence import ShowPresence
from shared.contracts.model import Request, View
from shared.contracts.principal import Principal
from shared.contracts.refusals import FieldError, RequestIsInvalid

LONGEST_CURSOR = 64
KEY = "idempotencyKey"

EventName = Annotated[str, Field(pattern=r"^[a-z][A-Za-z]{0,63}$")]
Names = Annotated[list[UUID], Field(max_length=10 * MOST)]


class Subscribe(Request):
    """Of all that may be seen, these threads, projects and types of events."""

    threads: Names = []
    projects: Names = []
    types: Annotated[list[EventName], Field(max_length=10 * MOST)] = []

    def added_to(self, interests: Interests | None) -> Interests | None:
        """None: all. Raises `TooManySubscriptions`, and nothing was added then."""
        had = interests or Interests()
        wanted = Interests(had.keys.union(self.threads, self.projects), had.types.union(self.types))
        if wanted.size > MOST:
            raise TooManySubscriptions
        return wanted if wanted.size else None

    def taken_from(self, interests: Interests | None) -> Interests | None:
        if interests is None:
            return None
        left = Interests(interests.keys.difference(self.threads, self.projects), interests.types.difference(self.types))
        return left if left.size else None


class Auth(Subscribe):
    """Who one is, and what of all that may be seen is wanted from the start; on an open connection, a newer token of the same user."""

    token: Annotated[str, Field(min_length=1, max_length=LONGEST)]
    cursor: Annotated[str, Field(max_length=LONGEST_CURSOR)] | None = None


class Resume(Request):
    """Go back to a cursor."""

    cursor: Annotated[str, Field(max_length=LONGEST_CURSOR)]


class Typing(Request):
    """Whether one types in a thread."""

    thread_id: UUID
    is_typing: bool


class Ping(Request):
    """Are you there?"""


class Transient(Protocol):
    """Takes what nobody keeps."""

    async def typing(self, principal: Principal, thread_id: UUID, is_typing: bool) -> None: ...

    async def presence(self, connection: Connection, request: ShowPresence) -> View: ...

    def heard(self, connection: Connection) -> None:
        """It said something that its user did."""


class Peer:
    """As a client is counted, for one frame."""

    __slots__ = ("network", "rate_headers")

    def __init__(self, network: str) -> None:
        self.network = network
        self.rate_headers: list[tuple[bytes, bytes]] = []


class SameWay:
    """Runs routes of threads for frames: admission with permission and rate, an idempotency key, the same checks, the same answer."""

    names = {"post": "post_message", "read": "mark_read"}

    def __init__(self, admission: Admission, call: Call) -> None:
        self._admission, self._call = admission, call
        by_name = {route.name: route for route in ROUTES}
        self._routes = {type: by_name[name] for type, name in self.names.items()}

    async def __call__(self, type: str, fields: dict[str, Any], token: Claims | ServiceToken, asker: Asker) -> Reply:
        route = self._routes[type]
        assert route.needs is not None
        caller = await self._admission.authorized(token, route.needs, route.limit, asker)
        if route.operation.keyed and KEY in fields:
            take_key(_text(fields, KEY))
        thread_id = _text(fields, route.parameters[0])
        route.check_ids([thread_id])
        request = from_body(route.asked, fields, {route.parameters[0]: thread_id} | route.told)
        return await route.handler(request, caller, self._call)


def _text(fields: dict[str, Any], name: str) -> str:
    """Take a text out of what was sent."""
    value = fields.pop(name, None)
    if not isinstance(value, str):
        code = "missing" if value is None else "string_type"
        raise RequestIsInvalid(errors=[FieldError(field=name, code=code, detail="A text is needed here.")])
    return value
