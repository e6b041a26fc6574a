"""Whose token is taken, and for how long."""

import asyncio
import base64
import hmac
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from services.gateway import auth
from services.gateway.auth import Tokens
from shared.contracts.identity.service_accounts import AUTHORIZE_TOKEN, PREFIX, AuthorizeToken
from shared.contracts.identity.sessions import AUTHORIZE, GET_PUBLIC_KEYS, PublicKeys, TokenIsNotValid
from shared.contracts.messages.messages import POST_MESSAGE
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import ServiceIsUnavailable
from shared.identifiers import new_id
from tests.unit.gateway.neighbours import POST_PATH, SIGNING_KEY, Neighbours, Running, claims, published, running_gateway, token

STRANGER = ECKey.generate_key("P-256")
KEY_ID = SIGNING_KEY.thumbprint()


def encoded(part: Any) -> str:
    return base64.urlsafe_b64encode(part if isinstance(part, bytes) else json.dumps(part).encode()).decode().rstrip("=")


def signed_with_the_public_key() -> str:
    """The old attack: the public key as the secret of an HMAC."""
    signed = f"{encoded({'alg': 'HS256', 'kid': KEY_ID})}.{encoded(claims())}"
    return f"{signed}.{encoded(hmac.digest(SIGNING_KEY.as_pem(private=False), signed.encode(), sha256))}"


def without_the_claim(name: str) -> str:
    from joserfc import jwt

    return jwt.encode({"alg": "ES256", "kid": KEY_ID}, {key: value for key, value in claims().items() if key != name}, SIGNING_KEY)


def tampered() -> str:
    header, _, signature = token().split(".")
    return f"{header}.{encoded(claims())}.{signature}"


now = int(time.time())
FORGED = {
    "alg none": f"{encoded({'alg': 'none', 'kid': KEY_ID})}.{encoded(claims())}.",
    "alg None, spelled otherwise": f"{encoded({'alg': 'nOnE', 'kid': KEY_ID})}.{encoded(claims())}.",
    "HS256 with the public key": signed_with_the_public_key(),
    "another's signature": token(STRANGER, {"kid": KEY_ID}),
    "other claims": tampered(),
    "no signature": token().rpartition(".")[0] + ".",
    "a key of its own": token(STRANGER, {"kid": KEY_ID, "jwk": STRANGER.as_dict(private=False)}),
    "an address of a key": token(header={"jku": "https://example.org/keys"}),
    "a critical extension": f"{encoded({'alg': 'ES256', 'kid': KEY_ID, 'crit': ['b64'], 'b64': False})}.{encoded(claims())}.AA",
    "no key id": token(header={"kid": ""}),
    "a path as key id": token(header={"kid": "../../../../dev/null"}),
    "an address as key id": token(header={"kid": "https://example.org/key.pem"}),
    "SQL as key id": token(header={"kid": "x' UNION SELECT 'key"}),
    "expired": token(exp=now - 1, iat=now - 900, nbf=now - 900),
    "not yet": token(nbf=now + 3_600),
    "made in the future": token(iat=now + 3_600),
    "another issuer": token(iss="elsewhere"),
    "another audience": token(aud="elsewhere"),
    "several audiences": token(aud=["atrium", "elsewhere"]),
    "no end": without_the_claim("exp"),
    "no begin": without_the_claim("nbf"),
    "no issuer": without_the_claim("iss"),
    "no audience": without_the_claim("aud"),
    "no session": without_the_claim("sid"),
    "no user": without_the_claim("sub"),
    "no workspace": without_the_claim("ws"),
    "a user that is none": token(sub="admin"),
    "text as end": token(exp=str(now + 900)),
    "not a token": "hello",
    "dots": "..",
    "five parts": "a.b.c.d.e",
    "too long": token(jti="x" * 5_000),
    "a header that is no object": f"{encoded([])}.{encoded(claims())}.AA",
    "a header that is no JSON": f"{encoded(b'x')}.{encoded(claims())}.AA",
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
async def test_what_identity_has_not_signed_for_now_and_here_is_refused(running: Running, forged: str) -> None:
    answer = await running.client.post(POST_PATH, json={"content": "x"}, headers={"Authorization": f"Bearer {forged}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_is_not_valid")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert running.neighbours.calls(AUTHORIZE) == []


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic YTpi", token()])
async def test_no_token_is_told_apart(running: Running, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = await running.client.post(POST_PATH, json={"content": "x"}, headers=headers)
    assert (answer.status_code, answer.json()["code"], answer.headers["www-authenticate"]) == (401, "token_is_missing", "Bearer")


async def test_a_token_says_who_in_which_session_and_workspace(running: Running) -> None:
    ids: dict[str, Any] = {name: str(new_id()) for name in ("sub", "sid", "ws")}
    await running.client.post(POST_PATH, json={"content": "x"}, headers={"Authorization": f"bearer {token(header={}, **ids)}"})
    (asked,) = running.neighbours.calls(AUTHORIZE)
    assert asked.request.model_dump(mode="json") == {
        "userId": ids["sub"],
        "sessionId": ids["sid"],
        "workspaceId": ids["ws"],
        "permission": "chat:message:send",
    }


async def test_clocks_may_differ_by_a_little() -> None:
    tokens = Tokens(the_keys)
    in_a_moment = int(time.time()) + auth.LEEWAY - 1
    await tokens.claims(token(nbf=in_a_moment, iat=in_a_moment).encode())


async def test_a_token_that_was_verified_ends_when_it_says() -> None:
    tokens = Tokens(the_keys)
    brief = token(exp=int(time.time()) + 2).encode()
    ends = (await tokens.claims(brief)).expires_at
    await asyncio.sleep(max(0, ends - time.time()) + 0.01)
    with pytest.raises(TokenIsNotValid):
        await tokens.claims(brief)


async def test_only_so_many_tokens_are_remembered() -> None:
    tokens = Tokens(the_keys)
    for _ in range(3):
        await tokens.claims(token().encode())
    assert len(tokens._verified) == 3
    assert all(len(digest) == 32 for digest in tokens._verified)
    tokens._verified |= {number.to_bytes(32): next(iter(tokens._verified.values())) for number in range(auth.MOST_REMEMBERED - 3)}
    await tokens.claims(token().encode())
    assert len(tokens._verified) == auth.MOST_REMEMBERED


async def test_a_made_up_key_id_asks_identity_once_in_ten_seconds() -> None:
    neighbours = Neighbours()
    async with running_gateway(neighbours) as running:
        for _ in range(5):
            forged = token(STRANGER)
            answer = await running.client.get("/api/auth/me", headers={"Authorization": f"Bearer {forged}"})
            assert answer.status_code == 401
        assert len(neighbours.calls(GET_PUBLIC_KEYS)) == 1


async def test_a_new_key_is_asked_for_when_its_first_token_comes() -> None:
    neighbours = Neighbours()
    tokens = Tokens(lambda: neighbours(GET_PUBLIC_KEYS, GET_PUBLIC_KEYS.request(), None))
    await tokens.claims(token().encode())
    neighbours.keys = [published(SIGNING_KEY), published(STRANGER)]
    tokens._fetched_at -= auth.KEYS_AGAIN_AFTER
    await tokens.claims(token(STRANGER).encode())
    assert len(neighbours.calls(GET_PUBLIC_KEYS)) == 2


async def test_without_identity_nobody_is_called_a_forger() -> None:
    neighbours = Neighbours()
    neighbours.keys = ServiceIsUnavailable()
    async with running_gateway(neighbours) as running:
        answer = await running.client.get("/api/auth/me", headers={"Authorization": f"Bearer {token()}"})
        assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "service_is_unavailable", "1")
        neighbours.restore()
        answer = await running.client.get("/api/auth/me", headers={"Authorization": f"Bearer {token()}"})
        assert answer.status_code == 200


async def the_keys() -> PublicKeys:
    return PublicKeys(keys=[published(SIGNING_KEY)])


GOOD = token()


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, len(GOOD) - 2), character=st.characters(codec="latin-1"))
async def test_a_token_with_another_character_anywhere_is_refused(place: int, character: str) -> None:
    changed = (GOOD[:place] + character + GOOD[place + 1 :]).encode("latin-1")
    if changed == GOOD.encode():
        return
    with pytest.raises(TokenIsNotValid):
        await Tokens(the_keys).claims(changed)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300) | st.lists(st.binary(max_size=60).map(base64.urlsafe_b64encode), min_size=3, max_size=3).map(b".".join))
