"""Who is connected: viewers, each with their connections."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol
from uuid import UUID

from services.gateway.realtime.frames import Frame
from services.gateway.realtime.interests import Interests
from shared.contracts.principal import Principal

type Authorize = Callable[[], Awaitable[Principal]]


class Close:
    """Why a connection is closed (API.md, Realtime)."""

    RESTART = 1012
    PROTOCOL = 4400
    SIGN_IN_AGAIN = 4401
    ACCESS_LOST = 4403
    TOO_SLOW = 4408
    FRAME_TOO_LARGE = 4413
    FLOOD = 4429


class Carrier(Protocol):
    """What takes a connection's frames to its client: a WebSocket, or an event stream."""

    @property
    def unsent(self) -> int:
        """Bytes that the client has not taken yet."""

    def write(self, frames: Sequence[Frame]) -> None:
        """All that one turn of the loop brought."""

    def close(self, code: int, reason: str) -> None: ...


class Connection:
    """One client of a viewer. It is live once it is among its viewer's connections; until then it catches up.

    session_id: of the token that it is signed in with; a service token's id. authorize: asks identity about it again, at `authorized_at`
    (monotonic seconds) the last time.
    """

    __slots__ = ("_pending", "attempt", "authorize", "authorized_at", "carrier", "closed", "interests", "position", "session_id", "viewer")

    def __init__(self, viewer: "Viewer", session_id: UUID, carrier: Carrier, authorize: Authorize, authorized_at: float) -> None:
        self.viewer, self.session_id, self.carrier = viewer, session_id, carrier
        self.authorize, self.authorized_at = authorize, authorized_at
        self.attempt = 0
        """To catch up: one that was begun later ends the one before."""
        self.position: int | None = None
        """Up to where it has caught up; None once it is live."""
        self.interests: Interests | None = None
        """None: all that the viewer sees."""
        self.closed = False
        self._pending: list[Frame] = []

    def begin(self) -> int:
        """No longer live: it is about to catch up. The number of this attempt."""
        if self in self.viewer.connections:
            self.viewer.connections.remove(self)
        self.attempt += 1
        return self.attempt

    def put(self, frame: Frame) -> bool:
        """Whether it is the first that waits to be written."""
        self._pending.append(frame)
        return len(self._pending) == 1

    def put_all(self, frames: Sequence[Frame]) -> bool:
        """The same for several."""
        first = not self._pending
        self._pending += frames
        return first and bool(frames)

    def take(self) -> list[Frame]:
        """What waits to be written."""
        pending, self._pending = self._pending, []
        return pending


class Viewer:
    """Who sees the same: one user of a workspace with the same role and grants, whatever the number of their connections.

    number: grows with each that comes, so that whoever came after some moment is known.
    """

    __slots__ = ("connections", "following", "number", "principal")

    def __init__(self, principal: Principal, number: int) -> None:
        self.principal, self.number = principal, number
        self.connections: list[Connection] = []
        self.following = 0
        """Connections that live or catch up."""


type ViewerKey = tuple[UUID, UUID, str, int, str | None]


def key_of(principal: Principal) -> ViewerKey:
    return (principal.user_id, principal.workspace_id, principal.role, principal.grants, principal.contact)
