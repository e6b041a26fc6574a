"""Roles that a workspace makes itself: what they grant holds from the next request on, and nobody grants more than they have."""

import asyncio

import pytest

from shared.contracts.identity.members import CHANGE_MEMBER, ChangeMember, RoleIsNotUsable
from shared.contracts.identity.roles import (
    CHANGE_ROLE,
    CREATE_ROLE,
    DELETE_ROLE,
    GET_ROLE,
    LIST_PERMISSIONS,
    LIST_ROLES,
    ChangeRole,
    CreateRole,
    DeleteRole,
    GetRole,
    ListPermissions,
    ListRoles,
    RoleIsBuiltIn,
    RoleIsInUse,
    RoleNameIsTaken,
    RoleNotFound,
)
from shared.contracts.identity.sessions import SignedIn
from shared.contracts.identity.users import GET_ME, SET_ROLE, GetMe, GrantExceedsYours, SetRole, WorkspaceNeedsAnAdmin
from shared.contracts.permissions import Permission, as_bits
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import PermissionIsMissing
from shared.contracts.roles import BUILT_IN
from shared.messaging.caller import Caller
from tests.service.identity.conftest import Admin, AuthorizeSession, Register
from tests.service.identity.test_invitations import lab_of

OF_SPEC_2 = {
    "chat:room": "Chat room management permissions",
    "chat:message": "Message sending and viewing permissions",
    "chat:robot": "Robot interaction permissions",
    "chat:file": "File upload and sharing permissions",
    "chat:escalation": "Escalation management permissions",
    "supervisor:chat": "Supervisor monitoring permissions",
}
EVERYBODYS = [Permission.SELF_READ, Permission.SELF_UPDATE, Permission.SPACE_READ]


async def make(call: Caller, by: Principal, name: str, *permissions: Permission, base: Role = Role.CLIENT) -> None:
    await call(CREATE_ROLE, CreateRole(name=name, base_role=base, permissions=list(permissions)), by)


async def give(call: Caller, by: Principal, signed_in: SignedIn, role: str) -> None:
    await call(CHANGE_MEMBER, ChangeMember(workspace_id=by.workspace_id, user_id=signed_in.user.id, role=role), by)


