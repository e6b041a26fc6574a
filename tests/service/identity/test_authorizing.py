"""Each request is answered by what is true then: who asks, and what they are granted."""

import asyncio

import pytest

from services.gateway.auth import ServiceToken as ReadToken
from shared.contracts.identity.service_accounts import (
    AUTHORIZE_TOKEN,
    CREATE_SERVICE_ACCOUNT,
    CREATE_SERVICE_TOKEN,
    AuthorizeToken,
    CreateServiceAccount,
    CreateServiceToken,
)
from shared.contracts.identity.sessions import (
    AUTHORIZE,
    LOG_IN,
    Authorize,
    LogIn,
    SessionHasEnded,
    SignedIn,
    TokenIsNotValid,
)
from shared.contracts.identity.workspaces import (
    CREATE_WORKSPACE,
    SWITCH_WORKSPACE,
    CreateWorkspace,
    SwitchWorkspace,
    WorkspaceNotFound,
)
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import PermissionIsMissing, Refusal
from shared.contracts.roles import built_in_grants
from shared.identifiers import new_id
from shared.messaging.caller import Caller
from tests.service.identity.conftest import Admin, AuthorizeSession, Register
from tests.service.identity.tokens import ids


async def test_a_living_session_is_its_users(register: Register, authorize: AuthorizeSession) -> None:
    signed_in = await register("ada@example.org")
    session_id, user_id, workspace_id = ids(signed_in)
    assert await authorize(signed_in) == Principal(
        user_id=user_id,
        session_id=session_id,
        workspace_id=workspace_id,
        role=Role.ADMIN,
        name="Ada",
        contact=None,
        grants=built_in_grants(Role.ADMIN),
    )


async def test_a_verified_email_alone_is_a_contact(register: Register, authorize: AuthorizeSession, database: Admin) -> None:
    signed_in = await register("ada@example.org")
    await database.execute("UPDATE users SET is_email_verified = true")
    assert (await authorize(signed_in)).contact == "ada@example.org"


async def test_a_permission_that_the_role_lacks_is_missing(register: Register, authorize: AuthorizeSession) -> None:
    admin, client = await register("ada@example.org"), await register("bob@example.org")
    assert (await authorize(admin, Permission.ROLE_ASSIGN)).role is Role.ADMIN
    with pytest.raises(PermissionIsMissing):
        await authorize(client, Permission.ROLE_ASSIGN)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE users SET current_account_status = 'suspended'",
        "UPDATE users SET current_account_status = 'deactivated'",
        "UPDATE users SET deleted_at = now()",
        "UPDATE workspace_members SET deleted_at = now()",
        "UPDATE workspace_members SET suspended_at = now()",
        "DELETE FROM workspace_members",
        "UPDATE user_sessions SET ended_at = now(), end_reason = 'signed-out'",
        "UPDATE user_sessions SET expires_at = now()",
        "DELETE FROM user_sessions",
    ],
)
async def test_what_ends_access_ends_it_for_the_next_request(
    register: Register, authorize: AuthorizeSession, database: Admin, change: str
) -> None:
    signed_in = await register("ada@example.org")
    await authorize(signed_in)
    await database.execute(change)
    with pytest.raises(SessionHasEnded):
        await authorize(signed_in)


async def test_a_session_of_another_user_or_workspace_is_none(register: Register, call: Caller) -> None:
    ada, bob = ids(await register("ada@example.org")), ids(await register("bob@example.org"))
    for session_id, user_id, workspace_id in [(ada[0], bob[1], ada[2]), (new_id(), ada[1], ada[2]), (ada[0], ada[1], new_id())]:
        asked = Authorize(session_id=session_id, user_id=user_id, workspace_id=workspace_id, permission=Permission.SELF_READ)
        with pytest.raises(SessionHasEnded):
            await call(AUTHORIZE, asked, None)


async def test_of_many_asked_at_once_each_gets_its_own_answer(register: Register, authorize: AuthorizeSession, database: Admin) -> None:
    people = [await register(f"user{number}@example.org") for number in range(9)]
    await database.execute("UPDATE user_sessions SET ended_at = now(), end_reason = 'signed-out' WHERE id = $1", ids(people[4])[0])

    async def answer(one: SignedIn, permission: Permission) -> object:
        try:
            return (await authorize(one, permission)).user_id
        except Refusal as refusal:
            return type(refusal)

    asked = [(one, permission) for permission in (Permission.SELF_READ, Permission.ROLE_ASSIGN) for one in people * 10]
    answers = await asyncio.gather(*(answer(*one) for one in asked))
    for (one, permission), got in zip(asked, answers, strict=True):
        if one is people[4]:
            assert got is SessionHasEnded
        elif permission is Permission.ROLE_ASSIGN and one is not people[0]:
            assert got is PermissionIsMissing
        else:
            assert got == one.user.id


async def test_authorizing_looks_rows_up_by_their_keys_alone(register: Register, database: Admin) -> None:
    signed_in = await register("ada@example.org")
    body = await database.fetchval("SELECT prosrc FROM pg_proc WHERE oid = 'identity.authorize'::regproc")
    for place, name in enumerate(("session_ids", "user_ids", "workspace_ids"), start=1):
        body = body.replace(name, f"${place}::uuid[]")
    await database.execute(
        "ANALYZE users, user_sessions, workspace_members, workspaces, roles; "
        "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan"
    )
    await database.execute(f"PREPARE asked AS {body}")
    arguments = ", ".join(f"ARRAY['{one}']::uuid[]" for one in ids(signed_in))
    plan = "\n".join(row[0] for row in await database.fetch(f"EXPLAIN EXECUTE asked({arguments})"))
    assert "Seq Scan" not in plan
    assert plan.count("Index Scan") == 5
    assert "(name)::text = (m.custom_role)::text" in plan, "a role is found by its whole key"


async def test_nobody_is_let_into_a_deleted_workspace(
    register: Register, authorize: AuthorizeSession, call: Caller, database: Admin
) -> None:
    ada = await register("ada@example.org")
    made = await call(CREATE_WORKSPACE, CreateWorkspace(name="Lab"), await authorize(ada))
    account = await call(CREATE_SERVICE_ACCOUNT, CreateServiceAccount(name="Bot"), await authorize(ada))
    scopes = [Permission.ROOM_READ]
    token = await call(CREATE_SERVICE_TOKEN, CreateServiceToken(account_id=account.id, name="main", scopes=scopes), await authorize(ada))
    await database.execute("UPDATE workspaces SET deleted_at = now() WHERE is_default")
    try:
        with pytest.raises(SessionHasEnded):
            await authorize(ada)
        read = ReadToken.read(token.token.encode())
        assert read is not None
        asked = AuthorizeToken(token_id=read.token_id, token_hash=read.hash, permission=Permission.ROOM_READ)
        with pytest.raises(TokenIsNotValid):
            await call(AUTHORIZE_TOKEN, asked, None)
        at_home = await call(LOG_IN, LogIn.model_validate({"email": "ada@example.org", "password": "correct horse"}), None)
        assert at_home.user.workspace_id == made.id
        with pytest.raises(WorkspaceNotFound):
            await call(SWITCH_WORKSPACE, SwitchWorkspace(workspace_id=ada.user.workspace_id), await authorize(at_home))
    finally:
        await database.execute("UPDATE workspaces SET deleted_at = NULL")
