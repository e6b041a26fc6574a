"""Who is suspended is out at once: of a workspace by its admins, everywhere by the operator."""

import asyncio
from uuid import UUID

import pytest
from pydantic import SecretStr

from shared.contracts.identity.accounts import (
    REINSTATE_ACCOUNT,
    REINSTATE_USER,
    SUSPEND_ACCOUNT,
    SUSPEND_USER,
    NobodySuspendsThemself,
    ReinstateAccount,
    ReinstateUser,
    SuspendAccount,
    SuspendUser,
    UserReinstated,
    UserSuspended,
)
from shared.contracts.identity.members import CHANGE_MEMBER, REMOVE_MEMBER, ChangeMember, RemoveMember
from shared.contracts.identity.roles import CREATE_ROLE, CreateRole
from shared.contracts.identity.service_accounts import CREATE_SERVICE_ACCOUNT, CreateServiceAccount
from shared.contracts.identity.sessions import (
    LOG_IN,
    REFRESH_SESSION,
    CredentialsAreWrong,
    LogIn,
    RefreshSession,
    RefreshTokenIsSpent,
    SessionHasEnded,
    SignedIn,
)
from shared.contracts.identity.users import AccountStatus, UserNotFound, WorkspaceNeedsAnAdmin
from shared.contracts.principal import Role
from shared.contracts.refusals import PermissionIsMissing
from shared.contracts.roles import BUILT_IN
from shared.database.history import SYSTEM_ACTOR
from shared.identifiers import new_id
from shared.messaging.caller import Caller
from tests.service.identity.conftest import Admin, AuthorizeSession, Register

PASSWORD = SecretStr("correct horse")


async def is_out(call: Caller, authorize: AuthorizeSession, signed_in: SignedIn, email: str) -> None:
    with pytest.raises(SessionHasEnded):
        await authorize(signed_in)
    with pytest.raises(RefreshTokenIsSpent):
        await call(REFRESH_SESSION, RefreshSession(refresh_token=SecretStr(signed_in.refresh_token)), None)
    with pytest.raises(CredentialsAreWrong):
        await call(LOG_IN, LogIn(email=email, password=PASSWORD), None)


async def told(database: Admin) -> list[tuple[str, str]]:
    rows = await database.fetch("SELECT subject FROM outbox WHERE subject NOT LIKE '%user_registered%' ORDER BY id")
    return [(row["subject"].split(".")[2], row["subject"].split(".")[4]) for row in rows]


async def test_who_is_suspended_is_out_from_the_next_request_on_and_in_again_when_reinstated(
    register: Register, authorize: AuthorizeSession, call: Caller, database: Admin
) -> None:
    admin, bob = await register("ada@example.org"), await register("bob@example.org")
    caller = await authorize(admin)
    await authorize(bob)
    suspended = await call(SUSPEND_USER, SuspendUser(user_id=bob.user.id, reason="Sends spam"), caller)
    assert suspended.account_status is AccountStatus.SUSPENDED
    await is_out(call, authorize, bob, "bob@example.org")
    again = await call(SUSPEND_USER, SuspendUser(user_id=bob.user.id), caller)
    assert again == suspended
    back = await call(REINSTATE_USER, ReinstateUser(user_id=bob.user.id), caller)
    assert back.account_status is AccountStatus.PENDING_VERIFICATION
    assert (await call(LOG_IN, LogIn(email="bob@example.org", password=PASSWORD), None)).user.id == bob.user.id
    with pytest.raises(SessionHasEnded):
        await authorize(bob)
    here = str(bob.user.workspace_id)
    changes = [one for one in await told(database) if one[0] != "action_audited"]
    assert changes == [("session_ended", "_"), ("user_suspended", here), ("user_reinstated", here)]
    (row,) = await database.fetch("SELECT data FROM outbox WHERE subject LIKE '%user_suspended%'")
    assert UserSuspended.model_validate_json(row["data"]).reason == "Sends spam"
    history = await database.fetch("SELECT changed_by, reason, suspended_at FROM workspace_members_history ORDER BY history_id")
    assert [(one["changed_by"], one["reason"], one["suspended_at"] is None) for one in history] == [
        (admin.user.id, "Sends spam", True),
        (admin.user.id, None, False),
    ]


async def test_an_admin_keeps_nobody_out_of_another_workspace(
    register: Register, authorize: AuthorizeSession, call: Caller, database: Admin
) -> None:
    admin, bob, elsewhere = await register("ada@example.org"), await register("bob@example.org"), new_id()
    await database.execute("INSERT INTO workspaces (id, name) VALUES ($1, 'Elsewhere')", elsewhere)
    await database.execute("INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, 'agent')", elsewhere, bob.user.id)
    await call(SUSPEND_USER, SuspendUser(user_id=bob.user.id), await authorize(admin))
    signed_in = await call(LOG_IN, LogIn(email="bob@example.org", password=PASSWORD), None)
    assert (signed_in.user.workspace_id, signed_in.user.account_status) == (elsewhere, AccountStatus.PENDING_VERIFICATION)
    assert (await authorize(signed_in)).role is Role.AGENT
    stranger = (await authorize(admin)).model_copy(update={"workspace_id": elsewhere})
    await database.execute("UPDATE workspace_members SET user_id = $2, role = 'admin' WHERE workspace_id = $1", elsewhere, admin.user.id)
    with pytest.raises(UserNotFound):
        await call(SUSPEND_USER, SuspendUser(user_id=bob.user.id), stranger)


