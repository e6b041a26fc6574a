"""Builds the identity service; nothing else does."""

from datetime import timedelta

from pwdlib.hashers import HasherProtocol
from pwdlib.hashers.argon2 import Argon2Hasher

from services.identity.consumers import keep_audited
from services.identity.handlers import accounts, devices, profiles, sessions, users
from services.identity.mail import Links, Mailbox
from services.identity.passwords import Passwords
from services.identity.postman import Postman, Smtp
from services.identity.repository.accounts import Accounts, MailedTokens
from services.identity.repository.audit import Audit
from services.identity.repository.devices import Devices
from services.identity.repository.installation import default_workspace, load_keys
from services.identity.repository.invitations import Invitations
from services.identity.repository.mail import FORGET_MAILS, MailQueue
from services.identity.repository.members import Members
from services.identity.repository.profiles import Profiles
from services.identity.repository.roles import Roles
from services.identity.repository.service_accounts import ServiceAccounts
from services.identity.repository.service_tokens import ServiceTokens
from services.identity.repository.sessions import Sessions
from services.identity.repository.suspensions import Suspensions
from services.identity.repository.upkeep import FORGET_LINKS, FORGET_SESSIONS, Traces
from services.identity.repository.users import Users
from services.identity.repository.workspaces import Workspaces
from services.identity.service import Service
from services.identity.serving import serve_roles, serve_service_accounts, serve_workspaces
from services.identity.settings import IdentitySettings
from services.identity.tokens import ACCESS_LIFE, AccessTokens, RefreshTokens
from services.identity.upkeep import LastSeen
from shared.application import CannotStart, Dependency
from shared.contracts.identity.accounts import (
    CHANGE_PASSWORD,
    MAKE_LINK,
    REINSTATE_ACCOUNT,
    REINSTATE_USER,
    REQUEST_RESET,
    REQUEST_VERIFICATION,
    RESET_PASSWORD,
    SUSPEND_ACCOUNT,
    SUSPEND_USER,
    VERIFY_EMAIL,
)
from shared.contracts.identity.devices import END_OTHER_SESSIONS, END_OWN_SESSION, GET_OWN_SESSION, LIST_OWN_SESSIONS
from shared.contracts.identity.directory import FIND_MEMBERS
from shared.contracts.identity.profiles import CHANGE_ME, GET_USER, SEARCH_USERS
from shared.contracts.identity.sessions import AUTHORIZE, GET_PUBLIC_KEYS, LOG_IN, LOG_OUT, REFRESH_SESSION, REGISTER_USER
from shared.contracts.identity.statuses import FIND_STATUSES, NOTE_SEEN
from shared.contracts.identity.users import ASSIGN_ROLE, CREATE_USER, GET_ME, LIST_USERS, SET_ROLE
from shared.contracts.subscriptions import IDENTITY_AUDIT
from shared.database.connections import Database
from shared.foundation import Foundation
from shared.messaging.consumers import EventConsumers
from shared.messaging.local import Process
from shared.messaging.responder import Responder


def _smtp(url: str | None) -> Smtp | None:
    try:
        return Smtp(url) if url else None
    except ValueError as wrong:
        raise CannotStart(f"ATRIUM_SMTP_URL is wrong: {wrong}.") from None


