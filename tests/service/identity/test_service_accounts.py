"""Service accounts: programs whose tokens grant what they say, until they end."""

from hashlib import sha256
from uuid import UUID

import pytest

from services.gateway.auth import ServiceToken as ReadToken
from services.identity.main import IdentityApplication
from shared.contracts.identity.invitations import CREATE_INVITATION, CreateInvitation
from shared.contracts.identity.members import (
    CHANGE_MEMBER,
    LIST_MEMBERS,
    REMOVE_MEMBER,
    ChangeMember,
    ListMembers,
    MemberNotFound,
    RemoveMember,
)
from shared.contracts.identity.service_accounts import (
    AUTHORIZE_TOKEN,
    CREATE_SERVICE_ACCOUNT,
    CREATE_SERVICE_TOKEN,
    DELETE_SERVICE_ACCOUNT,
    GET_SERVICE_ACCOUNT,
    LIST_SERVICE_ACCOUNTS,
    LIST_SERVICE_TOKENS,
    REVOKE_SERVICE_TOKEN,
    ROTATE_SERVICE_TOKEN,
    AuthorizeToken,
    CreateServiceAccount,
    CreateServiceToken,
    DeleteServiceAccount,
    GetServiceAccount,
    ListServiceAccounts,
    ListServiceTokens,
    RevokeServiceToken,
    RotateServiceToken,
    ServiceAccount,
    ServiceAccountNotFound,
    ServiceTokenMade,
    ServiceTokenNotFound,
)
from shared.contracts.identity.sessions import LOG_IN, CredentialsAreWrong, LogIn, TokenIsNotValid
from shared.contracts.identity.users import GET_ME, GetMe, GrantExceedsYours
from shared.contracts.identity.workspaces import (
    CREATE_WORKSPACE,
    SWITCH_WORKSPACE,
    CreateWorkspace,
    NotForServiceAccounts,
    SwitchWorkspace,
)
from shared.contracts.permissions import Permission, as_bits
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import PermissionIsMissing
from shared.identifiers import new_id
from shared.messaging.caller import Caller
from tests.service.identity.conftest import Admin, AuthorizeSession, Register
from tests.service.identity.test_invitations import lab_of

READ, SEND = Permission.MESSAGE_READ, Permission.MESSAGE_SEND


async def account_of(call: Caller, by: Principal, name: str = "Support bot") -> ServiceAccount:
    return await call(CREATE_SERVICE_ACCOUNT, CreateServiceAccount(name=name), by)


async def token_of(call: Caller, by: Principal, account_id: UUID, *scopes: Permission, days: int | None = None) -> ServiceTokenMade:
    request = CreateServiceToken(account_id=account_id, name="main", scopes=list(scopes), expires_in_days=days)
    return await call(CREATE_SERVICE_TOKEN, request, by)


async def use(call: Caller, token: str, permission: Permission = READ) -> Principal:
    """As the gateway asks: with the id and the hash."""
    read = ReadToken.read(token.encode())
    assert read is not None
    return await call(AUTHORIZE_TOKEN, AuthorizeToken(token_id=read.token_id, token_hash=read.hash, permission=permission), None)


@pytest.fixture
def nothing() -> UUID:
    return new_id()


