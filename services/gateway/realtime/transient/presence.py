"""Presence of users, and of who looks at which project, file or page: asked over HTTP, said and watched on connections."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import structlog

from services.gateway.realtime.connections import Connection
from services.gateway.realtime.happenings import Happening
from services.gateway.realtime.transient.devices import Devices
from services.gateway.realtime.transient.register import Place, Register, There
from services.gateway.realtime.transient.watching import Watching, user_of
from services.gateway.routing import Call
from shared.contracts.artifacts import ArtifactType
from shared.contracts.gateway.presence import (
    GetFilePresence,
    GetPagePresence,
    GetPresence,
    GetProjectPresence,
    OwnPresence,
    PlacePresence,
    PlacesAreTooMany,
    Presence,
    ShowPresence,
    UserPresence,
    UserPresences,
)
from shared.contracts.identity.statuses import FIND_STATUSES, FINDING, FindStatuses
from shared.contracts.model import Nothing, View
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.projects.access import CHECK_PROJECT_ACCESS, CheckProjectAccess, ProjectNotFound
from shared.contracts.projects.artifacts import DESCRIBE_ARTIFACTS, DescribeArtifacts
from shared.contracts.projects.files import FileNotFound
from shared.contracts.projects.pages import PageNotFound
from shared.contracts.refusals import NotFound, PermissionIsMissing, ServiceIsUnavailable
from shared.rounds import Rounds

log = structlog.get_logger()

MOST_PLACES = 50
"""That one connection looks at."""
LOOK_AGAIN = 60.0
"""Seconds after which it is asked again who may still look; who is put out of a project looks no more at once."""

_WITHIN: dict[ArtifactType, tuple[str, type[NotFound]]] = {
    ArtifactType.FILE: ("file", FileNotFound),
    ArtifactType.PAGE: ("page", PageNotFound),
}


class PresenceOfAll:
    """Visibility is asked of those who own what is looked at: identity and projects."""

    def __init__(self, call: Call, register: Register, devices: Devices, watching: Watching) -> None:
        self._call, self._register, self._devices, self._watching = call, register, devices, watching
        self._projects: dict[Place, UUID] = {}
        self._rounds = Rounds("gateway presence looks", self._look_again, LOOK_AGAIN)
        self._checking: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._rounds.start()

    async def stop(self) -> None:
        await self._rounds.stop()

    async def get(self, request: GetPresence, caller: Principal) -> UserPresences:
        return UserPresences(users=[user for _, user in await self._users(request.user_ids, caller)])

    async def get_of_project(self, request: GetProjectPresence, caller: Principal) -> PlacePresence:
        return await self._shown(await self._project(request.project_id, caller), request.project_id)

    async def get_of_file(self, request: GetFilePresence, caller: Principal) -> PlacePresence:
        return await self._get_within(request.project_id, ArtifactType.FILE, request.file_id, caller)

    async def get_of_page(self, request: GetPagePresence, caller: Principal) -> PlacePresence:
        return await self._get_within(request.project_id, ArtifactType.PAGE, request.page_id, caller)

    async def show(self, connection: Connection, request: ShowPresence) -> View:
        """What a frame says, answered by how that is right now."""
        if request.status is not None:
            self._devices.say(connection, request.status)
            return OwnPresence(presence=request.status)
        if request.users is not None:
            return await self._watch(connection, request.users)
        place = _place_of(request)
        if not request.looking:
            self._devices.go_from(connection, place)
            self._watching.look_away(connection, place)
            return Nothing()
        return await self._look(connection, place)

    async def _watch(self, connection: Connection, users: Sequence[UUID]) -> UserPresences:
        found = await self._users(users, connection.viewer.principal)
        self._watching.watch_users(connection, found)
        return UserPresences(users=[user for _, user in found])

    async def _look(self, connection: Connection, place: Place) -> PlacePresence:
        looks = self._watching.looks.get(connection)
        if looks is not None and place not in looks.places and len(looks.places) >= MOST_PLACES:
            raise PlacesAreTooMany
        principal = connection.viewer.principal
        project_id = await self._project_of(place, principal)
        shown = await self._shown(place, project_id)
        self._watching.look(connection, place, frozenset(shown.users))
        if connection in self._devices:  # not closed meanwhile
            self._projects[place] = project_id
            self._devices.be_at(connection, place)
        return shown.model_copy(update={"users": sorted({*shown.users, principal.user_id})})

    async def _users(self, user_ids: Sequence[UUID], caller: Principal) -> list[tuple[There, UserPresence]]:
        """Those of them whom the caller may find."""
        if not user_ids:
            return []
        if not caller.may(FINDING):
            raise PermissionIsMissing
        found = await self._call(FIND_STATUSES, FindStatuses(user_ids=list(user_ids)), caller)
        statuses = {one.user_id: one for one in found.statuses}
        workspace = Place("workspace", caller.workspace_id)
        who = [There(workspace, user_id) for user_id in dict.fromkeys(user_ids) if user_id in statuses]
        states = await self._register.states(who) or [Presence.UNKNOWN] * len(who)
        described = [(there, presence, statuses[there.user_id]) for there, presence in zip(who, states, strict=True)]
        return [(there, user_of(there, presence, one.current_status, one.last_seen_at)) for there, presence, one in described]

    async def _get_within(self, project_id: UUID, kind: ArtifactType, key: UUID, caller: Principal) -> PlacePresence:
        await self._project(project_id, caller)
        name, not_found = _WITHIN[kind]
        if await self._project_of(Place(name, key), caller) != project_id:
            raise not_found
        return await self._shown(Place(name, key), project_id)

    async def _project(self, project_id: UUID, caller: Principal) -> Place:
        """Which the caller is a member of."""
        if not caller.may(Permission.PROJECT_READ):
            raise PermissionIsMissing
        await self._call(CHECK_PROJECT_ACCESS, CheckProjectAccess(project_id=project_id), caller)
        return Place("project", project_id)

    async def _project_of(self, place: Place, caller: Principal) -> UUID:
        """The project that a place is in, where the caller is a member of it."""
        if place.kind == "project":
            return (await self._project(place.id, caller)).id
        if not caller.may(Permission.PROJECT_READ):
            raise PermissionIsMissing
        kind = ArtifactType(place.kind.upper())
        found = await self._call(DESCRIBE_ARTIFACTS, DescribeArtifacts(ids=[place.id]), caller)
        projects = [one.project_id for one in found.artifacts if one.type is kind and one.project_id is not None]
        if not projects:
            raise _WITHIN[kind][1]
        return projects[0]

    async def _shown(self, place: Place, project_id: UUID) -> PlacePresence:
        users = await self._register.users(place)
        within = {} if place.kind == "project" else {f"{place.kind}_id": place.id}
        return PlacePresence(project_id=project_id, users=sorted(users or ()), known=users is not None, **within)

    def user_changed(self, happening: Happening) -> None:
        there = There(Place("workspace", happening.workspace_id), happening.key)
        if self._watching.is_watched(there):
            self._watching.say_status(there, happening.payload["user"]["currentStatus"])

    def project_changed(self, happening: Happening) -> None:
        """Its members have changed, or it is gone."""
        within = [place for place, project_id in self._projects.items() if project_id == happening.key]
        if within:
            task = asyncio.create_task(self._check(within))
            self._checking.add(task)
            task.add_done_callback(self._checking.discard)

    async def _check(self, places: Sequence[Place]) -> None:
        try:
            await asyncio.gather(*map(self._check_lookers, places))
        except Exception:
            log.exception("presence_was_not_checked")

    async def _check_lookers(self, place: Place) -> None:
        """Who may not look any more looks away."""
        lookers = self._watching.lookers(place)
        if not lookers:
            self._projects.pop(place, None)
            return
        asked = (self._project_of(place, connection.viewer.principal) for connection in lookers)
        for connection, answer in zip(lookers, await asyncio.gather(*asked, return_exceptions=True), strict=True):
            if isinstance(answer, NotFound | PermissionIsMissing | ProjectNotFound):
                self._devices.go_from(connection, place)
                self._watching.look_away(connection, place)

    async def _look_again(self) -> None:
        await self._check(list(self._projects))
        for connection, looks in list(self._watching.looks.items()):
            if looks.users:
                await self._find_again(connection, [there.user_id for there in looks.users])

    async def _find_again(self, connection: Connection, user_ids: Sequence[UUID]) -> None:
        try:
            found = await self._users(user_ids, connection.viewer.principal)
        except ServiceIsUnavailable:
            return
        except PermissionIsMissing:
            found = []
        looks = self._watching.looks.get(connection)
        if looks is not None and {there.user_id for there in looks.users} == set(user_ids):  # nothing else was asked for meanwhile
            self._watching.watch_users(connection, found)


def _place_of(request: ShowPresence) -> Place:
    named = {"project": request.project_id, "file": request.file_id, "page": request.page_id}
    return next(Place(kind, key) for kind, key in named.items() if key is not None)
