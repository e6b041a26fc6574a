"""Profiles: what people say of themselves, who is told, and what is kept of what was."""

import asyncio

import pytest
from pydantic import ValidationError

from services.identity.main import IdentityApplication
from services.identity.repository.upkeep import FORGET_LINKS, FORGET_SESSIONS
from shared.contracts.identity.profiles import CHANGE_ME, ChangeMe, CurrentStatus, UserChanged, UsernameIsTaken
from shared.contracts.identity.sessions import SignedIn
from shared.contracts.identity.statuses import NOTE_SEEN, NoteSeen
from shared.contracts.identity.users import GET_ME, GetMe, Myself
from shared.credentials import background_role
from shared.database.connections import Database, as_role
from shared.identifiers import new_id
from shared.messaging.caller import Caller
from shared.outbox import rows
from tests.servers import Servers
from tests.service.identity.conftest import Admin, AuthorizeSession, Register


async def change(call: Caller, authorize: AuthorizeSession, signed_in: SignedIn, **fields: object) -> Myself:
    return await call(CHANGE_ME, ChangeMe.model_validate(fields), await authorize(signed_in))


async def said(database: Admin) -> list[UserChanged]:
    rows = await database.fetch("SELECT data FROM outbox WHERE subject LIKE 'event.identity.user_changed.v1.%' ORDER BY id")
    return [UserChanged.model_validate_json(row["data"]) for row in rows]


async def test_what_is_sent_changes_and_the_rest_stays(
    register: Register, authorize: AuthorizeSession, call: Caller, database: Admin
) -> None:
    before = await register("ada@example.org")
    sent = {"display_name": "Countess", "avatar_url": "https://pictures.example/ada.png", "current_status": "busy"}
    after = await change(call, authorize, before, **sent)
    assert after == before.user.model_copy(update=sent | {"last_seen_at": after.last_seen_at})
    assert await call(GET_ME, GetMe(), await authorize(before)) == after
    (event,) = await said(database)
    assert (event.user.display_name, event.user.email) == ("Countess", None)
    assert (await change(call, authorize, before, display_name=None, avatar_url=None)).display_name is None


async def test_preferences_are_ones_own(register: Register, authorize: AuthorizeSession, call: Caller, database: Admin) -> None:
    ada = await register("ada@example.org")
    preferences = {"theme": "dark", "notify": {"mentions": True}, "é": [1, None]}
    assert (await change(call, authorize, ada, preferences=preferences)).preferences == preferences
    assert "dark" not in "".join(event.model_dump_json() for event in await said(database))


