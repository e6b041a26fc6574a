"""Builds the identity service; nothing else does."""

from pwdlib.hashers import HasherProtocol
from pwdlib.hashers.argon2 import Argon2Hasher

from services.identity.handlers import sessions, users
from services.identity.passwords import Passwords
from services.identity.repository.installation import default_workspace, load_keys
from services.identity.repository.sessions import Sessions
from services.identity.repository.users import Users
from services.identity.service import Service
from services.identity.settings import IdentitySettings
from services.identity.tokens import AccessTokens, RefreshTokens
from shared.application import Dependency
from shared.contracts.identity.sessions import AUTHORIZE, GET_PUBLIC_KEYS, LOG_IN, LOG_OUT, REFRESH_SESSION, REGISTER_USER
from shared.contracts.identity.users import ASSIGN_ROLE, CREATE_USER, GET_ME, LIST_USERS, SET_ROLE
from shared.database.connections import Database
from shared.foundation import Foundation
from shared.messaging.local import Process


class IdentityApplication:
    name = "identity"

    def __init__(self, settings: IdentitySettings, hasher: HasherProtocol | None = None, *, process: Process | None = None) -> None:
        self._settings = settings
        self._foundation = Foundation(self.name, settings, process)
        # Of its own, so that what every request asks never waits behind sign-ins.
        self._checks = Database(self._foundation.database_url, self.name, connections=2)
        self._passwords = Passwords(hasher or Argon2Hasher())

    async def start(self) -> None:
        await self._foundation.open()
        await self._checks.open()
        await self._passwords.start()
        self._serve(await self._service())
        await self._foundation.serve()

    async def stop(self) -> None:
        await self._foundation.close()
        await self._checks.close()
        self._passwords.close()

    async def health(self) -> dict[str, Dependency]:
        return await self._foundation.health()

    async def _service(self) -> Service:
        database, poke = self._foundation.database, self._foundation.relay.poke
        keys = await load_keys(database)
        return Service(
            workspace_id=await default_workspace(database),
            registration_is_open=self._settings.registration == "open",
            users=Users(database, poke),
            sessions=Sessions(database, self._checks, poke),
            passwords=self._passwords,
            access_tokens=AccessTokens(keys.access),
            refresh_tokens=RefreshTokens(keys.refresh),
        )

    def _serve(self, service: Service) -> None:
        responder = self._foundation.responder
        responder.serve_together(AUTHORIZE, sessions.authorize, service)
        responder.serve_anonymous(REGISTER_USER, sessions.register_user, service)
        responder.serve_anonymous(LOG_IN, sessions.log_in, service)
        responder.serve_anonymous(REFRESH_SESSION, sessions.refresh_session, service)
        responder.serve_anonymous(LOG_OUT, sessions.log_out, service)
        responder.serve(GET_ME, users.get_me, service)
        responder.serve(SET_ROLE, users.set_role, service)
        responder.serve_anonymous(CREATE_USER, users.create_user, service)
        responder.serve_anonymous(LIST_USERS, users.list_users, service)
        responder.serve_anonymous(ASSIGN_ROLE, users.assign_role, service)
        responder.serve_anonymous(GET_PUBLIC_KEYS, sessions.get_public_keys, service)


def build(process: Process | None = None) -> IdentityApplication:
    return IdentityApplication(IdentitySettings(), process=process)
