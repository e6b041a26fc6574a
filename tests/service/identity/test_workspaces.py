"""Several workspaces: who makes one is its admin, a session goes on in another, and members come and go."""

import asyncio
from uuid import UUID

import pytest

from shared.contracts.identity.members import (
    CHANGE_MEMBER,
    LIST_MEMBERS,
    REMOVE_MEMBER,
    ChangeMember,
    ListMembers,
    MemberNotFound,
    RemoveMember,
)
from shared.contracts.identity.sessions import REFRESH_SESSION, RefreshSession, RefreshTokenIsSpent, SessionHasEnded, SignedIn
from shared.contracts.identity.users import GrantExceedsYours, WorkspaceNeedsAnAdmin
from shared.contracts.identity.workspaces import (
    CHANGE_WORKSPACE,
    CREATE_WORKSPACE,
    GET_WORKSPACE,
    LIST_WORKSPACES,
    SWITCH_WORKSPACE,
    ChangeWorkspace,
    CreateWorkspace,
    GetWorkspace,
    ListWorkspaces,
    SwitchWorkspace,
    WorkspaceNotFound,
)
from shared.contracts.principal import Role
from shared.contracts.refusals import CursorIsNotValid, PermissionIsMissing
from shared.identifiers import new_id
from shared.messaging.caller import Caller
from tests.service.identity.conftest import Admin, AuthorizeSession, Register
from tests.service.identity.tokens import ids


def refresh(signed_in: SignedIn) -> RefreshSession:
    return RefreshSession.model_validate({"refreshToken": signed_in.refresh_token})