async def test_a_token_grants_its_scopes_and_nothing_else(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    admin = await authorize(await register("ada@example.org"))
    account = await account_of(call, admin)
    made = await token_of(call, admin, account.id, READ, SEND)
    assert await use(call, made.token) == Principal(
        user_id=account.id,
        session_id=made.id,
        workspace_id=admin.workspace_id,
        role=Role.SYSTEM,
        name="Support bot",
        grants=as_bits([READ, SEND]),
    )
    with pytest.raises(PermissionIsMissing):
        await use(call, made.token, Permission.ROOM_READ)
    me = await call(GET_ME, GetMe(), await use(call, made.token))
    assert (me.id, me.role, set(me.permissions)) == (account.id, Role.SYSTEM, {READ, SEND})


async def test_what_is_no_token_any_more_is_not_valid(
    register: Register, authorize: AuthorizeSession, call: Caller, database: Admin
) -> None:
    admin = await authorize(await register("ada@example.org"))
    account = await account_of(call, admin)
    good, revoked, expired = [await token_of(call, admin, account.id, READ, days=1) for _ in range(3)]
    for _ in range(2):
        await call(REVOKE_SERVICE_TOKEN, RevokeServiceToken(account_id=account.id, token_id=revoked.id), admin)
    await database.execute("UPDATE service_tokens SET expires_at = now() WHERE id = $1", expired.id)
    wrong = AuthorizeToken(token_id=good.id, token_hash=sha256(b"guess").hexdigest(), permission=READ)
    unknown = AuthorizeToken(token_id=new_id(), token_hash=sha256(good.token.encode()).hexdigest(), permission=READ)
    for attempt in (
        use(call, revoked.token),
        use(call, expired.token),
        call(AUTHORIZE_TOKEN, wrong, None),
        call(AUTHORIZE_TOKEN, unknown, None),
    ):
        with pytest.raises(TokenIsNotValid):
            await attempt
    assert await use(call, good.token)


async def test_a_deleted_accounts_tokens_end_with_it(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    admin = await authorize(await register("ada@example.org"))
    account = await account_of(call, admin)
    made = await token_of(call, admin, account.id, READ)
    for _ in range(2):
        await call(DELETE_SERVICE_ACCOUNT, DeleteServiceAccount(account_id=account.id), admin)
    with pytest.raises(TokenIsNotValid):
        await use(call, made.token)
    with pytest.raises(ServiceAccountNotFound):
        await call(GET_SERVICE_ACCOUNT, GetServiceAccount(account_id=account.id), admin)
    with pytest.raises(ServiceAccountNotFound):
        await token_of(call, admin, account.id, READ)


async def test_a_rotated_token_has_the_same_scopes_and_the_old_one_ends(
    register: Register, authorize: AuthorizeSession, call: Caller
) -> None:
    admin = await authorize(await register("ada@example.org"))
    account = await account_of(call, admin)
    old = await token_of(call, admin, account.id, READ, days=7)
    new = await call(ROTATE_SERVICE_TOKEN, RotateServiceToken(account_id=account.id, token_id=old.id), admin)
    assert (new.id, new.scopes, new.token != old.token) == (old.id, old.scopes, True)
    assert new.expires_at is not None
    assert new.expires_at - new.issued_at == (old.expires_at or new.issued_at) - old.issued_at
    assert await use(call, new.token)
    with pytest.raises(TokenIsNotValid):
        await use(call, old.token)


async def test_nobody_gives_a_program_more_than_they_have(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    admin = await authorize(await register("ada@example.org"))
    account = await account_of(call, admin)
    strong = await token_of(call, admin, account.id, Permission.AUDIT_READ)
    clerk = admin.model_copy(update={"grants": as_bits([Permission.SERVICE_MANAGE, READ])})
    with pytest.raises(GrantExceedsYours):
        await token_of(call, clerk, account.id, SEND)
    with pytest.raises(GrantExceedsYours):
        await call(ROTATE_SERVICE_TOKEN, RotateServiceToken(account_id=account.id, token_id=strong.id), clerk)
    assert await use(call, (await token_of(call, clerk, account.id, READ)).token)


async def test_a_program_may_be_let_to_post_for_contacts(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    admin = await authorize(await register("ada@example.org"))
    assert not admin.may(Permission.MESSAGE_FOR_CONTACT)
    made = await token_of(call, admin, (await account_of(call, admin)).id, Permission.MESSAGE_FOR_CONTACT)
    assert (await use(call, made.token, Permission.MESSAGE_FOR_CONTACT)).may(Permission.MESSAGE_FOR_CONTACT)


async def test_a_program_stays_in_its_workspace(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    admin = await authorize(await register("ada@example.org"))
    made = await token_of(call, admin, (await account_of(call, admin)).id, READ, Permission.SPACE_CREATE)
    program = await use(call, made.token)
    with pytest.raises(NotForServiceAccounts):
        await call(CREATE_WORKSPACE, CreateWorkspace(name="Mine"), program)
    with pytest.raises(NotForServiceAccounts):
        await call(SWITCH_WORKSPACE, SwitchWorkspace(workspace_id=admin.workspace_id), program)


async def test_a_program_is_no_member_among_people(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    admin = await authorize(await register("ada@example.org"))
    account = await account_of(call, admin)
    listed = await call(LIST_MEMBERS, ListMembers(workspace_id=admin.workspace_id), admin)
    assert [member.user_id for member in listed.members] == [admin.user_id]
    for attempt in (
        call(CHANGE_MEMBER, ChangeMember(workspace_id=admin.workspace_id, user_id=account.id, role="admin"), admin),
        call(REMOVE_MEMBER, RemoveMember(workspace_id=admin.workspace_id, user_id=account.id), admin),
    ):
        with pytest.raises(MemberNotFound):
            await attempt


async def test_nobody_signs_in_as_a_program(register: Register, authorize: AuthorizeSession, call: Caller, database: Admin) -> None:
    admin = await authorize(await register("ada@example.org"))
    account = await account_of(call, admin)
    email = await database.fetchval("SELECT email FROM users WHERE id = $1", account.id)
    for password in (email, "password", "!"):
        with pytest.raises(CredentialsAreWrong):
            await call(LOG_IN, LogIn.model_validate({"email": email, "password": password}), None)


async def test_service_accounts_of_another_workspace_are_none(
    register: Register, authorize: AuthorizeSession, call: Caller, nothing: UUID
) -> None:
    admin = await authorize(await register("ada@example.org"))
    account = await account_of(call, admin)
    made = await token_of(call, admin, account.id, READ)
    other = await account_of(call, admin, "Other")
    elsewhere = await lab_of(call, admin)
    assert (await call(LIST_SERVICE_ACCOUNTS, ListServiceAccounts(), elsewhere)).service_accounts == []
    for attempt in (
        call(GET_SERVICE_ACCOUNT, GetServiceAccount(account_id=account.id), elsewhere),
        call(DELETE_SERVICE_ACCOUNT, DeleteServiceAccount(account_id=account.id), elsewhere),
        call(LIST_SERVICE_TOKENS, ListServiceTokens(account_id=account.id), elsewhere),
        token_of(call, elsewhere, account.id, READ),
    ):
        with pytest.raises(ServiceAccountNotFound):
            await attempt
    for by, account_id in ((elsewhere, account.id), (admin, other.id), (admin, nothing)):
        with pytest.raises(ServiceTokenNotFound):
            await call(ROTATE_SERVICE_TOKEN, RotateServiceToken(account_id=account_id, token_id=made.id), by)
        with pytest.raises(ServiceTokenNotFound):
            await call(REVOKE_SERVICE_TOKEN, RevokeServiceToken(account_id=account_id, token_id=made.id), by)
    assert await use(call, made.token)


async def test_use_is_written_down_once_a_minute(
    register: Register, authorize: AuthorizeSession, call: Caller, database: Admin, identity: IdentityApplication
) -> None:
    admin = await authorize(await register("ada@example.org"))
    account = await account_of(call, admin)
    made = await token_of(call, admin, account.id, READ)
    assert made.last_used_at is None

    async def last_use() -> object:
        await use(call, made.token)
        await identity._last_seen.write()
        return (await call(LIST_SERVICE_TOKENS, ListServiceTokens(account_id=account.id), admin)).tokens[0].last_used_at

    first = await last_use()
    assert first is not None
    assert await database.fetchval("SELECT last_seen_at FROM users WHERE id = $1", account.id) is not None
    assert await last_use() == first
    await database.execute("UPDATE service_tokens SET last_used_at = now() - interval '61 seconds'")
    assert await last_use() not in (None, first)


async def test_the_token_itself_is_kept_nowhere(register: Register, authorize: AuthorizeSession, call: Caller, database: Admin) -> None:
    admin = await authorize(await register("ada@example.org"))
    made = await token_of(call, admin, (await account_of(call, admin)).id, READ)
    for table in ("service_tokens", "outbox", "audit_log"):
        assert not [row for row in await database.fetch(f"SELECT t::text AS kept FROM {table} t") if made.token in row["kept"]], table


async def test_a_program_that_invites_is_in_the_log_as_itself(
    register: Register, authorize: AuthorizeSession, call: Caller, database: Admin
) -> None:
    admin = await authorize(await register("ada@example.org"))
    scopes = [one for one in Permission if admin.may(one)]
    program = await use(call, (await token_of(call, admin, (await account_of(call, admin)).id, *scopes)).token)
    await call(CREATE_INVITATION, CreateInvitation(workspace_id=admin.workspace_id), program)
    actor = await database.fetchval("SELECT actor_id FROM audit_log WHERE action = 'workspace:member:invite'")
    assert actor == program.user_id
