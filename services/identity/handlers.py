"""What the service is asked: one function an operation."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from services.identity import domain
from services.identity.passwords import Passwords
from services.identity.repository.sessions import Sessions
from services.identity.repository.users import Account, Users
from services.identity.tokens import AccessTokens, RefreshToken, RefreshTokens
from shared import cursors
from shared.contracts import identity as contract
from shared.contracts.identity import (
    AssignRole,
    Authorize,
    CreateUser,
    CredentialsAreWrong,
    GetMe,
    GetPublicKeys,
    ListUsers,
    LogIn,
    LogOut,
    Nothing,
    PublicKeys,
    RefreshSession,
    RefreshTokenIsSpent,
    RegisterUser,
    RegistrationIsClosed,
    SetRole,
    SignedIn,
    User,
    UserNotFound,
)
from shared.contracts.principal import Principal
from shared.contracts.refusals import Refusal
from shared.messaging.work import Ask

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Service:
    """What the handlers work with. `workspace_id` is the default workspace, which those who register join."""

    workspace_id: UUID
    registration_is_open: bool
    users: Users
    sessions: Sessions
    passwords: Passwords
    access_tokens: AccessTokens
    refresh_tokens: RefreshTokens

    def signed_in(self, user: User, refresh_token: RefreshToken) -> SignedIn:
        access_token, expires_at = self.access_tokens.issue(user, refresh_token.session_id)
        return SignedIn(access_token=access_token, refresh_token=refresh_token.text, expires_at=expires_at, user=user)


async def authorize(asks: Sequence[Ask[Authorize, None]], service: Service) -> Sequence[Principal | Refusal]:
    return await service.sessions.authorize([ask.request for ask in asks])


async def register_user(request: RegisterUser, service: Service) -> SignedIn:
    if not service.registration_is_open:
        raise RegistrationIsClosed
    account = Account(request.email, request.name, await service.passwords.hash(request.password))
    refresh_token = service.refresh_tokens.first()
    user = await service.users.register(service.workspace_id, account, refresh_token)
    log.info("user_registered", userId=str(user.id), role=user.role)
    return service.signed_in(user, refresh_token)


async def log_in(request: LogIn, service: Service) -> SignedIn:
    known = await service.users.credentials(request.email)
    matches = await service.passwords.match(request.password, known.password_hash if known else None)
    if known is None or known.home is None or not matches or known.status not in domain.SIGNING_IN:
        raise CredentialsAreWrong
    refresh_token = service.refresh_tokens.first()
    try:
        user = await service.sessions.start(known.user_id, known.home, refresh_token)
    except UserNotFound:  # removed since
        raise CredentialsAreWrong from None
    log.info("session_started", userId=str(user.id), sessionId=str(refresh_token.session_id))
    return service.signed_in(user, refresh_token)


async def refresh_session(request: RefreshSession, service: Service) -> SignedIn:
    token = service.refresh_tokens.read(request.refresh_token.get_secret_value())
    if token is None:
        raise RefreshTokenIsSpent
    successor = service.refresh_tokens.successor(token)
    try:
        user = await service.sessions.refresh(token, successor)
    except UserNotFound:  # no member any more
        raise RefreshTokenIsSpent from None
    if user is None:
        raise RefreshTokenIsSpent
    return service.signed_in(user, successor)


async def log_out(request: LogOut, service: Service) -> Nothing:
    token = service.refresh_tokens.read(request.refresh_token.get_secret_value())
    if token is not None:
        await service.sessions.end(token.session_id)
    return Nothing()


async def get_me(request: GetMe, caller: Principal, service: Service) -> User:
    return await service.users.get(caller.workspace_id, caller.user_id)


async def set_role(request: SetRole, caller: Principal, service: Service) -> User:
    user = await service.users.set_role(caller.workspace_id, request.user_id, request.role)
    log.info("role_set", userId=str(user.id), role=user.role, by=str(caller.user_id))
    return user


async def create_user(request: CreateUser, service: Service) -> User:
    account = Account(request.email, request.name, await service.passwords.hash(request.password))
    user = await service.users.create(service.workspace_id, account, request.role)
    log.info("user_created", userId=str(user.id), role=user.role)
    return user


async def list_users(request: ListUsers, service: Service) -> contract.Users:
    kind = f"users:{service.workspace_id}"
    (after,) = cursors.decode(kind, request.cursor) if request.cursor else ("",)
    found = await service.users.page(service.workspace_id, after, request.limit + 1)
    users, more = found[: request.limit], len(found) > request.limit
    return contract.Users(users=users, has_more=more, next_cursor=cursors.encode(kind, users[-1].email) if more else None)


async def assign_role(request: AssignRole, service: Service) -> User:
    known = await service.users.credentials(request.email)
    if known is None:
        raise UserNotFound
    user = await service.users.set_role(service.workspace_id, known.user_id, request.role)
    log.info("role_set", userId=str(user.id), role=user.role, by="operator")
    return user


async def get_public_keys(request: GetPublicKeys, service: Service) -> PublicKeys:
    return PublicKeys(keys=[service.access_tokens.public_key])