class IdentityApplication:
    name = "identity"

    def __init__(
        self,
        settings: IdentitySettings,
        hasher: HasherProtocol | None = None,
        access_life: timedelta = ACCESS_LIFE,
        *,
        process: Process | None = None,
    ) -> None:
        self._settings, self._access_life = settings, access_life
        self._foundation = foundation = Foundation(self.name, settings, process, forgets=[FORGET_SESSIONS, FORGET_LINKS, FORGET_MAILS])
        self._consumers = EventConsumers(self.name, foundation.background, foundation.nats_url, foundation.nats_password)
        self._consumers.react(IDENTITY_AUDIT, keep_audited)
        background = self._foundation.background
        self._last_seen = LastSeen(Traces(background))
        smtp = _smtp(settings.smtp_url)
        self._links = Links(settings.public_url)
        self._postman = Postman(MailQueue(background), smtp, MailedTokens(background), self._links, settings.mail_from) if smtp else None
        self._mailbox = Mailbox(is_open=smtp is not None)
        # Of its own, so that what every request asks never waits behind sign-ins.
        self._checks = Database(self._foundation.database_url, self.name, connections=2)
        self._passwords = Passwords(hasher or Argon2Hasher())

    async def start(self) -> None:
        await self._foundation.open()
        await self._checks.open()
        await self._passwords.start()
        self._serve(await self._service())
        await self._consumers.start()
        await self._foundation.serve()
        self._last_seen.start()
        if self._postman is not None:
            self._postman.start()

    async def stop(self) -> None:
        await self._consumers.stop()
        if self._postman is not None:
            await self._postman.stop()
        await self._last_seen.stop()
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
            users=Users(database, self._mailbox, poke),
            roles=Roles(database, poke),
            members=Members(database, poke),
            workspaces=Workspaces(database, poke),
            invitations=Invitations(database, self._mailbox, poke),
            service_accounts=ServiceAccounts(database, poke),
            service_tokens=ServiceTokens(database, self._checks, poke),
            audit=Audit(database, poke),
            sessions=Sessions(database, self._checks, poke),
            profiles=Profiles(database, poke),
            devices=Devices(database, poke),
            accounts=Accounts(database, self._mailbox, poke),
            suspensions=Suspensions(database, poke),
            secrets=MailedTokens(database),
            links=self._links,
            last_seen=self._last_seen,
            passwords=self._passwords,
            access_tokens=AccessTokens(keys.access, self._access_life),
            refresh_tokens=RefreshTokens(keys.refresh),
        )

    def _serve(self, service: Service) -> None:
        responder = self._foundation.responder
        _serve_accounts(responder, service)
        serve_roles(responder, service)
        serve_workspaces(responder, service)
        serve_service_accounts(responder, service)
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


def _serve_accounts(responder: Responder, service: Service) -> None:
    """What people do with their own accounts and admins with others', and who is found."""
    responder.serve(GET_USER, profiles.get_user, service)
    responder.serve(SEARCH_USERS, profiles.search_users, service)
    responder.serve(FIND_STATUSES, profiles.find_statuses, service)
    responder.serve_anonymous(NOTE_SEEN, profiles.note_seen, service)
    responder.serve(CHANGE_ME, profiles.change_me, service)
    responder.serve_together(FIND_MEMBERS, profiles.find_members, service)
    responder.serve(VERIFY_EMAIL, accounts.verify_email, service)
    responder.serve(REQUEST_VERIFICATION, accounts.request_verification, service)
    responder.serve_anonymous(REQUEST_RESET, accounts.request_reset, service)
    responder.serve_anonymous(RESET_PASSWORD, accounts.reset_password, service)
    responder.serve(CHANGE_PASSWORD, accounts.change_password, service)
    responder.serve(SUSPEND_USER, accounts.suspend_user, service)
    responder.serve(REINSTATE_USER, accounts.reinstate_user, service)
    responder.serve_anonymous(SUSPEND_ACCOUNT, accounts.suspend_account, service)
    responder.serve_anonymous(REINSTATE_ACCOUNT, accounts.reinstate_account, service)
    responder.serve_anonymous(MAKE_LINK, accounts.make_link, service)
    responder.serve(LIST_OWN_SESSIONS, devices.list_own_sessions, service)
    responder.serve(GET_OWN_SESSION, devices.get_own_session, service)
    responder.serve(END_OWN_SESSION, devices.end_own_session, service)
    responder.serve(END_OTHER_SESSIONS, devices.end_other_sessions, service)


def build(process: Process | None = None) -> IdentityApplication:
    return IdentityApplication(IdentitySettings(), process=process)