async def test_a_role_grants_what_it_says_and_everybodys_own_account(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    admin, bob = await authorize(await register("ada@example.org")), await register("bob@example.org")
    await make(call, admin, "auditor", Permission.AUDIT_READ, base=Role.AGENT)
    await give(call, admin, bob, "auditor")
    principal = await authorize(bob, Permission.AUDIT_READ)
    assert (principal.role, principal.grants) == (Role.AGENT, as_bits([Permission.AUDIT_READ, *EVERYBODYS]))
    me = await call(GET_ME, GetMe(), principal)
    assert (me.role, me.role_name, set(me.permissions)) == (Role.AGENT, "auditor", {Permission.AUDIT_READ, *EVERYBODYS})
    with pytest.raises(PermissionIsMissing):
        await authorize(bob, Permission.ROOM_READ)


async def test_a_changed_grant_holds_from_the_next_request_on(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    admin, bob = await authorize(await register("ada@example.org")), await register("bob@example.org")
    await make(call, admin, "auditor", Permission.AUDIT_READ)
    await give(call, admin, bob, "auditor")
    await call(CHANGE_ROLE, ChangeRole(name="auditor", permissions=[Permission.ROOM_READ]), admin)
    assert await authorize(bob, Permission.ROOM_READ)
    with pytest.raises(PermissionIsMissing):
        await authorize(bob, Permission.AUDIT_READ)


async def test_a_name_that_is_there_is_taken(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    admin = await authorize(await register("ada@example.org"))
    await make(call, admin, "auditor", Permission.AUDIT_READ)
    for name in ("auditor", "agent", "productowner", "system"):
        with pytest.raises(RoleNameIsTaken):
            await make(call, admin, name)


async def test_built_in_roles_stay_as_they_are(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    admin = await authorize(await register("ada@example.org"))
    for role in Role:
        with pytest.raises(RoleIsBuiltIn):
            await call(CHANGE_ROLE, ChangeRole(name=role, permissions=[]), admin)
        with pytest.raises(RoleIsBuiltIn):
            await call(DELETE_ROLE, DeleteRole(name=role), admin)
        shown = await call(GET_ROLE, GetRole(name=role), admin)
        assert (shown.built_in, set(shown.permissions)) == (True, {permission.value for permission in BUILT_IN[role]})


async def test_roles_are_listed_with_the_built_in_ones_first(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    admin = await authorize(await register("ada@example.org"))
    await make(call, admin, "zeta")
    await make(call, admin, "alpha")
    listed = (await call(LIST_ROLES, ListRoles(), admin)).roles
    assert [role.name for role in listed] == [*(role.value for role in Role), "alpha", "zeta"]


async def test_a_role_that_somebody_has_is_not_deleted(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    admin, bob = await authorize(await register("ada@example.org")), await register("bob@example.org")
    await make(call, admin, "auditor")
    await give(call, admin, bob, "auditor")
    with pytest.raises(RoleIsInUse):
        await call(DELETE_ROLE, DeleteRole(name="auditor"), admin)
    await give(call, admin, bob, "client")
    await call(DELETE_ROLE, DeleteRole(name="auditor"), admin)
    for attempt in (call(GET_ROLE, GetRole(name="auditor"), admin), call(CHANGE_ROLE, ChangeRole(name="auditor", permissions=[]), admin)):
        with pytest.raises(RoleNotFound):
            await attempt
    with pytest.raises(RoleIsNotUsable):
        await give(call, admin, bob, "auditor")
    assert [role for role in (await call(LIST_ROLES, ListRoles(), admin)).roles if not role.built_in] == []


async def test_the_name_of_a_deleted_role_is_free_for_another(
    register: Register, authorize: AuthorizeSession, call: Caller, database: Admin
) -> None:
    admin = await authorize(await register("ada@example.org"))
    await make(call, admin, "auditor", Permission.AUDIT_READ)
    for _ in range(2):
        await call(DELETE_ROLE, DeleteRole(name="auditor"), admin)
    await make(call, admin, "auditor", Permission.ROOM_READ)
    assert set((await call(GET_ROLE, GetRole(name="auditor"), admin)).permissions) == {Permission.ROOM_READ, *EVERYBODYS}
    rows = await database.fetch("SELECT subject FROM outbox WHERE subject LIKE '%.role_%' ORDER BY id")
    said = [(row["subject"].split(".")[2], row["subject"].split(".")[-1]) for row in rows]
    assert [name for name, _ in said] == ["role_created", "role_deleted", "role_created"]
    assert said[0][1] == said[1][1] != said[2][1]


async def test_a_role_is_deleted_or_given_and_never_both(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    admin, bob = await authorize(await register("ada@example.org")), await register("bob@example.org")
    await make(call, admin, "auditor")
    gift = give(call, admin, bob, "auditor")
    outcomes = await asyncio.gather(call(DELETE_ROLE, DeleteRole(name="auditor"), admin), gift, return_exceptions=True)
    assert [type(one) for one in outcomes if isinstance(one, Exception)] in ([RoleIsInUse], [RoleIsNotUsable])
    assert await authorize(bob)


async def test_nobody_grants_what_they_have_not(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    admin, bob, eve = (
        await authorize(await register("ada@example.org")),
        await register("bob@example.org"),
        await register("eve@example.org"),
    )
    await make(call, admin, "strong", Permission.AUDIT_READ)
    await make(call, admin, "clerk", Permission.ROLE_MANAGE, Permission.ROLE_ASSIGN, *BUILT_IN[Role.CLIENT])
    await give(call, admin, bob, "clerk")
    clerk = await authorize(bob)
    for attempt in (
        call(CREATE_ROLE, CreateRole(name="mine", permissions=[Permission.AUDIT_READ]), clerk),
        call(CREATE_ROLE, CreateRole(name="mine", base_role=Role.ADMIN, permissions=[]), clerk),
        call(CHANGE_ROLE, ChangeRole(name="clerk", permissions=[Permission.AUDIT_READ]), clerk),
        call(CHANGE_ROLE, ChangeRole(name="strong", permissions=[]), clerk),
        call(DELETE_ROLE, DeleteRole(name="strong"), clerk),
        call(SET_ROLE, SetRole(user_id=bob.user.id, role=Role.ADMIN), clerk),
        call(SET_ROLE, SetRole(user_id=admin.user_id, role=Role.CLIENT), clerk),
        give(call, clerk, eve, "strong"),
        give(call, clerk, eve, "agent"),
    ):
        with pytest.raises(GrantExceedsYours):
            await attempt
    await give(call, clerk, eve, "guest")
    await make(call, clerk, "mine", Permission.ROOM_READ)


async def test_not_even_an_admin_grants_what_is_for_programs_alone(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    admin = await authorize(await register("ada@example.org"))
    with pytest.raises(GrantExceedsYours):
        await make(call, admin, "bot", Permission.MESSAGE_FOR_CONTACT)


async def test_who_is_shown_as_an_admin_by_a_role_of_the_workspace_is_none(
    register: Register, authorize: AuthorizeSession, call: Caller
) -> None:
    ada, bob = await register("ada@example.org"), await register("bob@example.org")
    admin = await authorize(ada)
    await make(call, admin, "figurehead", base=Role.ADMIN)
    await give(call, admin, bob, "figurehead")
    with pytest.raises(WorkspaceNeedsAnAdmin):
        await give(call, admin, ada, "figurehead")
    assert not (await authorize(bob)).may(Permission.ROLE_ASSIGN)


async def test_roles_of_another_workspace_are_none(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    admin = await authorize(await register("ada@example.org"))
    await make(call, admin, "auditor", Permission.AUDIT_READ)
    elsewhere = await lab_of(call, admin)
    for attempt in (
        call(GET_ROLE, GetRole(name="auditor"), elsewhere),
        call(CHANGE_ROLE, ChangeRole(name="auditor", permissions=[]), elsewhere),
        call(DELETE_ROLE, DeleteRole(name="auditor"), elsewhere),
    ):
        with pytest.raises(RoleNotFound):
            await attempt
    assert [role for role in (await call(LIST_ROLES, ListRoles(), elsewhere)).roles if not role.built_in] == []


async def test_roles_are_said_and_audited(register: Register, authorize: AuthorizeSession, call: Caller, database: Admin) -> None:
    admin = await authorize(await register("ada@example.org"))
    await make(call, admin, "auditor")
    for _ in range(2):
        await call(CHANGE_ROLE, ChangeRole(name="auditor", description="Reads the log"), admin)
    await call(DELETE_ROLE, DeleteRole(name="auditor"), admin)
    said = [
        row["subject"].split(".")[2] for row in await database.fetch("SELECT subject FROM outbox WHERE subject LIKE '%role%' ORDER BY id")
    ]
    assert said == ["role_created", "role_changed", "role_deleted"]
    audited = [row["action"] for row in await database.fetch("SELECT action FROM audit_log ORDER BY at")]
    assert audited == ["identity:role:create", "identity:role:change", "identity:role:delete"]


async def test_every_permission_is_listed_under_its_domain(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    admin = await authorize(await register("ada@example.org"))
    listed = await call(LIST_PERMISSIONS, ListPermissions(), admin)
    assert [one.name for one in listed.permissions] == [permission.value for permission in Permission]
    prefixes = {one.permission_prefix for one in listed.domains}
    assert {one.permission_prefix: one.description for one in listed.domains}.items() >= OF_SPEC_2.items()
    assert all(one.permission_prefix in prefixes and one.name.startswith(one.permission_prefix) for one in listed.permissions)
    assert next(one for one in listed.permissions if one.name == "chat:message:note").roles == [Role.ADMIN, Role.AGENT]