async def test_a_session_that_went_to_another_workspace_does_not_come_back(
    register: Register, authorize: AuthorizeSession, call: Caller, database: Admin
) -> None:
    """Its access token for the workspace lives on for minutes; what it says is asked each time."""
    admin, bob, elsewhere = await register("ada@example.org"), await register("bob@example.org"), new_id()
    await database.execute("INSERT INTO workspaces (id, name) VALUES ($1, 'Elsewhere')", elsewhere)
    await database.execute("UPDATE user_sessions SET workspace_id = $1 WHERE user_id = $2", elsewhere, bob.user.id)
    await call(SUSPEND_USER, SuspendUser(user_id=bob.user.id), await authorize(admin))
    with pytest.raises(SessionHasEnded):
        await authorize(bob)


async def test_nobody_suspends_themself_or_the_last_admin(
    register: Register, authorize: AuthorizeSession, call: Caller, database: Admin
) -> None:
    ada, bob = await register("ada@example.org"), await register("bob@example.org")
    with pytest.raises(NobodySuspendsThemself):
        await call(SUSPEND_USER, SuspendUser(user_id=ada.user.id), await authorize(ada))
    await database.execute("UPDATE workspace_members SET role = 'admin' WHERE user_id = $1", bob.user.id)
    one, other = await authorize(ada), await authorize(bob)
    outcomes = await asyncio.gather(
        call(SUSPEND_USER, SuspendUser(user_id=bob.user.id), one),
        call(SUSPEND_USER, SuspendUser(user_id=ada.user.id), other),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes].count(PermissionIsMissing) == 1, "who is suspended suspends nobody"


async def test_whoever_has_an_admins_grants_suspends_no_last_admin(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    ada, bob = await register("ada@example.org"), await register("bob@example.org")
    admin = await authorize(ada)
    await call(CREATE_ROLE, CreateRole(name="deputy", permissions=list(BUILT_IN[Role.ADMIN])), admin)
    await call(CHANGE_MEMBER, ChangeMember(workspace_id=admin.workspace_id, user_id=bob.user.id, role="deputy"), admin)
    with pytest.raises(WorkspaceNeedsAnAdmin):
        await call(SUSPEND_USER, SuspendUser(user_id=ada.user.id), await authorize(bob))


async def test_the_operator_keeps_somebody_out_everywhere(
    register: Register, authorize: AuthorizeSession, call: Caller, operator: Caller, database: Admin
) -> None:
    bob, elsewhere = await register("bob@example.org"), new_id()
    await database.execute("INSERT INTO workspaces (id, name) VALUES ($1, 'Elsewhere')", elsewhere)
    await database.execute("INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, 'agent')", elsewhere, bob.user.id)
    asked = SuspendAccount(email="Bob@example.org", reason="Stolen")
    assert (await operator(SUSPEND_ACCOUNT, asked, None)).account_status is AccountStatus.SUSPENDED
    assert (await operator(SUSPEND_ACCOUNT, asked, None)).account_status is AccountStatus.SUSPENDED
    await is_out(call, authorize, bob, "bob@example.org")
    row = await database.fetchrow("SELECT changed_by, reason FROM users_history")
    assert row is not None
    assert (str(row["changed_by"]), row["reason"]) == (SYSTEM_ACTOR, "Stolen")
    back = await operator(REINSTATE_ACCOUNT, ReinstateAccount(email="bob@example.org"), None)
    assert back.account_status is AccountStatus.PENDING_VERIFICATION
    rows = await database.fetch("SELECT data FROM outbox WHERE subject LIKE '%user_reinstated%'")
    seen = {UserReinstated.model_validate_json(row["data"]).user.workspace_id for row in rows}
    assert seen == {bob.user.workspace_id, elsewhere}
    with pytest.raises(UserNotFound):
        await operator(SUSPEND_ACCOUNT, SuspendAccount(email="nobody@example.org"), None)


async def test_the_operator_keeps_somebody_out_who_is_nowhere(
    register: Register, authorize: AuthorizeSession, call: Caller, operator: Caller, database: Admin
) -> None:
    admin, bob = await authorize(await register("ada@example.org")), await register("bob@example.org")
    await call(REMOVE_MEMBER, RemoveMember(workspace_id=admin.workspace_id, user_id=bob.user.id), admin)
    suspended = await operator(SUSPEND_ACCOUNT, SuspendAccount(email="bob@example.org", reason="Spam"), None)
    assert (suspended.id, suspended.account_status) == (bob.user.id, AccountStatus.SUSPENDED)
    back = await operator(REINSTATE_ACCOUNT, ReinstateAccount(email="bob@example.org"), None)
    assert back.account_status is AccountStatus.PENDING_VERIFICATION
    rows = await database.fetch("SELECT workspace_id, action, reason FROM audit_log WHERE actor_id = $1 ORDER BY at", UUID(SYSTEM_ACTOR))
    assert [tuple(row) for row in rows] == [
        (admin.workspace_id, "identity:user:suspend", "Spam"),
        (admin.workspace_id, "identity:user:reinstate", None),
    ]


async def test_a_program_that_is_reinstated_is_active(
    register: Register, authorize: AuthorizeSession, call: Caller, operator: Caller, database: Admin
) -> None:
    admin = await authorize(await register("ada@example.org"))
    account = await call(CREATE_SERVICE_ACCOUNT, CreateServiceAccount(name="Bot"), admin)
    email = await database.fetchval("SELECT email FROM users WHERE id = $1", account.id)
    await operator(SUSPEND_ACCOUNT, SuspendAccount(email=email), None)
    assert (await operator(REINSTATE_ACCOUNT, ReinstateAccount(email=email), None)).account_status is AccountStatus.ACTIVE
