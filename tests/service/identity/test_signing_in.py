"""Sessions by email and password, and the tokens that they give."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from statistics import median
from threading import Event

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic import SecretStr

from services.identity.main import IdentityApplication
from services.identity.passwords import MOST_WAITING, WORKERS, Passwords
from services.identity.repository.installation import load_keys
from shared.contracts.identity.sessions import (
    ALGORITHM,
    AUDIENCE,
    GET_PUBLIC_KEYS,
    ISSUER,
    LOG_IN,
    CredentialsAreWrong,
    GetPublicKeys,
    LogIn,
    SignedIn,
)
from shared.contracts.identity.users import AccountStatus, SignInIsThrottled
from shared.credentials import database_role
from shared.database.connections import Database, as_role
from shared.messaging.caller import Caller
from tests.servers import Servers
from tests.service.identity.conftest import QUICK, Admin, Register
from tests.service.identity.tokens import ids, part

RIGHT, WRONG = SecretStr("correct horse"), SecretStr("Correct horse")


async def log_in(call: Caller, email: str = "ada@example.org", password: SecretStr = RIGHT) -> SignedIn:
    return await call(LOG_IN, LogIn(email=email, password=password), None)


async def test_signing_in_starts_a_session_of_its_own(register: Register, call: Caller) -> None:
    first = await register("ada@example.org")
    second = await log_in(call, " ADA@example.org")
    assert second.user.id == first.user.id
    assert ids(second)[0] != ids(first)[0]
    assert second.user.last_seen_at is not None


async def test_a_wrong_password_and_an_unknown_email_are_answered_alike(register: Register, call: Caller) -> None:
    await register("ada@example.org")
    with pytest.raises(CredentialsAreWrong) as wrong:
        await log_in(call, password=WRONG)
    with pytest.raises(CredentialsAreWrong) as unknown:
        await log_in(call, "nobody@example.org")
    assert wrong.value.view() == unknown.value.view()


async def test_an_unknown_email_takes_as_long_as_a_known_one() -> None:
    passwords = Passwords(Argon2Hasher(time_cost=2, memory_cost=8_192, parallelism=1))
    await passwords.start()
    known = await passwords.hash(RIGHT)

    async def seconds(hashed: str | None) -> float:
        started = time.perf_counter()
        assert not await passwords.match(WRONG, hashed)
        return time.perf_counter() - started

    times = [(await seconds(known), await seconds(None)) for _ in range(9)]
    assert 0.5 < median(unknown / known for known, unknown in times) < 2
    passwords.close()


@pytest.mark.parametrize("status", [AccountStatus.SUSPENDED, AccountStatus.DEACTIVATED])
async def test_who_may_not_sign_in_is_refused_with_the_right_password(
    register: Register, call: Caller, database: Admin, status: AccountStatus
) -> None:
    await register("ada@example.org")
    await database.execute("UPDATE users SET current_account_status = $1", status)
    with pytest.raises(CredentialsAreWrong):
        await log_in(call)


async def test_who_is_no_member_any_more_cannot_sign_in(register: Register, call: Caller, database: Admin) -> None:
    await register("ada@example.org")
    await database.execute("UPDATE workspace_members SET deleted_at = now()")
    with pytest.raises(CredentialsAreWrong):
        await log_in(call)


async def test_an_access_token_says_who_and_which_session_for_fifteen_minutes(register: Register, call: Caller) -> None:
    signed_in = await register("ada@example.org")
    found = await call(GET_PUBLIC_KEYS, GetPublicKeys(), None)
    token = jwt.decode(signed_in.access_token, KeySet.import_key_set(json.loads(found.model_dump_json())), algorithms=[ALGORITHM])
    claims = token.claims
    assert token.header == {"alg": "ES256", "kid": found.keys[0]["kid"], "typ": "JWT"}
    assert (claims["iss"], claims["aud"], claims["sub"]) == (ISSUER, AUDIENCE, str(signed_in.user.id))
    assert claims["ws"] == str(signed_in.user.workspace_id)
    assert claims["exp"] - claims["iat"] == 15 * 60
    assert claims["nbf"] == claims["iat"]
    assert signed_in.expires_at == datetime.fromtimestamp(claims["exp"], UTC)
    assert set(claims) == {"iss", "aud", "sub", "sid", "ws", "iat", "nbf", "exp", "jti"}


async def test_public_keys_have_no_private_part(identity: IdentityApplication, call: Caller) -> None:
    [key] = (await call(GET_PUBLIC_KEYS, GetPublicKeys(), None)).keys
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}


async def test_replicas_that_start_together_have_the_same_keys(servers: Servers, database: Admin) -> None:
    await database.execute("DELETE FROM signing_keys")
    role = database_role("identity")
    own = Database(as_role(servers.postgres_url, role, servers.credentials.postgres[role]), "identity", connections=6)
    await own.open()
    keys = await asyncio.gather(*(load_keys(own) for _ in range(6)))
    await own.close()
    assert len({one.access.thumbprint() for one in keys}) == len({one.refresh for one in keys}) == 1


async def test_a_session_ends_thirty_days_after_its_start(register: Register, database: Admin) -> None:
    await register("ada@example.org")
    life = await database.fetchval("SELECT expires_at - created_at FROM user_sessions")
    assert life == timedelta(days=30)


async def test_neither_password_nor_refresh_token_is_stored(register: Register, database: Admin) -> None:
    signed_in = await register("ada@example.org")
    rows = await database.fetch("SELECT to_jsonb(users)::text FROM users UNION ALL SELECT to_jsonb(s)::text FROM user_sessions s")
    stored = " ".join(row[0] for row in rows)
    assert "correct horse" not in stored
    assert signed_in.refresh_token not in stored
    assert part(signed_in.access_token, 1)["jti"] not in stored


async def test_sign_ins_beyond_the_bound_are_refused_and_the_others_done() -> None:
    released = Event()

    class Slow(Argon2Hasher):
        def verify(self, password: str | bytes, hash: str | bytes) -> bool:
            released.wait()
            return super().verify(password, hash)

    passwords = Passwords(Slow(time_cost=1, memory_cost=8, parallelism=1))
    await passwords.start()
    hashed = QUICK.hash("correct horse")
    asked = [asyncio.ensure_future(passwords.match(RIGHT, hashed)) for _ in range(WORKERS + MOST_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(SignInIsThrottled) as refusal:
        await passwords.match(RIGHT, hashed)
    assert refusal.value.retry_after == 2
    released.set()
    assert all(await asyncio.gather(*asked))
    passwords.close()
