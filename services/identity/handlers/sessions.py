"""Signing in, going on, signing out; and who a request is from."""

from collections.abc import Sequence

import structlog

from services.identity import domain
from services.identity.repository.users import Account
from services.identity.service import Service
from shared.contracts.identity.sessions import (
    Authorize,
    CredentialsAreWrong,
    GetPublicKeys,
    LogIn,
    LogOut,
    PublicKeys,
    RefreshSession,
    RefreshTokenIsSpent,
    RegisterUser,
    RegistrationIsClosed,
    SignedIn,
)
from shared.contracts.identity.users import SignInIsThrottled, UserNotFound
from shared.contracts.model import Nothing
from shared.contracts.principal import Principal
from shared.contracts.refusals import Refusal
from shared.messaging.work import Ask

log = structlog.get_logger()


async def authorize(asks: Sequence[Ask[Authorize, None]], service: Service) -> Sequence[Principal | Refusal]:
    answers = await service.sessions.authorize([ask.request for ask in asks])
    for answer in answers:
        if isinstance(answer, Principal):
            service.last_seen.note(answer.session_id, answer.user_id)
    return answers


async def register_user(request: RegisterUser, service: Service) -> SignedIn:
    if not service.registration_is_open and request.invitation is None:
        raise RegistrationIsClosed
    if request.invitation is not None:
        await service.invitations.check(request.invitation.get_secret_value())  # a hash is costly
    account = Account(request.email, request.name, await service.passwords.hash(request.password))
    refresh_token = service.refresh_tokens.first()
    if request.invitation is None:
        user = await service.users.register(service.workspace_id, account, refresh_token, request.origin)
    else:
        user = await service.invitations.register(request.invitation.get_secret_value(), account, refresh_token, request.origin)
    log.info("user_registered", userId=str(user.id), role=user.role)
    return service.signed_in(user, refresh_token)


async def log_in(request: LogIn, service: Service) -> SignedIn:
    known = await service.users.credentials(request.email, request.origin.address)
    if request.origin.crowded and not (known and known.known_there):
        raise SignInIsThrottled(retry_after=60)  # whoever guesses from everywhere locks out nobody who comes from where they always do
    matches = await service.passwords.match(request.password, known.password_hash if known else None)
    if known is None or not matches or known.status not in domain.SIGNING_IN:
        raise CredentialsAreWrong
    home = known.home
    if request.invitation is not None:
        home = (await service.invitations.accept(known.user_id, request.invitation.get_secret_value())).id
    if home is None:
        raise CredentialsAreWrong
    refresh_token = service.refresh_tokens.first()
    try:
        user = await service.sessions.start(known.user_id, home, refresh_token, request.origin)
    except UserNotFound:  # removed or suspended since
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


async def get_public_keys(request: GetPublicKeys, service: Service) -> PublicKeys:
    return PublicKeys(keys=[service.access_tokens.public_key])
