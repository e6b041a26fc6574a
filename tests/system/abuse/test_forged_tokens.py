"""Tokens made from what the house itself publishes and gives out. (Every other forgery: the gateway's own tests of tokens.)"""

import base64
import hmac
import json
import time
from hashlib import sha256, sha512
from typing import Any

import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.system.house import House
from tests.system.people import Json, Person, expect, refusal


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def published(house: House) -> Json:
    (key,) = expect(await house.http.get("/.well-known/jwks.json"), 200)["keys"]
    return dict(key)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own_key(house: House) -> ECKey:
    """The key that identity signs with."""
    return await house.signing_key()


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(value if isinstance(value, bytes) else json.dumps(value).encode()).decode().rstrip("=")


def claims_of(person: Person) -> Json:
    body = person.access_token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))))


async def is_refused(house: House, token: str) -> bool:
    answer = await house.http.get("/api/auth/me", headers={"authorization": f"Bearer {token}"})
    return refusal(answer) == (401, "token_is_not_valid")


async def test_an_unsigned_token_is_refused(house: House, client: Person, published: Json) -> None:
    for algorithm in ("none", "None", "NONE", "", None):
        head = {"alg": algorithm, "kid": published["kid"], "typ": "JWT"}
        for signature in ("", client.access_token.split(".")[2]):
            assert await is_refused(house, f"{part(head)}.{part(claims_of(client))}.{signature}")


async def test_the_published_key_in_any_form_is_no_secret_to_sign_with(house: House, client: Person, published: Json) -> None:
    key = ECKey.import_key(published)
    secrets = [
        json.dumps(published).encode(),
        json.dumps({"keys": [published]}).encode(),
        key.as_pem(private=False),
        key.as_pem(private=False).strip(),
        key.as_der(private=False),
        published["x"].encode(),
        published["kid"].encode(),
        base64.urlsafe_b64decode(published["x"] + "="),
        b"",
    ]
    for secret in secrets:
        for algorithm, digest in (("HS256", sha256), ("HS512", sha512)):
            signed = f"{part({'alg': algorithm, 'kid': published['kid'], 'typ': 'JWT'})}.{part(claims_of(client))}"
            assert await is_refused(house, f"{signed}.{part(hmac.digest(secret, signed.encode(), digest))}")


@pytest.mark.parametrize(
    "head",
    [
        {"kid": "../../../../../../dev/null"},
        {"kid": "/proc/self/environ"},
        {"kid": "http://127.0.0.1:1/key"},
        {"kid": ["a"]},
        {"kid": None},
        {"kid": "\0"},
        {"jku": "http://127.0.0.1:1/keys"},
        {"x5u": "http://127.0.0.1:1/cert"},
        {"crit": ["exp"]},
        {"crit": ["b64"], "b64": False},
        {"alg": "ES384"},
    ],
    ids=str,
)
async def test_a_head_of_another_form_is_refused(head: Json, house: House, client: Person, published: Json) -> None:
    signature = client.access_token.split(".")[2]
    forged = {"alg": "ES256", "kid": published["kid"], "typ": "JWT"} | head
    assert await is_refused(house, f"{part(forged)}.{part(claims_of(client))}.{signature}")


async def test_a_key_that_a_token_brings_along_signs_for_nobody(house: House, client: Person, published: Json) -> None:
    own = ECKey.generate_key("P-256")
    for kid in (published["kid"], own.thumbprint()):
        head = {"alg": "ES256", "kid": kid, "jwk": own.as_dict(private=False)}
        assert await is_refused(house, jwt.encode(head, claims_of(client), own, algorithms=["ES256"]))


async def test_what_identity_signed_for_another_time_or_place_is_refused(
    house: House, client: Person, published: Json, own_key: ECKey
) -> None:
    head, now = {"alg": "ES256", "kid": published["kid"], "typ": "JWT"}, int(time.time())

    def token(**changed: object) -> str:
        return jwt.encode(head, claims_of(client) | changed, own_key, algorithms=["ES256"])

    assert not await is_signed_out(house, token()), "with the claims as they are, it is as good as theirs"
    for changed in (
        {"exp": now - 1},
        {"exp": 0},
        {"exp": -1},
        {"exp": "never"},
        {"exp": None},
        {"nbf": now + 3_600},
        {"iat": now + 3_600},
        {"aud": "another"},
        {"aud": ["atrium"]},
        {"aud": ""},
        {"iss": "another"},
        {"iss": None},
    ):
        assert await is_refused(house, token(**changed)), changed


async def is_signed_out(house: House, token: str) -> bool:
    answer = await house.http.get("/api/auth/me", headers={"authorization": f"Bearer {token}"})
    return answer.status_code == 401


async def test_a_token_is_for_its_own_session_and_workspace(house: House, client: Person, published: Json, own_key: ECKey) -> None:
    """Even with the key: a session is its user's, and a workspace one of theirs."""
    head, other = {"alg": "ES256", "kid": published["kid"], "typ": "JWT"}, await house.person()
    stranger = claims_of(await house.elsewhere("admin"))  # type: ignore[arg-type]
    for changed in ({"sub": other.id}, {"sid": claims_of(other)["sid"]}, {"ws": stranger["ws"]}):
        assert await is_signed_out(house, jwt.encode(head, claims_of(client) | changed, own_key, algorithms=["ES256"]))


async def test_one_kind_of_token_is_not_taken_for_the_other(house: House, client: Person) -> None:
    assert await is_refused(house, client.refresh_token)
    for token in (client.access_token[-200:], client.access_token.split(".")[2], claims_of(client)["sid"], claims_of(client)["jti"]):
        answer = await house.http.post("/api/auth/refresh", json={"refreshToken": token})
        assert refusal(answer) == (401, "refresh_token_is_spent")
