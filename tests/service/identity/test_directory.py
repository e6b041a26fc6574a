"""Who is found: by the beginning of a name, in one's own workspace alone."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from pydantic import SecretStr

from services.identity.domain import SIGNING_IN
from services.identity.main import IdentityApplication
from services.identity.repository.profiles import _SEARCH, _SEARCH_STAFF, _STATUSES
from shared.contracts.identity.directory import FIND_MEMBERS, FindMembers
from shared.contracts.identity.profiles import CHANGE_ME, GET_USER, SEARCH_USERS, ChangeMe, GetUser, SearchUsers
from shared.contracts.identity.sessions import REGISTER_USER, RegisterUser, SignedIn
from shared.contracts.identity.statuses import FIND_STATUSES, FindStatuses
from shared.contracts.identity.users import UserNotFound
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import CursorIsNotValid
from shared.credentials import database_role
from shared.database.connections import as_role
from shared.identifiers import new_id
from shared.messaging.caller import Caller
from tests.servers import Servers
from tests.service.identity.conftest import Admin, AuthorizeSession, caller_as

PEOPLE = {
    "ada@example.org": "Ada King Lovelace",
    "grace@example.org": "Grace Hopper",
    "zoe@example.org": "Zoë Ångström",
    "adam@example.org": "Adam Smith",
}


@pytest_asyncio.fixture(loop_scope="session")
async def people(identity: IdentityApplication, call: Caller) -> list[SignedIn]:
    return [
        await call(REGISTER_USER, RegisterUser(email=email, password=SecretStr("correct horse"), name=name), None)
        for email, name in PEOPLE.items()
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def messages(servers: Servers) -> AsyncIterator[Caller]:
    """Calls as the messages service makes them."""
    async with caller_as(servers, "messages") as caller:
        yield caller


async def found(call: Caller, caller: Principal, q: str) -> list[str]:
    return [user.username for user in (await call(SEARCH_USERS, SearchUsers(q=q), caller)).users]


@pytest.mark.parametrize(
    ("typed", "usernames"),
    [
        ("ad", ["ada", "adam"]),
        ("@ad", ["ada", "adam"]),
        ("ADA", ["ada", "adam"]),
        ("ada ", ["ada", "adam"]),
        ("ada k", ["ada"]),
        ("ada lov", ["ada"]),
        ("king love", ["ada"]),
        ("hopper", ["grace"]),
        ("zoë", ["zoe"]),
        ("angstr", ["zoe"]),
        ("", ["ada", "adam", "zoe", "grace"]),
        ("da", []),
        ("%", []),
        ("ada_", []),
    ],
)
async def test_whoever_has_a_name_that_begins_so_is_found(
    people: list[SignedIn], authorize: AuthorizeSession, call: Caller, typed: str, usernames: list[str]
) -> None:
    assert await found(call, await authorize(people[0]), typed) == usernames


async def test_pages_go_on_where_the_last_one_ended(people: list[SignedIn], authorize: AuthorizeSession, call: Caller) -> None:
    caller = await authorize(people[0])
    seen, cursor = [], None
    for left in (True, True, True, False):
        page = await call(SEARCH_USERS, SearchUsers(q="", limit=1, cursor=cursor), caller)
        seen += [user.username for user in page.users]
        cursor = page.next_cursor
        assert (page.has_more, cursor is not None) == (left, left)
    assert seen == ["ada", "adam", "zoe", "grace"]
    first = await call(SEARCH_USERS, SearchUsers(q="a", limit=1), caller)
    with pytest.raises(CursorIsNotValid):
        await call(SEARCH_USERS, SearchUsers(q="z", limit=1, cursor=first.next_cursor), caller)


async def test_another_workspace_is_searched_by_nobody(
    people: list[SignedIn], authorize: AuthorizeSession, call: Caller, messages: Caller, database: Admin
) -> None:
    elsewhere = new_id()
    await database.execute("INSERT INTO workspaces (id, name) VALUES ($1, 'Elsewhere')", elsewhere)
    await database.execute("UPDATE workspace_members SET workspace_id = $1 WHERE user_id = $2", elsewhere, people[3].user.id)
    caller, other = await authorize(people[0]), people[3].user
    assert await found(call, caller, "adam") == []
    with pytest.raises(UserNotFound):
        await call(GET_USER, GetUser(user_id=other.id), caller)
    members = await messages(FIND_MEMBERS, FindMembers(usernames=["adam", "ada"], user_ids=[other.id]), caller)
    assert [member.username for member in members.members] == ["ada"]
    there = caller.model_copy(update={"workspace_id": elsewhere, "user_id": other.id})
    assert await found(call, there, "a") == ["adam"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE users SET current_account_status = 'suspended' WHERE username = 'ada'",
        "UPDATE users SET current_account_status = 'deactivated' WHERE username = 'ada'",
        "UPDATE users SET deleted_at = now() WHERE username = 'ada'",
        "UPDATE workspace_members SET suspended_at = now() WHERE user_id = (SELECT id FROM users WHERE username = 'ada')",
        "UPDATE workspace_members SET deleted_at = now() WHERE user_id = (SELECT id FROM users WHERE username = 'ada')",
    ],
)
async def test_who_may_not_sign_in_is_not_found(
    people: list[SignedIn], authorize: AuthorizeSession, call: Caller, messages: Caller, database: Admin, change: str
) -> None:
    client = await authorize(people[1])
    caller = client.model_copy(update={"role": Role.AGENT})
    assert (await found(call, caller, "ada"), await found(call, client, "ada")) == (["ada", "adam"], ["ada"])
    await database.execute(change)
    assert (await found(call, caller, "ada"), await found(call, client, "ada")) == (["adam"], [])
    assert (await messages(FIND_MEMBERS, FindMembers(usernames=["ada"], user_ids=[people[0].user.id]), caller)).members == []


async def test_a_member_is_found_by_their_email_once_it_is_verified(
    people: list[SignedIn], authorize: AuthorizeSession, call: Caller, messages: Caller, database: Admin
) -> None:
    caller, asked = await authorize(people[1]), FindMembers(contacts=[" ADA@example.org"])
    assert (await messages(FIND_MEMBERS, asked, caller)).members == []
    await database.execute("UPDATE users SET is_email_verified = true WHERE username = 'ada'")
    assert [(one.username, one.contact) for one in (await messages(FIND_MEMBERS, asked, caller)).members] == [("ada", "ada@example.org")]
    (grace,) = (await messages(FIND_MEMBERS, FindMembers(usernames=["grace"]), caller)).members
    assert grace.contact is None
    elsewhere = caller.model_copy(update={"workspace_id": new_id()})
    assert (await messages(FIND_MEMBERS, asked, elsewhere)).members == []


async def test_a_new_name_is_found_and_the_old_one_is_not(people: list[SignedIn], authorize: AuthorizeSession, call: Caller) -> None:
    caller = await authorize(people[1])
    await call(CHANGE_ME, ChangeMe(name="Amazing Grace", display_name="Admiral H."), caller)
    assert await found(call, caller, "hopper") == []
    assert await found(call, caller, "amaz") == await found(call, caller, "admiral h") == ["grace"]


@pytest.mark.parametrize("name", ["\ufdfa" * 255, "\U0001f600" * 255, "a " * 127])
async def test_the_longest_names_are_kept_and_paged_over(
    people: list[SignedIn], authorize: AuthorizeSession, call: Caller, name: str
) -> None:
    caller = await authorize(people[1])
    await call(CHANGE_ME, ChangeMe(name=name, display_name=name), caller)
    await call(CHANGE_ME, ChangeMe(name=name), await authorize(people[0]))
    page = await call(SEARCH_USERS, SearchUsers(q=name[:20], limit=1), caller)
    rest = await call(SEARCH_USERS, SearchUsers(q=name[:20], limit=1, cursor=page.next_cursor), caller)
    assert {user.username for user in (*page.users, *rest.users)} == {"ada", "grace"}


async def test_members_are_told_by_username_or_id_each_to_who_asked(
    people: list[SignedIn], authorize: AuthorizeSession, messages: Caller
) -> None:
    caller, (ada, grace, zoe, _) = await authorize(people[0]), [one.user for one in people]
    asked = FindMembers(usernames=["Grace", "nobody"], user_ids=[zoe.id, new_id()])
    members = (await messages(FIND_MEMBERS, asked, caller)).members
    assert [(one.id, one.username, one.name, one.role) for one in members] == [
        (grace.id, "grace", "Grace Hopper", Role.CLIENT),
        (zoe.id, "zoe", "Zoë Ångström", Role.CLIENT),
    ]
    assert [one.id for one in (await messages(FIND_MEMBERS, FindMembers(user_ids=[ada.id]), caller)).members] == [ada.id]
    assert (await messages(FIND_MEMBERS, FindMembers(), caller)).members == []


async def test_emails_are_for_those_who_read_members_and_oneself(people: list[SignedIn], authorize: AuthorizeSession, call: Caller) -> None:
    admin, client = await authorize(people[0]), await authorize(people[1])
    ada, grace = people[0].user.id, people[1].user.id
    assert (await call(GET_USER, GetUser(user_id=grace), admin)).email == "grace@example.org"
    assert (await call(GET_USER, GetUser(user_id=ada), client)).email is None
    assert (await call(GET_USER, GetUser(user_id=ada), client)).account_status is None
    assert (await call(GET_USER, GetUser(user_id=grace), client)).email == "grace@example.org"
    assert [user.email for user in (await call(SEARCH_USERS, SearchUsers(q="ada"), client)).users] == [None]


async def test_a_search_reads_the_index_of_names_alone_whatever_the_number_of_users(
    people: list[SignedIn], servers: Servers, database: Admin
) -> None:
    """As the service's own role: a comparison that row-level security does not trust would read the whole workspace."""
    workspace = people[0].user.workspace_id
    await database.execute("SET session_replication_role = replica")
    await database.execute(
        """INSERT INTO users (id, username, first_name, last_name, name, email, password_hash, search_names)
           SELECT uuidv7(), 'u' || n, 'U', '', 'U', n || '@many.example', '', ARRAY['u' || n] FROM generate_series(1, 20000) n"""
    )
    await database.execute("INSERT INTO workspace_members (workspace_id, user_id, role) SELECT $1, id, 'client' FROM users "
                           "WHERE email LIKE '%@many.example'", workspace)  # fmt: skip
    await database.execute("INSERT INTO member_names SELECT $1, id, username FROM users WHERE email LIKE '%@many.example'", workspace)
    await database.execute("SET session_replication_role = origin; ANALYZE users, workspace_members, member_names")
    role = database_role("identity")
    own = await asyncpg.connect(as_role(servers.postgres_url, role, servers.credentials.postgres[role]))
    try:
        await own.execute(f"SET search_path = identity; SET enable_seqscan = off; SET app.workspace = '{workspace}'")
        values = (workspace, "u", "u\U0010ffff", "", new_id(), [str(status) for status in SIGNING_IN], 51)
        rows = await own.fetch(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF) {_SEARCH}", *values)
        plan = "\n".join(row[0] for row in rows)
        assert "Index Cond: ((workspace_id = " in plan
        assert "(name >= 'u'::text)" in plan.split("Filter")[0] or "(name >= " in plan
        assert "Seq Scan" not in plan
        assert "Sort" not in plan
        assert _most_rows(plan) <= 100, plan
        rows = await own.fetch(
            f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF) {_SEARCH_STAFF}", *values, people[1].user.id
        )
        plan = "\n".join(row[0] for row in rows)
        assert "Seq Scan" not in plan
        assert _most_rows(plan) <= 100, plan
        asked = [row["id"] for row in await database.fetch("SELECT id FROM users ORDER BY id DESC LIMIT 200")]
        rows = await own.fetch(
            f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF) {_STATUSES}", workspace, asked, new_id(), ["guest"]
        )
        plan = "\n".join(row[0] for row in rows)
        assert "Seq Scan" not in plan
        assert _most_rows(plan) <= 200, plan
    finally:
        await own.close()