async def test_who_makes_a_workspace_is_its_admin(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    await register("ada@example.org")
    bob = await register("bob@example.org")
    made = await call(CREATE_WORKSPACE, CreateWorkspace(name="Lab"), await authorize(bob))
    assert (made.name, made.role, made.role_name, made.is_default) == ("Lab", Role.ADMIN, "admin", False)
    switched = await call(SWITCH_WORKSPACE, SwitchWorkspace(workspace_id=made.id), await authorize(bob))
    assert (await authorize(switched)).role is Role.ADMIN
    assert (await authorize(bob)).role is Role.CLIENT


async def test_ones_own_workspaces_are_listed_oldest_first(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    ada, bob = await authorize(await register("ada@example.org")), await authorize(await register("bob@example.org"))
    made = [await call(CREATE_WORKSPACE, CreateWorkspace(name=name), ada) for name in ("one", "two")]
    first = await call(LIST_WORKSPACES, ListWorkspaces(limit=2), ada)
    second = await call(LIST_WORKSPACES, ListWorkspaces(limit=2, cursor=first.next_cursor), ada)
    assert [one.id for one in (*first.workspaces, *second.workspaces)] == [ada.workspace_id, *(one.id for one in made)]
    assert [one.id for one in (await call(LIST_WORKSPACES, ListWorkspaces(), bob)).workspaces] == [bob.workspace_id]
    with pytest.raises(CursorIsNotValid):
        await call(LIST_WORKSPACES, ListWorkspaces(cursor=first.next_cursor), bob)


async def test_a_path_names_the_workspace_that_the_token_is_for(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    ada = await authorize(await register("ada@example.org"))
    made = await call(CREATE_WORKSPACE, CreateWorkspace(name="Lab"), ada)
    for elsewhere in (made.id, new_id()):
        for attempt in (
            call(GET_WORKSPACE, GetWorkspace(workspace_id=elsewhere), ada),
            call(CHANGE_WORKSPACE, ChangeWorkspace(workspace_id=elsewhere, name="Mine"), ada),
            call(LIST_MEMBERS, ListMembers(workspace_id=elsewhere), ada),
            call(CHANGE_MEMBER, ChangeMember(workspace_id=elsewhere, user_id=ada.user_id, role="client"), ada),
            call(REMOVE_MEMBER, RemoveMember(workspace_id=elsewhere, user_id=ada.user_id), ada),
        ):
            with pytest.raises(WorkspaceNotFound):
                await attempt


async def test_nobody_switches_to_where_they_are_no_member(
    register: Register, authorize: AuthorizeSession, call: Caller, database: Admin
) -> None:
    ada, bob = await register("ada@example.org"), await register("bob@example.org")
    made = await call(CREATE_WORKSPACE, CreateWorkspace(name="Lab"), await authorize(ada))
    for elsewhere in (made.id, new_id()):
        with pytest.raises(WorkspaceNotFound):
            await call(SWITCH_WORKSPACE, SwitchWorkspace(workspace_id=elsewhere), await authorize(bob))
    await database.execute("UPDATE workspace_members SET suspended_at = now() WHERE workspace_id = $1", made.id)
    with pytest.raises(WorkspaceNotFound):
        await call(SWITCH_WORKSPACE, SwitchWorkspace(workspace_id=made.id), await authorize(ada))
    assert await authorize(ada)


async def test_a_session_goes_on_where_it_switched_to(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    ada = await register("ada@example.org")
    made = await call(CREATE_WORKSPACE, CreateWorkspace(name="Lab"), await authorize(ada))
    switched = await call(SWITCH_WORKSPACE, SwitchWorkspace(workspace_id=made.id), await authorize(ada))
    assert (ids(switched)[0], switched.user.workspace_id) == (ids(ada)[0], made.id)
    refreshed = await call(REFRESH_SESSION, refresh(switched), None)
    assert refreshed.user.workspace_id == made.id


async def test_the_refresh_token_from_before_a_switch_is_good_for_a_retry_alone(
    register: Register, authorize: AuthorizeSession, call: Caller, database: Admin
) -> None:
    ada = await register("ada@example.org")
    made = await call(CREATE_WORKSPACE, CreateWorkspace(name="Lab"), await authorize(ada))
    await call(SWITCH_WORKSPACE, SwitchWorkspace(workspace_id=made.id), await authorize(ada))  # its answer is lost
    retried = await call(REFRESH_SESSION, refresh(ada), None)
    assert retried.user.workspace_id == made.id
    assert (await call(REFRESH_SESSION, refresh(retried), None)).user.workspace_id == made.id

    bob = await register("bob@example.org")
    other = await call(CREATE_WORKSPACE, CreateWorkspace(name="Den"), await authorize(bob))
    switched = await call(SWITCH_WORKSPACE, SwitchWorkspace(workspace_id=other.id), await authorize(bob))
    await database.execute("UPDATE user_sessions SET rotated_at = now() - interval '11 seconds' WHERE id = $1", ids(bob)[0])
    with pytest.raises(RefreshTokenIsSpent):
        await call(REFRESH_SESSION, refresh(bob), None)
    with pytest.raises(SessionHasEnded):
        await authorize(switched)


async def test_a_new_name_is_said_once(register: Register, authorize: AuthorizeSession, call: Caller, database: Admin) -> None:
    ada = await authorize(await register("ada@example.org"))
    made = await call(CREATE_WORKSPACE, CreateWorkspace(name="Lab"), ada)
    there = ada.model_copy(update={"workspace_id": made.id})
    for _ in range(2):
        changed = await call(CHANGE_WORKSPACE, ChangeWorkspace(workspace_id=made.id, name="Laboratory"), there)
    assert changed.name == "Laboratory"
    rows = await database.fetch("SELECT subject FROM outbox WHERE subject LIKE '%.workspace_%' ORDER BY id")
    assert [row["subject"].split(".")[2] for row in rows] == ["workspace_created", "workspace_changed"]


async def test_members_are_listed_in_pages(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    people = [await register(f"user{number}@example.org") for number in range(3)]
    admin = await authorize(people[0])
    first = await call(LIST_MEMBERS, ListMembers(workspace_id=admin.workspace_id, limit=2), admin)
    second = await call(LIST_MEMBERS, ListMembers(workspace_id=admin.workspace_id, limit=2, cursor=first.next_cursor), admin)
    assert [one.user_id for one in (*first.members, *second.members)] == [one.user.id for one in people]
    assert (first.has_more, second.has_more, second.next_cursor) == (True, False, None)
    assert [one.role_name for one in first.members] == ["admin", "client"]


async def test_who_was_removed_is_out_from_the_next_request_on(
    register: Register, authorize: AuthorizeSession, call: Caller, database: Admin
) -> None:
    admin, bob = await authorize(await register("ada@example.org")), await register("bob@example.org")
    await authorize(bob)
    for _ in range(2):
        await call(REMOVE_MEMBER, RemoveMember(workspace_id=admin.workspace_id, user_id=bob.user.id), admin)
    with pytest.raises(SessionHasEnded):
        await authorize(bob)
    with pytest.raises(RefreshTokenIsSpent):
        await call(REFRESH_SESSION, refresh(bob), None)
    with pytest.raises(MemberNotFound):
        await call(REMOVE_MEMBER, RemoveMember(workspace_id=admin.workspace_id, user_id=new_id()), admin)
    history = await database.fetchrow("SELECT changed_by, operation_type, role, deleted_at FROM workspace_members_history")
    assert history is not None
    assert tuple(history) == (admin.user_id, "UPDATE", "client", None)
    assert await database.fetchval("SELECT count(*) FROM outbox WHERE subject LIKE '%.member_removed.%'") == 1


async def test_members_leave_by_themselves_and_take_nobody_with_them(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    ada, bob, eve = [await register(f"{name}@example.org") for name in ("ada", "bob", "eve")]
    leaver = await authorize(bob)
    with pytest.raises(PermissionIsMissing):
        await call(REMOVE_MEMBER, RemoveMember(workspace_id=leaver.workspace_id, user_id=eve.user.id), leaver)
    with pytest.raises(PermissionIsMissing):
        await call(REMOVE_MEMBER, RemoveMember(workspace_id=leaver.workspace_id, user_id=new_id()), leaver)
    await call(REMOVE_MEMBER, RemoveMember(workspace_id=leaver.workspace_id, user_id=leaver.user_id), leaver)
    with pytest.raises(SessionHasEnded):
        await authorize(bob)
    assert await authorize(ada)


async def test_the_last_admin_neither_leaves_nor_steps_down(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    ada, bob = await register("ada@example.org"), await register("bob@example.org")
    admin = await authorize(ada)
    with pytest.raises(WorkspaceNeedsAnAdmin):
        await call(REMOVE_MEMBER, RemoveMember(workspace_id=admin.workspace_id, user_id=admin.user_id), admin)
    with pytest.raises(WorkspaceNeedsAnAdmin):
        await call(CHANGE_MEMBER, ChangeMember(workspace_id=admin.workspace_id, user_id=admin.user_id, role="agent"), admin)
    await call(CHANGE_MEMBER, ChangeMember(workspace_id=admin.workspace_id, user_id=bob.user.id, role="admin"), admin)
    second = await authorize(bob)
    outcomes = await asyncio.gather(
        call(REMOVE_MEMBER, RemoveMember(workspace_id=admin.workspace_id, user_id=admin.user_id), admin),
        call(REMOVE_MEMBER, RemoveMember(workspace_id=admin.workspace_id, user_id=second.user_id), second),
        return_exceptions=True,
    )
    assert [type(one) for one in outcomes if isinstance(one, Exception)] == [WorkspaceNeedsAnAdmin]


async def test_nobody_removes_who_is_granted_more(register: Register, authorize: AuthorizeSession, call: Caller, database: Admin) -> None:
    ada, bob = await register("ada@example.org"), await register("bob@example.org")
    workspace: UUID = ada.user.workspace_id
    await database.execute(
        "INSERT INTO roles (workspace_id, name, id, base_role, permissions) VALUES ($1, 'doorman', $2, 'agent', $3)",
        workspace,
        new_id(),
        ["identity:self:read", "workspace:space:read", "workspace:member:remove"],
    )
    await database.execute("UPDATE workspace_members SET custom_role = 'doorman' WHERE user_id = $1", bob.user.id)
    with pytest.raises(GrantExceedsYours):
        await call(REMOVE_MEMBER, RemoveMember(workspace_id=workspace, user_id=ada.user.id), await authorize(bob))
