"""All who are connected to this gateway."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from uuid import UUID

from services.gateway.realtime.connections import Authorize, Carrier, Connection, Viewer, ViewerKey, key_of
from shared.contracts.principal import Principal
from shared.contracts.refusals import TooMany


class TooManyConnections(TooMany):
    """You have as many live connections as one user may have; close one of them."""


class Viewers:
    """By what they are looked for. Viewers of a workspace are in the order in which they came."""

    def __init__(self, most_per_user: int) -> None:
        self._most_per_user = most_per_user
        self._viewers: dict[ViewerKey, Viewer] = {}
        self._of_workspace: defaultdict[UUID, list[Viewer]] = defaultdict(list)
        self._of_user: defaultdict[UUID, dict[Connection, None]] = defaultdict(dict)
        self._of_session: defaultdict[UUID, dict[Connection, None]] = defaultdict(dict)
        self._numbers = 0

    def __iter__(self) -> Iterator[Connection]:
        return (connection for connections in list(self._of_user.values()) for connection in list(connections))

    def add(self, principal: Principal, session_id: UUID, carrier: Carrier, authorize: Authorize, now: float) -> Connection:
        """Raises `TooManyConnections`."""
        if self._most_per_user and len(self._of_user.get(principal.user_id, ())) >= self._most_per_user:
            raise TooManyConnections
        connection = Connection(self._viewer(principal), session_id, carrier, authorize, now)
        connection.viewer.following += 1
        self._of_user[principal.user_id][connection] = None
        self._of_session[session_id][connection] = None
        return connection

    def remove(self, connection: Connection) -> None:
        _leave(self._of_user, connection.viewer.principal.user_id, connection)
        _leave(self._of_session, connection.session_id, connection)
        self._forget(connection)

    def move(self, connection: Connection, principal: Principal, session_id: UUID) -> bool:
        """The connection is signed in anew; whether it sees something else now."""
        _leave(self._of_session, connection.session_id, connection)
        connection.session_id = session_id
        self._of_session[session_id][connection] = None
        if key_of(principal) == key_of(connection.viewer.principal):
            return False
        live = connection in connection.viewer.connections
        self._forget(connection)
        connection.viewer = self._viewer(principal)
        connection.viewer.following += 1
        if live:
            connection.viewer.connections.append(connection)
        return True

    def of_workspace(self, workspace_id: UUID) -> list[Viewer]:
        return self._of_workspace.get(workspace_id, [])

    def later_than(self, workspace_id: UUID, number: int) -> list[Viewer]:
        """Those of a workspace who came after the one with that number."""
        viewers = self._of_workspace.get(workspace_id, [])
        return viewers[bisect_right(viewers, number, key=lambda viewer: viewer.number) :]

    def of_user(self, user_id: UUID, workspace_id: UUID | None = None) -> list[Viewer]:
        """In one workspace, or in all."""
        viewers = dict.fromkeys(connection.viewer for connection in self._of_user.get(user_id, ()))
        return [viewer for viewer in viewers if workspace_id in (None, viewer.principal.workspace_id)]

    def of_session(self, session_id: UUID) -> list[Connection]:
        return list(self._of_session.get(session_id, ()))

    def connections_of(self, viewers: Iterable[Viewer]) -> list[Connection]:
        """All of them, live or not."""
        wanted = set(viewers)
        users = {viewer.principal.user_id for viewer in wanted}
        return [connection for user in users for connection in self._of_user.get(user, ()) if connection.viewer in wanted]

    def _viewer(self, principal: Principal) -> Viewer:
        key = key_of(principal)
        viewer = self._viewers.get(key)
        if viewer is None:
            self._numbers += 1
            viewer = self._viewers[key] = Viewer(principal, self._numbers)
            self._of_workspace[principal.workspace_id].append(viewer)
        return viewer

    def _forget(self, connection: Connection) -> None:
        viewer = connection.viewer
        viewer.following -= 1
        if connection in viewer.connections:
            viewer.connections.remove(connection)
        if viewer.following == 0:
            del self._viewers[key_of(viewer.principal)]
            _take_out(self._of_workspace, viewer)


def _leave(index: defaultdict[UUID, dict[Connection, None]], key: UUID, connection: Connection) -> None:
    if key in index:
        index[key].pop(connection, None)
        if not index[key]:
            del index[key]


def _take_out(index: defaultdict[UUID, list[Viewer]], viewer: Viewer) -> None:
    viewers = index[viewer.principal.workspace_id]
    del viewers[bisect_right(viewers, viewer.number, key=lambda other: other.number) - 1]
    if not viewers:
        del index[viewer.principal.workspace_id]
