"""Mailed links and passwords: each link for one use, each new password the end of other sessions."""

import asyncio

import pytest
from pydantic import SecretStr

from services.identity.main import IdentityApplication
from services.identity.tokens import MailedToken
from shared.contracts.identity.accounts import (
    CHANGE_PASSWORD,
    MAKE_LINK,
    REQUEST_RESET,
    RESET_PASSWORD,
    VERIFY_EMAIL,
    ChangePassword,
    EmailVerified,
    LinkIsSpent,
    MailedLink,
    MakeLink,
    PasswordIsWrong,
    Purpose,
    RequestReset,
    ResetPassword,
    VerifyEmail,
)
from shared.contracts.identity.sessions import LOG_IN, CredentialsAreWrong, LogIn, Origin, SessionEnded, SessionHasEnded, SignedIn
from shared.contracts.identity.users import AccountStatus, SignInIsThrottled, UserNotFound
from shared.contracts.principal import Principal
from shared.messaging.caller import Caller
from tests.servers import Servers
from tests.service.identity.conftest import Admin, AuthorizeSession, Register, running_identity

ADA, OLD, NEW = "ada@example.org", SecretStr("correct horse"), SecretStr("battery staple")


async def link(operator: Caller, purpose: Purpose, email: str = ADA) -> MailedLink:
    return await operator(MAKE_LINK, MakeLink(email=email, purpose=purpose), None)


async def verify(call: Caller, token: str, caller: Principal) -> None:
    await call(VERIFY_EMAIL, VerifyEmail(token=SecretStr(token)), caller)


async def reset(call: Caller, token: str, password: SecretStr = NEW) -> None:
    await call(RESET_PASSWORD, ResetPassword(token=SecretStr(token), password=password), None)


async def log_in(call: Caller, password: SecretStr, **origin: object) -> SignedIn:
    return await call(LOG_IN, LogIn(email=ADA, password=password, origin=Origin.model_validate(origin)), None)


async def ended(database: Admin) -> list[str]:
    rows = await database.fetch("SELECT data FROM outbox WHERE subject LIKE 'event.identity.session_ended.%' ORDER BY id")
    return [SessionEnded.model_validate_json(row["data"]).reason for row in rows]


async def test_a_link_verifies_the_email_once(
    register: Register, call: Caller, operator: Caller, database: Admin, authorize: AuthorizeSession
) -> None:
    ada = await register(ADA)
    caller = await authorize(ada)
    made = await link(operator, "verify")
    assert made.url == f"http://127.0.0.1:8080/verify#token={made.token}"
    await verify(call, made.token, caller)
    user = (await log_in(call, OLD)).user
    assert (user.is_email_verified, user.account_status) == (True, AccountStatus.ACTIVE)
    (row,) = await database.fetch("SELECT data FROM outbox WHERE subject LIKE 'event.identity.email_verified.v1.%'")
    assert EmailVerified.model_validate_json(row["data"]).user.account_status is AccountStatus.ACTIVE
    with pytest.raises(LinkIsSpent):
        await verify(call, made.token, caller)
    assert await database.fetchval("SELECT changed_by FROM users_history") == ada.user.id
    with pytest.raises(UserNotFound):
        await link(operator, "verify")


async def test_nobody_verifies_the_email_of_another(
    register: Register, call: Caller, operator: Caller, authorize: AuthorizeSession
) -> None:
    """Whose mailbox it is may follow the link, and makes no account of a stranger's theirs by it."""
    await register(ADA)
    owner = await authorize(await register("owner@example.org"))
    made = await link(operator, "verify")
    with pytest.raises(LinkIsSpent):
        await verify(call, made.token, owner)
    ada = await log_in(call, OLD)
    assert not ada.user.is_email_verified
    await verify(call, made.token, await authorize(ada))
    assert (await log_in(call, OLD)).user.is_email_verified