def _most_rows(plan: str) -> int:
    """The most rows that one step gave."""
    return max(int(float(part.split()[0])) for part in plan.split("rows=")[1:])


async def test_statuses_are_of_those_whom_one_may_find(
    people: list[SignedIn], authorize: AuthorizeSession, call: Caller, database: Admin
) -> None:
    admin, *clients = people
    ids = [person.user.id for person in people]
    await database.execute("UPDATE users SET current_status = 'busy', last_seen_at = NULL WHERE id = $1", admin.user.id)
    seen = await call(FIND_STATUSES, FindStatuses(user_ids=[*ids, new_id()]), await authorize(admin))
    assert {one.user_id for one in seen.statuses} == set(ids)
    (of_admin,) = [one for one in seen.statuses if one.user_id == admin.user.id]
    assert (of_admin.current_status, of_admin.last_seen_at) == ("busy", None)
    client = await authorize(clients[0])
    for role, found in (("client", {admin.user.id, client.user_id}), ("guest", {client.user_id})):
        await database.execute("UPDATE workspace_members SET role = $2 WHERE user_id = $1", client.user_id, role)
        seen = await call(FIND_STATUSES, FindStatuses(user_ids=ids), await authorize(clients[0]))
        assert {one.user_id for one in seen.statuses} == found


async def test_statuses_are_of_members_of_ones_own_workspace(
    people: list[SignedIn], authorize: AuthorizeSession, call: Caller, database: Admin
) -> None:
    admin, removed, moved, gone = people
    await database.execute("UPDATE workspace_members SET deleted_at = now() WHERE user_id = $1", removed.user.id)
    elsewhere = new_id()
    await database.execute("INSERT INTO workspaces (id, name) VALUES ($1, 'Elsewhere')", elsewhere)
    await database.execute("UPDATE workspace_members SET workspace_id = $2 WHERE user_id = $1", moved.user.id, elsewhere)
    await database.execute("UPDATE users SET deleted_at = now() WHERE id = $1", gone.user.id)
    seen = await call(FIND_STATUSES, FindStatuses(user_ids=[person.user.id for person in people]), await authorize(admin))
    assert [one.user_id for one in seen.statuses] == [admin.user.id]
