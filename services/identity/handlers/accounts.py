"""Emails that are verified, passwords that are set, people who are suspended."""

import structlog

from services.identity.repository.users import Credentials
from services.identity.service import Service
from services.identity.tokens import MailedToken
from shared.contracts.identity.accounts import (
    Account,
    ChangePassword,
    MailedLink,
    MakeLink,
    NobodySuspendsThemself,
    PasswordIsWrong,
    ReinstateAccount,
    ReinstateUser,
    RequestReset,
    RequestVerification,
    ResetPassword,
    SuspendAccount,
    SuspendUser,
    VerifyEmail,
)
from shared.contracts.identity.users import User, UserNotFound
from shared.contracts.model import Nothing
from shared.contracts.principal import Principal

log = structlog.get_logger()


async def verify_email(request: VerifyEmail, caller: Principal, service: Service) -> Nothing:
    """By who made the account and has the mailbox: whoever registered with somebody else's email is not that somebody."""
    await service.accounts.verify(caller.user_id, MailedToken.of(request.token.get_secret_value()).hash)
    log.info("email_verified", userId=str(caller.user_id))
    return Nothing()


async def request_verification(request: RequestVerification, caller: Principal, service: Service) -> Nothing:
    await service.accounts.ask_to_verify(caller.user_id)
    return Nothing()


async def request_reset(request: RequestReset, service: Service) -> Nothing:
    """One insert, whoever it is: whether the email has an account is found out by whoever sends the mail."""
    await service.accounts.offer_reset(request.email)
    return Nothing()


async def reset_password(request: ResetPassword, service: Service) -> Nothing:
    token = MailedToken.of(request.token.get_secret_value())
    user_id = await service.accounts.owner_of_reset(token.hash)
    await service.accounts.reset(user_id, token.hash, await service.passwords.hash(request.password))
    log.info("password_reset", userId=str(user_id))
    return Nothing()


async def change_password(request: ChangePassword, caller: Principal, service: Service) -> Nothing:
    known = await service.accounts.password_hash_of(caller.user_id)
    if not await service.passwords.match(request.current_password, known):
        raise PasswordIsWrong
    password_hash = await service.passwords.hash(request.new_password)
    await service.accounts.change_password(caller.user_id, password_hash, keep_session=caller.session_id)
    log.info("password_changed", userId=str(caller.user_id))
    return Nothing()


async def suspend_user(request: SuspendUser, caller: Principal, service: Service) -> User:
    if request.user_id == caller.user_id:
        raise NobodySuspendsThemself
    user = await service.suspensions.suspend(caller, request.user_id, request.reason)
    log.info("user_suspended", userId=str(user.id), by=str(caller.user_id))
    return user


async def reinstate_user(request: ReinstateUser, caller: Principal, service: Service) -> User:
    user = await service.suspensions.reinstate(caller, request.user_id, request.reason)
    log.info("user_reinstated", userId=str(user.id), by=str(caller.user_id))
    return user


async def suspend_account(request: SuspendAccount, service: Service) -> Account:
    known = await _account(request.email, service)
    account = await service.suspensions.suspend_account(known.user_id, request.reason)
    log.info("user_suspended", userId=str(account.id), by="operator")
    return account


async def reinstate_account(request: ReinstateAccount, service: Service) -> Account:
    known = await _account(request.email, service)
    account = await service.suspensions.reinstate_account(known.user_id, request.reason)
    log.info("user_reinstated", userId=str(account.id), by="operator")
    return account


async def make_link(request: MakeLink, service: Service) -> MailedLink:
    known = await _account(request.email, service)
    token = MailedToken.new()
    expires_at = await service.secrets.make(request.purpose, request.email, token)
    if expires_at is None:
        raise UserNotFound
    home = known.home or service.workspace_id
    await service.audit.note_operator(home, "identity:user:make-link", known.user_id, {"purpose": request.purpose})
    log.info("link_made", userId=str(known.user_id), purpose=request.purpose, by="operator")
    url = service.links.to(request.purpose, token.text)
    return MailedLink(email=request.email, purpose=request.purpose, url=url, token=token.text, expires_at=expires_at)


async def _account(email: str, service: Service) -> Credentials:
    known = await service.users.credentials(email)
    if known is None:
        raise UserNotFound
    return known