async def test_of_many_uses_at_once_one_counts(register: Register, call: Caller, operator: Caller) -> None:
    await register(ADA)
    token = (await link(operator, "reset")).token
    outcomes = await asyncio.gather(*(reset(call, token, SecretStr(f"password {number}")) for number in range(8)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [LinkIsSpent] * 7


@pytest.mark.parametrize("change", ["expires_at = now()", "spent_at = now()", "purpose = 'verify'", "email = 'other@example.org'"])
async def test_a_link_that_is_not_good_any_more_does_nothing(
    register: Register, call: Caller, operator: Caller, database: Admin, change: str
) -> None:
    await register(ADA)
    token = (await link(operator, "reset")).token
    await database.execute(f"UPDATE mailed_tokens SET {change}")
    with pytest.raises(LinkIsSpent):
        await reset(call, token)
    assert (await log_in(call, OLD)).user.email == ADA


@pytest.mark.parametrize("token", ["x", "é", "A" * 43, "A" * 200])
async def test_a_token_that_is_made_up_is_spent(register: Register, authorize: AuthorizeSession, call: Caller, token: str) -> None:
    caller = await authorize(await register(ADA))
    with pytest.raises(LinkIsSpent):
        await verify(call, token, caller)
    with pytest.raises(LinkIsSpent):
        await reset(call, token)


async def test_a_reset_ends_all_sessions_and_verifies_the_email(
    register: Register, call: Caller, operator: Caller, database: Admin, authorize: AuthorizeSession
) -> None:
    first, second = await register(ADA), await log_in(call, OLD)
    earlier = (await link(operator, "reset")).token
    await reset(call, (await link(operator, "reset")).token)
    for signed_in in (first, second):
        with pytest.raises(SessionHasEnded):
            await authorize(signed_in)
    with pytest.raises(CredentialsAreWrong):
        await log_in(call, OLD)
    assert (await log_in(call, NEW)).user.is_email_verified
    with pytest.raises(LinkIsSpent):
        await reset(call, earlier)
    assert await ended(database) == ["password-reset"] * 2
    assert await database.fetchval("SELECT array_agg(DISTINCT reason) FROM users_history WHERE reason IS NOT NULL") == ["password reset"]


async def test_who_is_suspended_meanwhile_changes_no_password(
    register: Register, call: Caller, database: Admin, authorize: AuthorizeSession
) -> None:
    caller = await authorize(await register(ADA))
    await database.execute("UPDATE users SET current_account_status = 'suspended'")
    with pytest.raises(UserNotFound):
        await call(CHANGE_PASSWORD, ChangePassword(current_password=OLD, new_password=NEW), caller)
    assert await ended(database) == []


@pytest.mark.parametrize("status", ["suspended", "deactivated"])
async def test_who_may_not_sign_in_gets_no_password(
    register: Register, call: Caller, operator: Caller, database: Admin, status: str
) -> None:
    await register(ADA)
    token = (await link(operator, "reset")).token
    await database.execute("UPDATE users SET current_account_status = $1", status)
    with pytest.raises(LinkIsSpent):
        await reset(call, token)
    with pytest.raises(UserNotFound):
        await link(operator, "reset")


async def test_a_password_is_changed_by_who_knows_it_and_other_sessions_and_links_end(
    register: Register, call: Caller, operator: Caller, database: Admin, authorize: AuthorizeSession
) -> None:
    here, there = await register(ADA), await log_in(call, OLD)
    caller, earlier = await authorize(here), (await link(operator, "reset")).token
    with pytest.raises(PasswordIsWrong):
        await call(CHANGE_PASSWORD, ChangePassword(current_password=NEW, new_password=NEW), caller)
    await call(CHANGE_PASSWORD, ChangePassword(current_password=OLD, new_password=NEW), caller)
    await authorize(here)
    with pytest.raises(SessionHasEnded):
        await authorize(there)
    assert await ended(database) == ["password-changed"]
    with pytest.raises(LinkIsSpent):
        await reset(call, earlier)
    assert (await log_in(call, NEW)).user.id == here.user.id


async def test_a_reset_of_an_unknown_email_is_the_same_work_as_of_a_known_one(
    servers: Servers, database: Admin, call: Caller, authorize: AuthorizeSession
) -> None:
    """Not timed: each is one row of the same table, and nothing else is looked at or written before the answer."""
    async with running_identity(servers, smtp_url="smtp://127.0.0.1:9") as identity:
        await identity._postman.stop()  # type: ignore[union-attr]
        for email in (ADA, "nobody@example.org"):
            await call(REQUEST_RESET, RequestReset(email=email), None)
        rows = await database.fetch("SELECT kind, recipient, subject, tries, outcome FROM mail_queue ORDER BY created_at")
        assert [tuple(row) for row in rows] == [
            ("reset", ADA, "", 0, None),
            ("reset", "nobody@example.org", "", 0, None),
        ]
        assert await database.fetchval("SELECT count(*) FROM mailed_tokens") == 0


async def test_a_sign_in_hashes_once_whoever_it_is(register: Register, call: Caller, identity: IdentityApplication) -> None:
    """Unknown, known and suspended alike: the cost of a sign-in is its one hash."""
    await register(ADA)
    against: list[str | None] = []
    match = identity._passwords.match

    async def counted(password: SecretStr, hashed: str | None) -> bool:
        against.append(hashed)
        return await match(password, hashed)

    identity._passwords.match = counted  # type: ignore[method-assign]
    for email in (ADA, "nobody@example.org"):
        with pytest.raises(CredentialsAreWrong):
            await call(LOG_IN, LogIn(email=email, password=NEW), None)
    assert [hashed is None for hashed in against] == [False, True]


async def test_who_guesses_from_everywhere_locks_out_nobody_who_is_known_there(register: Register, call: Caller) -> None:
    await register(ADA)
    await log_in(call, OLD, address="192.0.2.7")
    for password in (OLD, NEW):
        with pytest.raises(SignInIsThrottled) as throttled:
            await log_in(call, password, address="198.51.100.9", crowded=True)
    assert throttled.value.retry_after == 60
    with pytest.raises(SignInIsThrottled):
        await call(LOG_IN, LogIn(email="nobody@example.org", password=OLD, origin=Origin(address="192.0.2.7", crowded=True)), None)
    with pytest.raises(CredentialsAreWrong):
        await log_in(call, NEW, address="192.0.2.7", crowded=True)
    assert (await log_in(call, OLD, address="192.0.2.7", crowded=True)).user.email == ADA
    assert (await log_in(call, OLD, address="198.51.100.9")).user.email == ADA


def test_a_link_is_found_by_its_hash_alone() -> None:
    made = MailedToken.new()
    assert MailedToken.of(made.text) == made
    assert made.text not in made.hash
    assert len(made.text) >= 43