async def test_another_name_is_another_first_and_last_name(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    ada = await register("ada@example.org")
    changed = await change(call, authorize, ada, name="Augusta Ada King")
    assert (changed.name, changed.first_name, changed.last_name) == ("Augusta Ada King", "Augusta", "Ada King")


async def test_a_username_is_ones_own_alone(register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    ada, bob = await register("ada@example.org"), await register("bob@example.org")
    with pytest.raises(UsernameIsTaken):
        await change(call, authorize, bob, username="ada")
    outcomes = await asyncio.gather(
        change(call, authorize, ada, username="countess"), change(call, authorize, bob, username="countess"), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Myself", "UsernameIsTaken"]


@pytest.mark.parametrize(
    "field",
    [
        {"avatar_url": "http://pictures.example/ada.png"},
        {"avatar_url": "javascript:alert(1)"},
        {"avatar_url": "data:image/png;base64,AAAA"},
        {"avatar_url": "https://ada:secret@pictures.example/"},
        {"avatar_url": "https://pictures.example/a b.png"},
        {"avatar_url": 'https://pictures.example/"onerror='},
        {"avatar_url": "https://"},
        {"avatar_url": "https://x.example/" + "a" * 500},
        {"current_status": "invisible"},
        {"username": "Ada"},
        {"username": ".ada"},
        {"username": "a@b"},
        {"username": "a" * 65},
        {"username": ""},
        {"name": " "},
        {"name": None},
        {"display_name": ""},
        {"preferences": {"x": "y" * 16_384}},
        {"preferences": {"x": "\0"}},
        {"preferences": []},
        {"email": "other@example.org"},
        {"role": "admin"},
        {"account_status": "active"},
    ],
    ids=str,
)
def test_what_is_no_profile_is_refused(field: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ChangeMe.model_validate(field)


async def test_what_somebody_was_is_kept_without_their_password(
    register: Register, authorize: AuthorizeSession, call: Caller, database: Admin
) -> None:
    ada = await register("ada@example.org")
    await change(call, authorize, ada, name="Countess")
    await change(call, authorize, ada, current_status=CurrentStatus.ONLINE)
    (row,) = await database.fetch("SELECT * FROM users_history")
    assert (row["operation_type"], row["changed_by"], row["name"], row["password_hash"]) == ("UPDATE", ada.user.id, "Ada", "")


async def test_a_change_that_changes_nothing_is_said_to_nobody(
    register: Register, authorize: AuthorizeSession, call: Caller, database: Admin
) -> None:
    ada = await register("ada@example.org")
    await change(call, authorize, ada, name="Ada", display_name=None, current_status="offline", preferences={})
    assert await said(database) == []


async def test_every_workspace_of_a_user_is_told(register: Register, authorize: AuthorizeSession, call: Caller, database: Admin) -> None:
    ada, elsewhere = await register("ada@example.org"), new_id()
    await database.execute("INSERT INTO workspaces (id, name) VALUES ($1, 'Elsewhere')", elsewhere)
    await database.execute("INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, 'guest')", elsewhere, ada.user.id)
    await change(call, authorize, ada, name="Countess")
    events = {event.user.workspace_id: event for event in await said(database)}
    assert {workspace: event.user.role for workspace, event in events.items()} == {ada.user.workspace_id: "admin", elsewhere: "guest"}
    assert len({event.version for event in events.values()}) == 1


async def test_who_was_here_is_noted_once_a_minute_without_history(
    register: Register, authorize: AuthorizeSession, identity: IdentityApplication, database: Admin
) -> None:
    ada = await register("ada@example.org")
    await database.execute("UPDATE users SET last_seen_at = now() - interval '61 s'")
    await database.execute("UPDATE user_sessions SET last_used_at = now() - interval '61 s'")
    await authorize(ada)
    await identity._last_seen.write()
    first = await database.fetchrow("SELECT last_seen_at, last_used_at FROM users u JOIN user_sessions s ON s.user_id = u.id")
    assert first is not None
    assert [await database.fetchval("SELECT $1 > now() - interval '5 s'", moment) for moment in first] == [True, True]
    for _ in range(3):
        await authorize(ada)
        await identity._last_seen.write()
    assert await database.fetchrow("SELECT last_seen_at, last_used_at FROM users u JOIN user_sessions s ON s.user_id = u.id") == first
    assert await database.fetchval("SELECT count(*) FROM users_history") == 0


async def test_who_is_connected_was_here_whatever_they_ask(
    register: Register, call: Caller, identity: IdentityApplication, database: Admin
) -> None:
    ada, grace = await register("ada@example.org"), await register("grace@example.org")
    await database.execute("UPDATE users SET last_seen_at = now() - interval '61 s'")
    await call(NOTE_SEEN, NoteSeen(user_ids=[ada.user.id, new_id()]), None)
    await identity._last_seen.write()
    seen = await database.fetch("SELECT id, last_seen_at > now() - interval '5 s' AS now FROM users")
    assert {row["id"]: row["now"] for row in seen} == {ada.user.id: True, grace.user.id: False}


async def test_what_is_long_over_is_swept_away_a_batch_at_a_time(servers: Servers, register: Register, database: Admin) -> None:
    ada = await register("ada@example.org")
    ended = """INSERT INTO user_sessions (id, user_id, workspace_id, token_hash, expires_at)
               SELECT uuidv7(), $1, $2, 'x', now() - make_interval(days => days) FROM unnest($3::integer[]) AS days"""
    await database.execute(ended, ada.user.id, ada.user.workspace_id, [29])
    await database.execute(
        """INSERT INTO mailed_tokens (token_hash, user_id, purpose, email, expires_at)
           SELECT hours::text, $1, 'reset', 'x', now() - make_interval(hours => hours) FROM unnest(ARRAY[-1, 1, 25, 48]) AS hours""",
        ada.user.id,
    )
    role = background_role("identity")
    background = Database(as_role(servers.postgres_url, role, servers.credentials.postgres[role]), "identity", connections=1)
    await background.open()
    gone = ["DELETE 0"]
    async with asyncio.timeout(10), background.connection() as connection:
        while gone[0] == "DELETE 0":  # the service's own sweep was quicker
            await database.execute(ended, ada.user.id, ada.user.workspace_id, [31, 32, 33])
            gone = [await connection.execute(FORGET_SESSIONS, 2) for _ in range(3)]
    assert gone == ["DELETE 2", "DELETE 1", "DELETE 0"]
    while await rows.forget(background, FORGET_SESSIONS, FORGET_LINKS):
        pass
    await background.close()
    assert await database.fetchval("SELECT count(*) FROM user_sessions") == 2
    assert await database.fetchval("SELECT count(*) FROM mailed_tokens") == 2
