"""Invitations: for one use, for the one whom they are for, and not for ever."""

import asyncio
from uuid import UUID

import pytest
from pydantic import SecretStr

from shared.contracts.identity.invitations import (
    ACCEPT_INVITATION,
    CREATE_INVITATION,
    LIST_INVITATIONS,
    REVOKE_INVITATION,
    AcceptInvitation,
    CreateInvitation,
    InvitationMade,
    InvitationNotFound,
    ListInvitations,
    RevokeInvitation,
)
from shared.contracts.identity.members import REMOVE_MEMBER, RemoveMember, RoleIsNotUsable
from shared.contracts.identity.roles import CREATE_ROLE, DELETE_ROLE, CreateRole, DeleteRole, RoleIsInUse
from shared.contracts.identity.sessions import (
    LOG_IN,
    REGISTER_USER,
    AlreadyAMember,
    CredentialsAreWrong,
    InvitationIsNotValid,
    LogIn,
    RegisterUser,
    RegistrationIsClosed,
    SignedIn,
)
from shared.contracts.identity.users import EmailIsTaken, GrantExceedsYours
from shared.contracts.identity.workspaces import (
    CREATE_WORKSPACE,
    SWITCH_WORKSPACE,
    CreateWorkspace,
    NotForServiceAccounts,
    SwitchWorkspace,
    WorkspaceNotFound,
)
from shared.contracts.permissions import Permission, as_bits
from shared.contracts.principal import Principal, Role
from shared.identifiers import new_id
from shared.messaging.caller import Caller
from tests.mailserver import MailServer, link_in
from tests.servers import Servers
from tests.service.identity.conftest import Admin, AuthorizeSession, Register, running_identity


async def lab_of(call: Caller, person: Principal) -> Principal:
    """The person, as the admin of a workspace of their own."""
    made = await call(CREATE_WORKSPACE, CreateWorkspace(name="Lab"), person)
    return person.model_copy(update={"workspace_id": made.id, "role": Role.ADMIN, "grants": as_bits(set(Permission))})


async def invite(call: Caller, by: Principal, **fields: object) -> InvitationMade:
    return await call(CREATE_INVITATION, CreateInvitation.model_validate({"workspace_id": by.workspace_id, **fields}), by)


def accepting(made: InvitationMade) -> AcceptInvitation:
    assert made.token is not None
    return AcceptInvitation(token=SecretStr(made.token))


async def sign_up(call: Caller, email: str, token: str | None) -> SignedIn:
    request = {"email": email, "password": "correct horse", "name": "Zoe", "invitation": token}
    return await call(REGISTER_USER, RegisterUser.model_validate(request), None)


async def test_who_accepts_is_a_member_with_the_role(
    register: Register, authorize: AuthorizeSession, call: Caller, database: Admin
) -> None:
    ada, bob = await authorize(await register("ada@example.org")), await register("bob@example.org")
    lab = await lab_of(call, ada)
    made = await invite(call, lab, role="agent")
    joined = await call(ACCEPT_INVITATION, accepting(made), await authorize(bob))
    assert (joined.id, joined.role) == (lab.workspace_id, Role.AGENT)
    switched = await call(SWITCH_WORKSPACE, SwitchWorkspace(workspace_id=joined.id), await authorize(bob))
    assert switched.user.role is Role.AGENT
    rows = await database.fetch("SELECT subject FROM outbox WHERE workspace_id = $1 ORDER BY id", lab.workspace_id)
    said = [name for row in rows if (name := row["subject"].split(".")[2]) != "action_audited"]
    assert said == ["workspace_created", "invitation_created", "member_added", "invitation_accepted"]


