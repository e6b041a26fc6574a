"""Accounts: who gets which role, and who gets none."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import asyncpg
import pytest
from pydantic import SecretStr

from services.identity.main import IdentityApplication
from shared.contracts.identity.sessions import LOG_IN, REGISTER_USER, LogIn, RegisterUser, RegistrationIsClosed, SignedIn
from shared.contracts.identity.users import (
    CREATE_USER,
    GET_ME,
    AccountStatus,
    AccountType,
    CreateUser,
    EmailIsTaken,
    GetMe,
    Myself,
    User,
    UserRegistered,
)
from shared.contracts.permissions import from_bits
from shared.contracts.principal import Role
from shared.contracts.refusals import RequestIsInvalid
from shared.contracts.roles import built_in_grants
from shared.credentials import background_role, database_role
from shared.database.connections import as_role
from shared.messaging.caller import Caller
from tests.servers import Servers
from tests.service.identity.conftest import Admin, AuthorizeSession, Register, running_identity
from tests.service.identity.tokens import ids

PASSWORD = SecretStr("correct horse")


async def all_of(*registrations: "asyncio.Future[SignedIn]") -> tuple[list[SignedIn], Sequence[BaseException]]:
    outcomes = await asyncio.gather(*registrations, return_exceptions=True)
    return [one for one in outcomes if isinstance(one, SignedIn)], [one for one in outcomes if isinstance(one, BaseException)]


async def test_the_first_user_is_the_admin_and_the_next_a_client(register: Register) -> None:
    first, second = await register("ada@example.org"), await register("bob@example.org")
    assert [first.user.role, second.user.role] == [Role.ADMIN, Role.CLIENT]


async def test_of_many_first_users_at_once_one_is_the_admin(register: Register) -> None:
    made = await asyncio.gather(*(register(f"user{number}@example.org") for number in range(12)))
    assert sorted(one.user.role for one in made) == [Role.ADMIN] + [Role.CLIENT] * 11


async def test_of_many_with_one_email_at_once_one_registers(register: Register, database: Admin) -> None:
    made, refused = await all_of(*(asyncio.ensure_future(register("ada@example.org")) for _ in range(8)))
    assert len(made) == 1
    assert [type(one) for one in refused] == [EmailIsTaken] * 7
    assert await database.fetchval("SELECT count(*) FROM outbox") == 1


async def test_an_email_is_taken_however_it_is_written(register: Register) -> None:
    await register("Ada@Example.org")
    with pytest.raises(EmailIsTaken):
        await register("ADA@example.ORG")


async def test_a_new_user_is_told_all_of_themself(register: Register) -> None:
    made = (await register("Ada.Lovelace@example.org")).user
    assert made == Myself(
        id=made.id,
        email="ada.lovelace@example.org",
        username="ada.lovelace",
        name="Ada.Lovelace",
        display_name=None,
        avatar_url=None,
        role=Role.ADMIN,
        workspace_id=made.workspace_id,
        account_status=AccountStatus.PENDING_VERIFICATION,
        is_email_verified=False,
        current_status="offline",
        last_seen_at=made.last_seen_at,
        first_name="Ada.Lovelace",
        last_name="",
        account_type=AccountType.GUEST,
        preferences={},
        role_name="admin",
        permissions=[permission.value for permission in from_bits(built_in_grants(Role.ADMIN))],
    )
    assert made.id.version == made.workspace_id.version == 7


async def test_usernames_are_unique_where_emails_alike_meet(register: Register) -> None:
    made = [await register(f"ada@{number}.example.org") for number in range(11)]
    names = [one.user.username for one in made]
    assert names[:3] == ["ada", "ada.2", "ada.3"]
    assert len(set(names)) == 11


async def test_a_name_becomes_first_and_last_name(identity: IdentityApplication, call: Caller, database: Admin) -> None:
    await call(REGISTER_USER, RegisterUser(email="ada@example.org", password=PASSWORD, name="  Ada King Lovelace "), None)
    row = await database.fetchrow("SELECT name, first_name, last_name FROM users")
    assert row is not None
    assert tuple(row) == ("Ada King Lovelace", "Ada", "King Lovelace")


async def test_what_is_wrong_with_a_registration_is_named(identity: IdentityApplication, call: Caller) -> None:
    request = RegisterUser.model_construct(email="ada at example", password=SecretStr("short"), name=" ")
    with pytest.raises(RequestIsInvalid) as refusal:
        await call(REGISTER_USER, request, None)
    assert [(error.field, error.code) for error in refusal.value.errors] == [
        ("email", "invalid"),
        ("password", "too_short"),
        ("name", "too_short"),
    ]


async def test_passwords_are_kept_as_argon2id_alone(register: Register, database: Admin) -> None:
    await register("ada@example.org")
    assert (await database.fetchval("SELECT password_hash FROM users")).startswith("$argon2id$")


async def test_a_closed_installation_takes_the_operators_accounts_alone(
    servers: Servers, database: Admin, call: Caller, operator: Caller
) -> None:
    async with running_identity(servers, registration="closed"):
        with pytest.raises(RegistrationIsClosed):
            await call(REGISTER_USER, RegisterUser(email="ada@example.org", password=PASSWORD, name="Ada"), None)
        request = CreateUser(email="ada@example.org", password=PASSWORD, name="Ada", role=Role.AGENT)
        made = await operator(CREATE_USER, request, None)
        assert (made.role, made.is_email_verified, made.account_status) == (Role.AGENT, True, AccountStatus.ACTIVE)
        assert (await call(LOG_IN, LogIn(email="ada@example.org", password=PASSWORD), None)).user.id == made.id
        with pytest.raises(EmailIsTaken):
            await operator(CREATE_USER, request, None)


async def test_an_account_is_said_once(register: Register, database: Admin) -> None:
    made = (await register("ada@example.org")).user
    row = await database.fetchrow("SELECT workspace_id, subject, data FROM outbox")
    assert row is not None
    assert row["subject"] == f"event.identity.user_registered.v1.{made.workspace_id}.{made.id}"
    user = User.model_validate(made.model_dump())
    assert UserRegistered.model_validate_json(row["data"]) == UserRegistered(entity_id=made.id, version=1, user=user)


async def test_one_sees_ones_own_account(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    signed_in = await register("ada@example.org")
    assert await call(GET_ME, GetMe(), await authorize(signed_in)) == signed_in.user


async def test_without_a_workspace_no_member_and_no_workspace_is_seen(servers: Servers, register: Register) -> None:
    _, user, workspace = ids(await register("ada@example.org"))
    role = database_role("identity")
    connection = await asyncpg.connect(as_role(servers.postgres_url, role, servers.credentials.postgres[role]))
    try:
        count = "SELECT (SELECT count(*) FROM identity.workspace_members), (SELECT count(*) FROM identity.workspaces)"

        async def seen_in(workspace_id: UUID | str) -> tuple[int, int]:
            async with connection.transaction():
                await connection.execute("SELECT set_config('app.workspace', $1, true)", str(workspace_id))
                return tuple(await connection.fetchrow(count))  # type: ignore[arg-type]

        assert tuple(await connection.fetchrow(count)) == (0, 0)  # type: ignore[arg-type]
        assert await seen_in(workspace) == (1, 1)
        assert await seen_in(user) == (0, 0)
        assert await seen_in("") == (0, 0)
    finally:
        await connection.close()


async def test_signing_keys_are_read_by_the_service_alone(servers: Servers, identity: IdentityApplication) -> None:
    role = background_role("identity")
    connection = await asyncpg.connect(as_role(servers.postgres_url, role, servers.credentials.postgres[role]))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT key FROM identity.signing_keys")
    finally:
        await connection.close()
