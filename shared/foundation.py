"""What every storing service stands on: its two database roles, its calls, its answers and its relay."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from nats.errors import Error as NatsError

from shared.application import CannotStart, Dependency
from shared.contracts.refusals import ServiceIsUnavailable
from shared.credentials import Credentials, background_role, database_role
from shared.database.connections import Database, as_role
from shared.database.idempotency import FORGET_KEYS
from shared.database.versions import wanted_version
from shared.messaging.caller import Caller
from shared.messaging.discovery import announce
from shared.messaging.local import Process
from shared.messaging.responder import Responder
from shared.outbox.relay import Relay
from shared.settings import Settings

CONNECT_PATIENCE = 10  # seconds


class Foundation:
    """Opens in order (database, broker, relay) and closes the other way round.

    process: what else runs here, which it asks directly.
    sessions: settings of the database's sessions that this service needs beside those that all have.
    background: the same of those of its background work.
    forgets: statements that delete what this service keeps for a time alone.
    """

    def __init__(
        self,
        service: str,
        settings: Settings,
        process: Process | None = None,
        sessions: Mapping[str, str] | None = None,
        *,
        background: Mapping[str, str] | None = None,
        forgets: Sequence[str] = (),
    ) -> None:
        if settings.postgres_url is None or settings.nats_url is None:
            raise CannotStart("ATRIUM_POSTGRES_URL and ATRIUM_NATS_URL must be set: `atrium up` does it, or set them to your own servers.")
        kept = Credentials.of(settings.data) if settings.postgres_password is None or settings.nats_password is None else None
        own, behind = database_role(service), background_role(service)
        self.service, self.settings = service, settings
        self.nats_url = settings.nats_url
        self.nats_password = settings.nats_password or (kept.nats[service] if kept else None)
        self.database_url = as_role(settings.postgres_url, own, settings.postgres_password or (kept.postgres[own] if kept else None))
        self.background_url = as_role(
            settings.postgres_url, behind, settings.postgres_background_password or (kept.postgres[behind] if kept else None)
        )
        self.database = Database(self.database_url, service, connections=8, settings=sessions)
        self.background = Database(self.background_url, service, connections=4, settings=background)
        self.caller = Caller(service, process)
        self.responder = Responder(service, settings.requests_in_flight, process)
        self.relay = Relay(
            service, self.background, self.background_url, self.nats_url, self.nats_password, forgets=[FORGET_KEYS, *forgets]
        )

    async def open(self) -> None:
        """Connect to the servers, and check that what is there is what this code needs."""
        for database in (self.database, self.background):
            await database.open()
        try:
            await self._check()
        except ServiceIsUnavailable as away:
            raise CannotStart(f"{self.service}: PostgreSQL cannot be reached as {database_role(self.service)}: {away.__cause__}") from away
        try:
            async with asyncio.timeout(CONNECT_PATIENCE):
                await self.caller.open(self.nats_url, self.nats_password)
        except (NatsError, OSError) as error:
            raise CannotStart(f"{self.service}: NATS does not let it in at ATRIUM_NATS_URL: {str(error) or 'no answer'}") from error

    async def serve(self, health: Callable[[], Awaitable[dict[str, Dependency]]] | None = None) -> None:
        """Publish what waits in the outbox, and answer. health: of a service that needs more than this."""
        await self.relay.start()
        assert self.caller.client is not None
        await self.responder.start(self.caller.client)
        await announce(self.caller.client, self.service, health or self.health)

    async def close(self) -> None:
        await self.responder.stop()
        await self.relay.stop()
        await self.caller.close()
        for database in (self.background, self.database):
            await database.close()

    async def health(self) -> dict[str, Dependency]:
        try:
            await self.database.schema_version()
            postgres = Dependency(ok=True)
        except ServiceIsUnavailable as away:
            postgres = Dependency(ok=False, detail=str(away.__cause__))
        return {
            "postgres": postgres,
            "nats": Dependency(ok=self.caller.connected, detail=None if self.caller.connected else "not connected"),
            "relay": self.relay.health(),
        }

    async def _check(self) -> None:
        found, wanted = await self.database.schema_version(), wanted_version(self.service)
        if found != wanted:
            raise CannotStart(f"{self.service}: its schema is at {found}, this code needs {wanted}. Run `atrium migrate`.")
        for database, role in ((self.database, database_role), (self.background, background_role)):
            if not await database.role_is_safe():
                raise CannotStart(
                    f"{self.service}: {role(self.service)} is a superuser, an owner or exempt from row-level security; it must be none."
                )
