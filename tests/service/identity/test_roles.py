"""Roles: who has which, and who cannot lose it."""

import asyncio

import pytest

from shared.contracts.identity.users import (
    ASSIGN_ROLE,
    LIST_USERS,
    SET_ROLE,
    AssignRole,
    ListUsers,
    SetRole,
    User,
    UserNotFound,
    UserRoleChanged,
    WorkspaceNeedsAnAdmin,
)
from shared.contracts.principal import Role
from shared.contracts.refusals import CursorIsNotValid, RequestIsInvalid
from shared.identifiers import new_id
from shared.messaging.caller import Caller
from tests.service.identity.conftest import Admin, AuthorizeSession, Register
from tests.service.identity.test_invitations import lab_of
from tests.service.identity.tokens import as_others_see


async def test_a_role_counts_from_the_next_request_on(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    ada, bob = await register("ada@example.org"), await register("bob@example.org")
    changed = await call(SET_ROLE, SetRole(user_id=bob.user.id, role=Role.AGENT), await authorize(ada))
    assert changed == as_others_see(bob.user).model_copy(update={"role": Role.AGENT})
    assert (await authorize(bob)).role is Role.AGENT


async def test_a_changed_role_is_said_once(register: Register, authorize: AuthorizeSession, call: Caller, database: Admin) -> None:
    ada, bob = await register("ada@example.org"), await register("bob@example.org")
    caller = await authorize(ada)
    for _ in range(2):
        changed = await call(SET_ROLE, SetRole(user_id=bob.user.id, role=Role.AGENT), caller)
    subject = f"event.identity.user_role_changed.v1.{ada.user.workspace_id}.{bob.user.id}"
    rows = await database.fetch("SELECT data FROM outbox WHERE subject = $1", subject)
    assert [UserRoleChanged.model_validate_json(row["data"]) for row in rows] == [
        UserRoleChanged(entity_id=bob.user.id, version=2, user=changed)
    ]


async def test_an_unknown_user_has_no_role(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    caller = await authorize(await register("ada@example.org"))
    with pytest.raises(UserNotFound):
        await call(SET_ROLE, SetRole(user_id=new_id(), role=Role.AGENT), caller)
    lab = await lab_of(call, caller)
    bob = await register("bob@example.org")
    with pytest.raises(UserNotFound):
        await call(SET_ROLE, SetRole(user_id=bob.user.id, role=Role.AGENT), lab)


async def test_system_is_nobodys_role(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    caller = await authorize(await register("ada@example.org"))
    request = SetRole.model_construct(user_id=caller.user_id, role=Role.SYSTEM)  # type: ignore[arg-type]
    with pytest.raises(RequestIsInvalid):
        await call(SET_ROLE, request, caller)


async def test_the_last_admin_stays_one(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    caller = await authorize(await register("ada@example.org"))
    with pytest.raises(WorkspaceNeedsAnAdmin):
        await call(SET_ROLE, SetRole(user_id=caller.user_id, role=Role.CLIENT), caller)
    assert (await call(SET_ROLE, SetRole(user_id=caller.user_id, role=Role.ADMIN), caller)).role is Role.ADMIN


async def test_an_admin_who_may_not_sign_in_does_not_count(
    register: Register, authorize: AuthorizeSession, call: Caller, database: Admin
) -> None:
    caller, bob = await authorize(await register("ada@example.org")), await register("bob@example.org")
    await call(SET_ROLE, SetRole(user_id=bob.user.id, role=Role.ADMIN), caller)
    await database.execute("UPDATE users SET current_account_status = 'suspended' WHERE id = $1", bob.user.id)
    with pytest.raises(WorkspaceNeedsAnAdmin):
        await call(SET_ROLE, SetRole(user_id=caller.user_id, role=Role.CLIENT), caller)


async def test_of_the_last_two_admins_who_step_down_at_once_one_stays(
    register: Register, authorize: AuthorizeSession, call: Caller, database: Admin
) -> None:
    caller, bob = await authorize(await register("ada@example.org")), await register("bob@example.org")
    await call(SET_ROLE, SetRole(user_id=bob.user.id, role=Role.ADMIN), caller)
    outcomes = await asyncio.gather(
        *(call(SET_ROLE, SetRole(user_id=one.user_id, role=Role.CLIENT), one) for one in (caller, await authorize(bob))),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in outcomes) == ["User", "WorkspaceNeedsAnAdmin"]
    assert await database.fetchval("SELECT count(*) FROM workspace_members WHERE role = 'admin'") == 1


async def test_the_operator_assigns_roles_by_email(register: Register, operator: Caller) -> None:
    await register("ada@example.org")
    bob = await register("bob@example.org")
    changed = await operator(ASSIGN_ROLE, AssignRole(email="Bob@Example.org", role=Role.PRODUCT_OWNER), None)
    assert changed == as_others_see(bob.user).model_copy(update={"role": Role.PRODUCT_OWNER})
    with pytest.raises(UserNotFound):
        await operator(ASSIGN_ROLE, AssignRole(email="nobody@example.org", role=Role.AGENT), None)
    with pytest.raises(WorkspaceNeedsAnAdmin):
        await operator(ASSIGN_ROLE, AssignRole(email="ada@example.org", role=Role.AGENT), None)


async def test_the_operator_lists_users_by_email(register: Register, operator: Caller) -> None:
    people = {name: as_others_see((await register(f"{name}@example.org")).user) for name in ("cleo", "ada", "bob")}
    first = await operator(LIST_USERS, ListUsers(limit=2), None)
    assert (first.users, first.has_more) == ([people["ada"], people["bob"]], True)
    second = await operator(LIST_USERS, ListUsers(limit=2, cursor=first.next_cursor), None)
    assert (second.users, second.has_more, second.next_cursor) == ([people["cleo"]], False, None)
    for cursor in ("nonsense", (first.next_cursor or "")[:-2]):
        with pytest.raises(CursorIsNotValid):
            await operator(LIST_USERS, ListUsers(cursor=cursor), None)


def test_a_user_is_shown_without_their_password() -> None:
    assert not [name for name in User.model_fields if "password" in name]
