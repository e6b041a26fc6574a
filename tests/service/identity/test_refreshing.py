"""Refresh tokens: for one use, with one grace; and the end of sessions."""

import asyncio
from datetime import timedelta

import pytest
from pydantic import SecretStr

from shared.contracts.identity.sessions import (
    LOG_OUT,
    REFRESH_SESSION,
    LogOut,
    RefreshSession,
    RefreshTokenIsSpent,
    SessionEnded,
    SessionHasEnded,
    SignedIn,
)
from shared.messaging.caller import Caller
from tests.service.identity.conftest import Admin, AuthorizeSession, Register
from tests.service.identity.tokens import ids


async def refresh(call: Caller, token: str) -> SignedIn:
    return await call(REFRESH_SESSION, RefreshSession(refresh_token=SecretStr(token)), None)


async def log_out(call: Caller, token: str) -> None:
    await call(LOG_OUT, LogOut(refresh_token=SecretStr(token)), None)


async def ended(database: Admin) -> list[SessionEnded]:
    rows = await database.fetch("SELECT data FROM outbox WHERE subject LIKE 'event.identity.session_ended.v1._.%' ORDER BY id")
    return [SessionEnded.model_validate_json(row["data"]) for row in rows]


async def test_refreshing_goes_on_with_the_same_session(register: Register, call: Caller, authorize: AuthorizeSession) -> None:
    before = await register("ada@example.org")
    after = await refresh(call, before.refresh_token)
    assert ids(after) == ids(before)
    assert after.user == before.user
    assert after.refresh_token != before.refresh_token
    assert after.access_token != before.access_token
    assert (await authorize(after)).user_id == before.user.id
    assert (await refresh(call, after.refresh_token)).user == before.user


async def test_a_retry_gets_the_same_successor(register: Register, call: Caller, database: Admin) -> None:
    token = (await register("ada@example.org")).refresh_token
    first = await refresh(call, token)
    await database.execute("UPDATE user_sessions SET rotated_at = rotated_at - interval '9 s'")
    assert (await refresh(call, token)).refresh_token == first.refresh_token
    assert await ended(database) == []


async def test_refreshing_in_parallel_gives_all_the_same_successor(register: Register, call: Caller, database: Admin) -> None:
    token = (await register("ada@example.org")).refresh_token
    refreshed = await asyncio.gather(*(refresh(call, token) for _ in range(20)))
    assert len({one.refresh_token for one in refreshed}) == 1
    assert await database.fetchval("SELECT refresh_generation FROM user_sessions") == 1


async def test_a_token_used_again_after_its_successor_ends_the_session(
    register: Register, call: Caller, database: Admin, authorize: AuthorizeSession
) -> None:
    signed_in = await register("ada@example.org")
    second = await refresh(call, signed_in.refresh_token)
    third = await refresh(call, second.refresh_token)
    with pytest.raises(RefreshTokenIsSpent):
        await refresh(call, signed_in.refresh_token)
    with pytest.raises(SessionHasEnded):
        await authorize(third)
    with pytest.raises(RefreshTokenIsSpent):
        await refresh(call, third.refresh_token)
    session_id, user_id, _ = ids(signed_in)
    assert await ended(database) == [
        SessionEnded(entity_id=session_id, version=2, user_id=user_id, session_id=session_id, reason="refresh-token-reused")
    ]


async def test_a_token_used_again_after_ten_seconds_ends_the_session(
    register: Register, call: Caller, database: Admin, authorize: AuthorizeSession
) -> None:
    token = (await register("ada@example.org")).refresh_token
    second = await refresh(call, token)
    await database.execute("UPDATE user_sessions SET rotated_at = rotated_at - interval '11 s'")
    with pytest.raises(RefreshTokenIsSpent):
        await refresh(call, token)
    with pytest.raises(SessionHasEnded):
        await authorize(second)


async def test_a_made_up_token_ends_nothing(register: Register, call: Caller, authorize: AuthorizeSession) -> None:
    signed_in = await register("ada@example.org")
    token = signed_in.refresh_token
    for guess in (
        token[:30] + ("A" if token[30] != "A" else "B") + token[31:],
        token[:-1],
        token + "A",
        "x",
        "é",
        " " + token,
        token + "=",
    ):
        with pytest.raises(RefreshTokenIsSpent):
            await refresh(call, guess)
        await log_out(call, guess)
    await authorize(signed_in)


async def test_a_refresh_prolongs_the_session(register: Register, call: Caller, database: Admin) -> None:
    signed_in = await register("ada@example.org")
    await database.execute("UPDATE user_sessions SET expires_at = now() + interval '1 minute'")
    await refresh(call, signed_in.refresh_token)
    left = await database.fetchval("SELECT expires_at - now() FROM user_sessions")
    assert timedelta(days=29, hours=23) < left <= timedelta(days=30)


async def test_an_expired_session_is_over(register: Register, call: Caller, database: Admin, authorize: AuthorizeSession) -> None:
    signed_in = await register("ada@example.org")
    await database.execute("UPDATE user_sessions SET expires_at = now()")
    with pytest.raises(RefreshTokenIsSpent):
        await refresh(call, signed_in.refresh_token)
    with pytest.raises(SessionHasEnded):
        await authorize(signed_in)


@pytest.mark.parametrize("change", ["current_account_status = 'suspended'", "deleted_at = now()"])
async def test_who_may_not_sign_in_cannot_refresh(register: Register, call: Caller, database: Admin, change: str) -> None:
    signed_in = await register("ada@example.org")
    await database.execute(f"UPDATE users SET {change}")
    with pytest.raises(RefreshTokenIsSpent):
        await refresh(call, signed_in.refresh_token)


async def test_who_is_no_member_any_more_cannot_refresh(register: Register, call: Caller, database: Admin) -> None:
    signed_in = await register("ada@example.org")
    await database.execute("UPDATE workspace_members SET deleted_at = now()")
    with pytest.raises(RefreshTokenIsSpent):
        await refresh(call, signed_in.refresh_token)


async def test_signing_out_ends_the_session_from_the_next_request_on(
    register: Register, call: Caller, database: Admin, authorize: AuthorizeSession
) -> None:
    signed_in = await register("ada@example.org")
    await authorize(signed_in)
    await log_out(call, signed_in.refresh_token)
    with pytest.raises(SessionHasEnded):
        await authorize(signed_in)
    with pytest.raises(RefreshTokenIsSpent):
        await refresh(call, signed_in.refresh_token)
    await log_out(call, signed_in.refresh_token)
    assert [event.reason for event in await ended(database)] == ["signed-out"]


async def test_signing_out_with_a_spent_token_ends_its_session_too(register: Register, call: Caller, authorize: AuthorizeSession) -> None:
    signed_in = await register("ada@example.org")
    await refresh(call, signed_in.refresh_token)
    await log_out(call, signed_in.refresh_token)
    with pytest.raises(SessionHasEnded):
        await authorize(signed_in)
