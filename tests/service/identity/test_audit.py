"""The log of administrative actions: what identity does and what others say, in one list."""

import asyncio
from uuid import UUID

import pytest

from services.identity.main import IdentityApplication
from shared.contracts.audit import Audited
from shared.contracts.identity.audit import LIST_AUDIT, AuditEntry, ListAudit
from shared.contracts.identity.users import SET_ROLE, SetRole
from shared.contracts.messages.audit import ActionAudited
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import CursorIsNotValid
from shared.credentials import OPERATOR, background_role, database_role
from shared.identifiers import new_id
from shared.messaging.caller import Caller
from shared.messaging.connection import close, connect
from tests.servers import Servers
from tests.service.database.sessions import inside, is_refused, signed_in
from tests.service.identity.conftest import Admin, AuthorizeSession, Register

ROLES = (Role.AGENT, Role.CLIENT, Role.GUEST, Role.PRODUCT_OWNER)


async def log_of(call: Caller, by: Principal, **filters: object) -> list[AuditEntry]:
    return (await call(LIST_AUDIT, ListAudit.model_validate(filters), by)).entries


async def say(servers: Servers, entry: Audited, workspace_id: UUID) -> None:
    """As another service's relay does it."""
    client = await connect(servers.nats_url, OPERATOR, servers.credentials.nats[OPERATOR], name="tests")
    headers = {"ce-type": entry.event_type, "ce-id": str(new_id())}
    subject = entry.subject(workspace_id, entry.target_id)
    await client.jetstream().publish(subject, entry.model_dump_json(by_alias=True).encode(), headers=headers)
    await close(client)


async def test_an_action_is_in_the_log_with_who_did_it_to_whom(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    admin, bob = await authorize(await register("ada@example.org")), await register("bob@example.org")
    await call(SET_ROLE, SetRole(user_id=bob.user.id, role=Role.AGENT), admin)
    (entry,) = await log_of(call, admin)
    assert (entry.service, entry.actor_id, entry.action, entry.target_kind, entry.target_id, entry.details) == (
        "identity",
        admin.user_id,
        "identity:role:assign",
        "user",
        bob.user.id,
        {"before": "client", "after": "agent"},
    )


async def test_what_was_refused_is_not_in_the_log(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    admin = await authorize(await register("ada@example.org"))
    with pytest.raises(Exception, match="workspace_needs_an_admin"):
        await call(SET_ROLE, SetRole(user_id=admin.user_id, role=Role.AGENT), admin)
    assert await log_of(call, admin) == []


async def test_the_log_is_read_in_pages_newest_first(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    admin, bob = await authorize(await register("ada@example.org")), await register("bob@example.org")
    for role in ROLES:
        if role is not Role.CLIENT:
            await call(SET_ROLE, SetRole(user_id=bob.user.id, role=role), admin)
    assigned = {"action": "identity:role:assign"}
    first = await call(LIST_AUDIT, ListAudit(limit=2, **assigned), admin)
    second = await call(LIST_AUDIT, ListAudit(limit=2, cursor=first.next_cursor, **assigned), admin)
    entries = [*first.entries, *second.entries]
    assert [entry.details["after"] for entry in entries] == ["productOwner", "guest", "agent"]
    assert (first.has_more, second.has_more) == (True, False)
    with pytest.raises(CursorIsNotValid):
        await call(LIST_AUDIT, ListAudit(cursor=first.next_cursor), admin)
    with pytest.raises(CursorIsNotValid):
        await call(LIST_AUDIT, ListAudit(cursor=first.next_cursor, **assigned), admin.model_copy(update={"workspace_id": new_id()}))


async def test_the_log_is_filtered_by_actor_action_and_target(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    admin, bob, eve = [await authorize(await register(f"{name}@example.org")) for name in ("ada", "bob", "eve")]
    for one in (bob, eve):
        await call(SET_ROLE, SetRole(user_id=one.user_id, role=Role.AGENT), admin)
    assert [entry.target_id for entry in await log_of(call, admin, target_id=bob.user_id)] == [bob.user_id]
    assert len(await log_of(call, admin, actor_id=admin.user_id, action="identity:role:assign")) == 2
    assert await log_of(call, admin, actor_id=bob.user_id) == []


async def test_reading_the_log_is_in_it_once_an_hour(
    register: Register, authorize: AuthorizeSession, call: Caller, database: Admin
) -> None:
    admin = await authorize(await register("ada@example.org"))
    for _ in range(3):
        entries = await log_of(call, admin)
    assert [(entry.action, entry.actor_id) for entry in entries] == [("audit:log:read", admin.user_id)]
    await database.execute("UPDATE audit_log SET at = at - interval '61 minutes'")
    await log_of(call, admin)
    assert len(await log_of(call, admin)) == 2


async def test_what_another_service_says_is_in_the_log_once(
    register: Register, authorize: AuthorizeSession, call: Caller, database: Admin, servers: Servers
) -> None:
    admin = await authorize(await register("ada@example.org"))
    target = new_id()
    entry = ActionAudited(
        entity_id=new_id(),
        version=1,
        actor_id=admin.user_id,
        action="audit:history:read",
        target_kind="message",
        target_id=target,
        reason="A complaint",
        details={"versions": 3},
    )
    for _ in range(2):
        await say(servers, entry, admin.workspace_id)
    async with asyncio.timeout(10):
        while await database.fetchval("SELECT count(*) FROM inbox WHERE consumer = 'identity-audit'") < 2:
            await asyncio.sleep(0.05)
    (kept,) = await log_of(call, admin, target_id=target)
    assert (kept.id, kept.service, kept.reason, kept.details) == (entry.entity_id, "messages", "A complaint", {"versions": 3})
    assert await log_of(call, admin.model_copy(update={"workspace_id": new_id()}), target_id=target) == []


async def test_nothing_in_the_log_is_changed_or_taken_out(servers: Servers, identity: IdentityApplication) -> None:
    for role in (database_role("identity"), background_role("identity")):
        async with signed_in(servers, role) as session, inside(session, new_id()):
            assert await is_refused(session, "UPDATE identity.audit_log SET action = 'nothing'")
            assert await is_refused(session, "DELETE FROM identity.audit_log")