async def test_an_invitation_is_for_one_use(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    ada = await authorize(await register("ada@example.org"))
    people = [await authorize(await register(f"user{number}@example.org")) for number in range(6)]
    made = await invite(call, await lab_of(call, ada))
    outcomes = await asyncio.gather(*(call(ACCEPT_INVITATION, accepting(made), one) for one in people), return_exceptions=True)
    assert sorted(type(one).__name__ for one in outcomes) == ["InvitationIsNotValid"] * 5 + ["Workspace"]
    with pytest.raises(InvitationIsNotValid):
        await sign_up(call, "zoe@example.org", made.token)


async def test_an_invitation_that_is_over_leads_nowhere(
    register: Register, authorize: AuthorizeSession, call: Caller, database: Admin
) -> None:
    ada, bob = await authorize(await register("ada@example.org")), await authorize(await register("bob@example.org"))
    lab = await lab_of(call, ada)
    expired, revoked = await invite(call, lab, expires_in_hours=1), await invite(call, lab)
    await database.execute("UPDATE invitations SET expires_at = now() WHERE id = $1", expired.id)
    for _ in range(2):
        await call(REVOKE_INVITATION, RevokeInvitation(workspace_id=lab.workspace_id, invitation_id=revoked.id), lab)
    for made in (expired, revoked):
        with pytest.raises(InvitationIsNotValid):
            await call(ACCEPT_INVITATION, accepting(made), bob)
        with pytest.raises(InvitationIsNotValid):
            await sign_up(call, "zoe@example.org", made.token)
    with pytest.raises(InvitationIsNotValid):
        await call(ACCEPT_INVITATION, AcceptInvitation(token=SecretStr("made up")), bob)
    assert await database.fetchval("SELECT count(*) FROM users WHERE email = 'zoe@example.org'") == 0
    assert (await call(LIST_INVITATIONS, ListInvitations(workspace_id=lab.workspace_id), lab)).invitations == []


async def test_an_invitation_of_another_workspace_is_none(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    ada = await authorize(await register("ada@example.org"))
    lab = await lab_of(call, ada)
    made = await invite(call, lab)
    with pytest.raises(InvitationNotFound):
        await call(REVOKE_INVITATION, RevokeInvitation(workspace_id=ada.workspace_id, invitation_id=made.id), ada)
    with pytest.raises(WorkspaceNotFound):
        await call(REVOKE_INVITATION, RevokeInvitation(workspace_id=lab.workspace_id, invitation_id=made.id), ada)
    with pytest.raises(WorkspaceNotFound):
        await call(CREATE_INVITATION, CreateInvitation(workspace_id=lab.workspace_id), ada)


async def test_an_invitation_by_email_is_for_that_email(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    ada, bob = await authorize(await register("ada@example.org")), await authorize(await register("bob@example.org"))
    lab = await lab_of(call, ada)
    made = await invite(call, lab, email="Zoe@Example.org")
    with pytest.raises(InvitationIsNotValid):
        await call(ACCEPT_INVITATION, accepting(made), bob)
    with pytest.raises(InvitationIsNotValid):
        await sign_up(call, "eve@example.org", made.token)
    zoe = await sign_up(call, "zoe@example.org", made.token)
    assert (zoe.user.workspace_id, zoe.user.is_email_verified) == (lab.workspace_id, False), "the inviter saw the token too"
    with pytest.raises(AlreadyAMember):
        await invite(call, lab, email="zoe@example.org")


async def test_an_account_that_is_there_spends_no_invitation(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    ada, bob = await authorize(await register("ada@example.org")), await register("bob@example.org")
    made = await invite(call, await lab_of(call, ada))
    with pytest.raises(EmailIsTaken):
        await sign_up(call, "bob@example.org", made.token)
    await call(ACCEPT_INVITATION, accepting(made), await authorize(bob))


async def test_a_member_spends_no_invitation(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    ada, bob = await authorize(await register("ada@example.org")), await authorize(await register("bob@example.org"))
    made = await invite(call, ada)
    with pytest.raises(AlreadyAMember):
        await call(ACCEPT_INVITATION, accepting(made), bob)
    assert [one.id for one in (await call(LIST_INVITATIONS, ListInvitations(workspace_id=ada.workspace_id), ada)).invitations] == [made.id]


async def test_who_was_removed_joins_again_by_an_invitation(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    ada, bob = await authorize(await register("ada@example.org")), await register("bob@example.org")
    den = await lab_of(call, await authorize(bob))
    bob_here = await authorize(bob)
    await call(REMOVE_MEMBER, RemoveMember(workspace_id=ada.workspace_id, user_id=bob_here.user_id), ada)
    await call(ACCEPT_INVITATION, accepting(await invite(call, ada, role="agent")), den)
    assert (await authorize(bob)).role is Role.AGENT


async def test_who_is_no_member_anywhere_signs_in_with_an_invitation(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    ada, bob = await authorize(await register("ada@example.org")), await register("bob@example.org")
    await call(REMOVE_MEMBER, RemoveMember(workspace_id=ada.workspace_id, user_id=bob.user.id), ada)
    known = {"email": "bob@example.org", "password": "correct horse"}
    with pytest.raises(CredentialsAreWrong):
        await call(LOG_IN, LogIn.model_validate(known), None)
    made = await invite(call, ada, role="agent")
    with pytest.raises(CredentialsAreWrong):
        await call(LOG_IN, LogIn.model_validate(known | {"password": "wrong", "invitation": made.token}), None)
    signed_in = await call(LOG_IN, LogIn.model_validate(known | {"invitation": made.token}), None)
    assert (signed_in.user.workspace_id, signed_in.user.role) == (ada.workspace_id, Role.AGENT)


async def test_nobody_invites_into_more_than_they_have(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    ada = await authorize(await register("ada@example.org"))
    doorman = ada.model_copy(update={"grants": as_bits({Permission.MEMBER_INVITE})})
    for role in ("admin", "client"):
        with pytest.raises(GrantExceedsYours):
            await invite(call, doorman, role=role)
    for role in ("system", "nobody"):
        with pytest.raises(RoleIsNotUsable):
            await invite(call, ada, role=role)


async def test_a_role_that_somebody_is_invited_to_is_not_deleted(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    ada = await authorize(await register("ada@example.org"))
    await call(CREATE_ROLE, CreateRole(name="auditor", permissions=[Permission.AUDIT_READ]), ada)
    made = await invite(call, ada, role="auditor")
    with pytest.raises(RoleIsInUse):
        await call(DELETE_ROLE, DeleteRole(name="auditor"), ada)
    zoe = await sign_up(call, "zoe@example.org", made.token)
    assert (zoe.user.role_name, Permission.AUDIT_READ in zoe.user.permissions) == ("auditor", True)


async def test_a_program_accepts_no_invitation(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    ada = await authorize(await register("ada@example.org"))
    made = await invite(call, await lab_of(call, ada))
    with pytest.raises(NotForServiceAccounts):
        await call(ACCEPT_INVITATION, accepting(made), ada.model_copy(update={"role": Role.SYSTEM}))


async def test_the_token_itself_is_kept_nowhere(register: Register, authorize: AuthorizeSession, call: Caller, database: Admin) -> None:
    ada = await authorize(await register("ada@example.org"))
    made = await invite(call, ada)
    assert made.token is not None
    for table in ("invitations", "outbox", "audit_log"):
        assert not [row for row in await database.fetch(f"SELECT t::text AS kept FROM {table} t") if made.token in row["kept"]], table


async def test_who_is_invited_registers_where_registration_is_closed(servers: Servers, database: Admin, call: Caller) -> None:
    workspace_id: UUID = await database.fetchval("SELECT id FROM workspaces")
    async with running_identity(servers):
        ada = await sign_up(call, "ada@example.org", None)
    by = Principal(
        user_id=ada.user.id,
        session_id=new_id(),
        workspace_id=workspace_id,
        role=Role.ADMIN,
        name="Ada",
        grants=as_bits(set(Permission)),
    )
    async with running_identity(servers, registration="closed"):
        made = await invite(call, by)
        with pytest.raises(RegistrationIsClosed):
            await sign_up(call, "zoe@example.org", None)
        assert (await sign_up(call, "zoe@example.org", made.token)).user.role is Role.CLIENT


async def test_a_mailed_invitation_verifies_the_email_of_an_account_that_is_there(
    servers: Servers, database: Admin, call: Caller, authorize: AuthorizeSession
) -> None:
    server = MailServer()
    await server.start()
    async with running_identity(servers, smtp_url=server.url):
        ada, zoe = await sign_up(call, "ada@example.org", None), await sign_up(call, "zoe@example.org", None)
        lab = await lab_of(call, await authorize(ada))
        assert (await invite(call, lab, email="zoe@example.org")).token is None
        while not (mail := await server.mail())["Subject"].endswith("invites you to Lab"):
            pass
        token = link_in(mail)[1]
        await call(ACCEPT_INVITATION, AcceptInvitation(token=SecretStr(token)), await authorize(zoe))
        assert (await authorize(zoe)).contact == "zoe@example.org"
    await server.stop()
    rows = await database.fetch("SELECT workspace_id FROM outbox WHERE subject LIKE '%.email_verified.%'")
    assert {row["workspace_id"] for row in rows} == {lab.workspace_id, zoe.user.workspace_id}