async def test_whatever_comes_as_a_token_is_refused(raw: bytes) -> None:
    with pytest.raises(TokenIsNotValid):
        await Tokens(the_keys).claims(raw)


SERVICE_TOKEN = PREFIX + urlsafe_b64encode(new_id().bytes + bytes(32)).decode()


async def test_a_service_accounts_token_travels_as_its_id_and_its_hash(running: Running) -> None:
    account = new_id()

    def authorize(request: AuthorizeToken) -> Principal:
        grants = request.permission.bit
        return Principal(user_id=account, session_id=request.token_id, workspace_id=new_id(), role=Role.SYSTEM, name="Bot", grants=grants)

    running.neighbours.authorize_token = authorize
    answer = await running.client.post(POST_PATH, json={"content": "hello"}, headers={"authorization": f"Bearer {SERVICE_TOKEN}"})
    assert answer.status_code == 201
    (asked,) = running.neighbours.calls(AUTHORIZE_TOKEN)
    assert asked.request == AuthorizeToken(
        token_id=UUID(bytes=urlsafe_b64decode(SERVICE_TOKEN.removeprefix(PREFIX))[:16]),
        token_hash=sha256(SERVICE_TOKEN.encode()).hexdigest(),
        permission=Permission.MESSAGE_SEND,
    )
    (posted,) = running.neighbours.calls(POST_MESSAGE)
    assert posted.principal is not None
    assert (posted.principal.user_id, posted.principal.role) == (account, Role.SYSTEM)


@pytest.mark.parametrize("rest", ["", "x", "é", "A" * 64 + "A", "A" * 60, "A" * 5_000])
async def test_what_begins_as_a_service_accounts_token_and_is_none_asks_nobody(running: Running, rest: str) -> None:
    answer = await running.client.get("/api/auth/me", headers=[(b"authorization", f"Bearer {PREFIX}{rest}".encode())])
    assert (answer.status_code, answer.json()["code"]) == (401, "token_is_not_valid")
    assert running.neighbours.calls(AUTHORIZE_TOKEN) == []


async def test_a_service_accounts_token_that_is_not_good_is_refused(running: Running) -> None:
    answer = await running.client.get("/api/auth/me", headers={"authorization": f"Bearer {SERVICE_TOKEN}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_is_not_valid")
