"""Where one is signed in, and how one signs out there."""

import pytest
from pydantic import SecretStr

from shared.contracts.identity.devices import (
    END_OTHER_SESSIONS,
    END_OWN_SESSION,
    LIST_OWN_SESSIONS,
    EndOtherSessions,
    EndOwnSession,
    ListOwnSessions,
    SessionNotFound,
)
from shared.contracts.identity.sessions import LOG_IN, LogIn, Origin, SessionHasEnded, SignedIn
from shared.contracts.refusals import CursorIsNotValid
from shared.identifiers import new_id
from shared.messaging.caller import Caller
from tests.service.identity.conftest import Admin, AuthorizeSession, Register
from tests.service.identity.tokens import ids


async def log_in(call: Caller, **origin: str) -> SignedIn:
    request = LogIn(email="ada@example.org", password=SecretStr("correct horse"), origin=Origin.model_validate(origin))
    return await call(LOG_IN, request, None)


async def test_ones_sessions_are_told_newest_first_with_where_they_are_from(
    register: Register, call: Caller, authorize: AuthorizeSession, database: Admin
) -> None:
    first = await register("ada@example.org")
    second = await log_in(call, address="192.0.2.7", user_agent="Browser/1.0")
    await register("bob@example.org")
    over = await log_in(call)
    await database.execute("UPDATE user_sessions SET expires_at = now() WHERE id = $1", ids(over)[0])
    page = await call(LIST_OWN_SESSIONS, ListOwnSessions(), await authorize(first))
    assert [(one.id, one.current, one.address, one.user_agent) for one in page.sessions] == [
        (ids(second)[0], False, "192.0.2.7", "Browser/1.0"),
        (ids(first)[0], True, None, None),
    ]
    assert (page.has_more, page.next_cursor) == (False, None)


async def test_pages_of_sessions_are_ones_own(register: Register, call: Caller, authorize: AuthorizeSession) -> None:
    ada, bob = await register("ada@example.org"), await register("bob@example.org")
    signed_in = [ids(ada)[0], *[ids(await log_in(call))[0] for _ in range(2)]]
    caller = await authorize(ada)
    pages = [await call(LIST_OWN_SESSIONS, ListOwnSessions(limit=1), caller)]
    while pages[-1].next_cursor:
        pages.append(await call(LIST_OWN_SESSIONS, ListOwnSessions(limit=1, cursor=pages[-1].next_cursor), caller))
    assert [one.id for page in pages for one in page.sessions] == signed_in[::-1]
    with pytest.raises(CursorIsNotValid):
        await call(LIST_OWN_SESSIONS, ListOwnSessions(cursor=pages[0].next_cursor), await authorize(bob))


async def test_a_session_is_ended_by_its_user_alone(register: Register, call: Caller, authorize: AuthorizeSession) -> None:
    ada, bob = await register("ada@example.org"), await register("bob@example.org")
    there = await log_in(call)
    caller, stranger = await authorize(ada), await authorize(bob)
    for session_id in (ids(there)[0], new_id()):
        with pytest.raises(SessionNotFound):
            await call(END_OWN_SESSION, EndOwnSession(session_id=session_id), stranger)
    await authorize(there)
    for _ in range(2):
        await call(END_OWN_SESSION, EndOwnSession(session_id=ids(there)[0]), caller)
    with pytest.raises(SessionHasEnded):
        await authorize(there)
    await call(END_OWN_SESSION, EndOwnSession(session_id=ids(ada)[0]), caller)
    with pytest.raises(SessionHasEnded):
        await authorize(ada)


async def test_all_others_are_ended_at_once(register: Register, call: Caller, authorize: AuthorizeSession, database: Admin) -> None:
    ada, bob = await register("ada@example.org"), await register("bob@example.org")
    others = [await log_in(call) for _ in range(3)]
    await call(END_OTHER_SESSIONS, EndOtherSessions(), await authorize(ada))
    await authorize(ada)
    await authorize(bob)
    for other in others:
        with pytest.raises(SessionHasEnded):
            await authorize(other)
    rows = await database.fetch("SELECT end_reason FROM user_sessions WHERE ended_at IS NOT NULL")
    assert [row["end_reason"] for row in rows] == ["ended-elsewhere"] * 3
