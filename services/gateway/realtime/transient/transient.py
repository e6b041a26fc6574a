"""All that is transient, put together: what the routes, the sockets and the hub ask of it."""

from collections.abc import Callable, Collection
from typing import Protocol
from uuid import UUID

from nats.aio.client import Client

from services.gateway.realtime.connections import Connection
from services.gateway.realtime.happenings import Happening
from services.gateway.realtime.transient.channels import Channels
from services.gateway.realtime.transient.devices import RENEW, Devices
from services.gateway.realtime.transient.notices import Notices
from services.gateway.realtime.transient.presence import PresenceOfAll
from services.gateway.realtime.transient.register import LASTS, Register
from services.gateway.realtime.transient.typing import Tells, Typing
from services.gateway.realtime.transient.watching import Puts, Watching
from services.gateway.routing import Call
from services.gateway.settings import GatewaySettings
from shared.contracts.gateway.presence import (
    GET_FILE_PRESENCE,
    GET_PAGE_PRESENCE,
    GET_PRESENCE,
    GET_PROJECT_PRESENCE,
    GetFilePresence,
    GetPagePresence,
    GetPresence,
    GetProjectPresence,
    PlacePresence,
    ShowPresence,
    UserPresences,
)
from shared.contracts.gateway.typing import GET_TYPING, SET_TYPING, GetTyping, SetTyping, Typists
from shared.contracts.identity.profiles import UserChanged
from shared.contracts.messages.hidden import GuardedMessagePosted
from shared.contracts.messages.messages import MessagePosted, NotePosted
from shared.contracts.model import Event, Nothing, View
from shared.contracts.principal import Principal
from shared.contracts.projects.members import MemberChanged
from shared.contracts.projects.projects import ProjectChanged
from shared.messaging.local import Process
from shared.messaging.responder import Responder
from shared.valkey import OptionalValkey

PATIENCE = 0.25
"""Seconds that Valkey is waited for: of what is written for two hundred connections at once."""


class Teller(Tells, Puts, Protocol):
    """The hub, as far as it is needed here."""

    def attend(self, comes: Callable[[Connection], None], goes: Callable[[Connection], None]) -> None: ...

    def listen(self, events: Collection[type[Event]], hears: Callable[[Happening], None]) -> None: ...


class Transient:
    """Its operations are the gateway's own: routes call them as they call a service's.

    client: the connection to NATS, once it is there. lasts, renew: seconds that a connection counts which nobody renews, and from one
    renewal to the next.
    """

    def __init__(
        self,
        call: Call,
        client: Callable[[], Client | None],
        settings: GatewaySettings,
        hub: Teller,
        process: Process,
        *,
        lasts: float = LASTS,
        renew: float = RENEW,
    ) -> None:
        self._valkey = OptionalValkey(settings.redis_url, patience=PATIENCE)
        self._notices = Notices(client)
        register = Register(self._valkey, lasts)
        self._typing = Typing(call, self._valkey, hub, self._notices)
        self._watching = Watching(register, hub, self._notices)
        self._devices = Devices(call, register, self._notices, self._watching.look_again, settings.away_after, renew)
        self._presence = PresenceOfAll(call, register, self._devices, self._watching)
        self._channels = Channels(call, settings.redis_url) if settings.redis_channels else None
        self._responder = Responder("gateway", settings.requests_in_flight, process)
        self._serve()
        hub.attend(self._connected, self._disconnected)
        hub.listen((MessagePosted, NotePosted, GuardedMessagePosted), self._typing.posted)
        hub.listen((UserChanged,), self._presence.user_changed)
        hub.listen((MemberChanged, ProjectChanged), self._presence.project_changed)

    async def start(self, nats_url: str, password: str | None) -> None:
        await self._notices.start()
        for part in (self._typing, self._watching, self._devices, self._presence):
            part.start()
        if self._channels is not None:
            self._channels.start(nats_url, password)
        self._responder.start_here()

    async def stop(self) -> None:
        """While NATS is still there: the others are told who goes."""
        await self._responder.stop()
        if self._channels is not None:
            await self._channels.stop()
        for part in (self._presence, self._devices, self._watching, self._typing):
            await part.stop()
        await self._valkey.close()

    def _connected(self, connection: Connection) -> None:
        self._watching.begin(connection)
        self._devices.enter(connection)

    def _disconnected(self, connection: Connection) -> None:
        self._watching.end(connection)
        self._devices.leave(connection)

    def heard(self, connection: Connection) -> None:
        """It said something that its user did."""
        self._devices.heard(connection)

    async def typing(self, principal: Principal, thread_id: UUID, is_typing: bool) -> None:
        await self._typing.set(SetTyping(thread_id=thread_id, is_typing=is_typing), principal)

    async def presence(self, connection: Connection, request: ShowPresence) -> View:
        """What a frame `presence` says, and what it is answered."""
        return await self._presence.show(connection, request)

    def _serve(self) -> None:
        serve = self._responder.serve
        serve(SET_TYPING, set_typing, self._typing)
        serve(GET_TYPING, get_typing, self._typing)
        serve(GET_PRESENCE, get_presence, self._presence)
        serve(GET_PROJECT_PRESENCE, get_project_presence, self._presence)
        serve(GET_FILE_PRESENCE, get_file_presence, self._presence)
        serve(GET_PAGE_PRESENCE, get_page_presence, self._presence)


async def set_typing(request: SetTyping, caller: Principal, typing: Typing) -> Nothing:
    return await typing.set(request, caller)


async def get_typing(request: GetTyping, caller: Principal, typing: Typing) -> Typists:
    return await typing.get(request, caller)


async def get_presence(request: GetPresence, caller: Principal, presence: PresenceOfAll) -> UserPresences:
    return await presence.get(request, caller)


async def get_project_presence(request: GetProjectPresence, caller: Principal, presence: PresenceOfAll) -> PlacePresence:
    return await presence.get_of_project(request, caller)


async def get_file_presence(request: GetFilePresence, caller: Principal, presence: PresenceOfAll) -> PlacePresence:
    return await presence.get_of_file(request, caller)


async def get_page_presence(request: GetPagePresence, caller: Principal, presence: PresenceOfAll) -> PlacePresence:
    return await presence.get_of_page(request, caller)
