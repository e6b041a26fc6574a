"""Stand-ins for what gateways ask about who is here; and a hub that keeps what it is given."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from pydantic_core import from_json, to_json

from services.gateway.realtime.connections import Connection, Viewer
from services.gateway.realtime.frames import Frame
from services.gateway.realtime.happenings import Happening
from services.gateway.realtime.kinds import KINDS, Scope
from shared.contracts.artifacts import Artifact, ArtifactType
from shared.contracts.identity.statuses import FIND_STATUSES, NOTE_SEEN, FindStatuses, NoteSeen, UserStatus, UserStatuses
from shared.contracts.model import Event, Nothing
from shared.contracts.principal import Principal
from shared.contracts.projects.access import CHECK_PROJECT_ACCESS, CheckProjectAccess, ProjectAccess, ProjectNotFound, ProjectRole
from shared.contracts.projects.artifacts import DESCRIBE_ARTIFACTS, DescribeArtifacts, ProjectArtifacts
from shared.contracts.threads.audience import CHECK_AUDIENCE, Audience, CheckAudience
from shared.identifiers import new_id
from tests.service.neighbours import FakeThreads
from tests.service.stand_in import Answers, StandIn

PATIENCE = 15.0
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


async def eventually(condition: Callable[[], bool], within: float = PATIENCE) -> None:
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.01)


@dataclass
class Threads(FakeThreads):
    """projects: whose chats threads are."""

    projects: dict[UUID, UUID] = field(default_factory=dict)

    def answers(self) -> Answers:
        return {**super().answers(), CHECK_AUDIENCE: check_audience}


async def check_audience(request: CheckAudience, threads: Threads) -> Audience:
    return Audience(project_id=threads.projects.get(request.thread_id), seen_by=[])


@dataclass
class FakeIdentity(StandIn):
    """Everybody is found by everybody, but those who are hidden from all."""

    hidden: set[UUID] = field(default_factory=set)
    seen: list[UUID] = field(default_factory=list)
    service: ClassVar[str] = "identity"

    def answers(self) -> Answers:
        return {FIND_STATUSES: find_statuses, NOTE_SEEN: note_seen}


async def find_statuses(request: FindStatuses, caller: Principal, identity: FakeIdentity) -> UserStatuses:
    found = [user_id for user_id in request.user_ids if user_id not in identity.hidden]
    return UserStatuses(statuses=[UserStatus(user_id=user_id, current_status="busy", last_seen_at=None) for user_id in found])


async def note_seen(request: NoteSeen, identity: FakeIdentity) -> Nothing:
    identity.seen += request.user_ids
    return Nothing()


@dataclass
class FakeProjects(StandIn):
    """members: of each project. within: the files and pages, each with the project that it is in."""

    members: dict[UUID, set[UUID]] = field(default_factory=dict)
    within: dict[UUID, tuple[ArtifactType, UUID]] = field(default_factory=dict)
    service: ClassVar[str] = "projects"

    def answers(self) -> Answers:
        return {CHECK_PROJECT_ACCESS: check_project_access, DESCRIBE_ARTIFACTS: describe_artifacts}

    def project(self, *members: Principal) -> UUID:
        self.members[made := new_id()] = {member.user_id for member in members}
        return made

    def put(self, kind: ArtifactType, project_id: UUID) -> UUID:
        self.within[made := new_id()] = (kind, project_id)
        return made


async def check_project_access(request: CheckProjectAccess, caller: Principal, projects: FakeProjects) -> ProjectAccess:
    if caller.user_id not in projects.members.get(request.project_id, ()):
        raise ProjectNotFound
    return ProjectAccess(project_id=request.project_id, role=ProjectRole.MEMBER, archived=False, joined_at=MOMENT)


async def describe_artifacts(request: DescribeArtifacts, caller: Principal, projects: FakeProjects) -> ProjectArtifacts:
    known = [(key, *projects.within[key]) for key in request.ids if key in projects.within]
    return ProjectArtifacts(
        artifacts=[
            Artifact(
                type=kind, id=key, workspace_id=caller.workspace_id, project_id=at, thread_id=None, title="A", deleted=False, version=1
            )
            for key, kind, at in known
            if caller.user_id in projects.members[at]
        ]
    )


@dataclass(frozen=True)
class Told:
    """What the hub was to tell."""

    scope: Scope
    workspace_id: UUID
    key: UUID
    data: dict[str, Any]
    but: UUID | None


class RecordingHub:
    """Brings nothing to anybody, and knows what it was to bring."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.frames: dict[Connection, list[dict[str, Any]]] = {}
        self._listeners: dict[type[Event], Callable[[Happening], None]] = {}

    def attend(self, comes: Callable[[Connection], None], goes: Callable[[Connection], None]) -> None:
        self.comes, self.goes = comes, goes

    def listen(self, events: Collection[type[Event]], hears: Callable[[Happening], None]) -> None:
        self._listeners.update(dict.fromkeys(events, hears))

    def happens(self, event: type[Event], workspace_id: UUID, key: UUID, payload: dict[str, Any]) -> None:
        """As it comes out of the stream."""
        kind = KINDS[event.event_type]
        data = to_json(payload)
        self._listeners[event](Happening(1, 0.0, kind, kind.scope, workspace_id, key, Frame(kind.type, "1", data), data))

    async def tell(self, scope: Scope, workspace_id: UUID, key: UUID, frame: Frame, *, but: UUID | None = None) -> None:
        self.told.append(Told(scope, workspace_id, key, data_of(frame), but))

    def put(self, connection: Connection, frame: Frame) -> None:
        self.frames.setdefault(connection, []).append(data_of(frame))

    def typing_in(self, thread_id: UUID) -> list[tuple[str, bool]]:
        """Who was told to type there, and to type no more."""
        return [(told.data["name"], told.data["isTyping"]) for told in self.told if told.key == thread_id]

    def of(self, connection: Connection) -> list[dict[str, Any]]:
        return self.frames.get(connection, [])


def data_of(frame: Frame) -> dict[str, Any]:
    told: dict[str, Any] = from_json(frame.text)
    assert told["type"] == frame.type
    data: dict[str, Any] = told["data"]
    return data


class NoCarrier:
    """Of connections that are never written to."""

    unsent = 0

    def write(self, frames: Sequence[Frame]) -> None:
        raise AssertionError("the hub writes")

    def close(self, code: int, reason: str) -> None: ...


def connection_of(principal: Principal) -> Connection:
    async def authorize() -> Principal:
        return principal

    return Connection(Viewer(principal, 1), principal.session_id, NoCarrier(), authorize, 0.0)
