"""Who asks: the access token's signature and claims. Whether the session lives and what it is granted is identity's to say."""

import time
from asyncio import get_running_loop
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable, Container
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.contracts.identity.service_accounts import PREFIX
from shared.contracts.identity.sessions import ALGORITHM, AUDIENCE, ISSUER, PublicKeys, TokenIsMissing, TokenIsNotValid
from shared.contracts.refusals import ServiceIsUnavailable

LEEWAY = 5  # seconds that clocks may differ, for `nbf` and `iat` alone
LONGEST = 4096
MOST_REMEMBERED = 10_000
KEYS_AGAIN_AFTER = 10.0  # seconds: a token with a made-up key id asks identity no more often than that

SERVICE_TOKEN_BYTES = 16 + 32  # its id and its secret

_ALLOWED = {"alg", "kid", "typ"}
_PREFIX = PREFIX.encode()
COOKIE = b"atrium_access"


class _Payload(BaseModel):
    model_config = ConfigDict(strict=True)

    iss: str
    aud: str
    sub: UUID
    sid: UUID
    ws: UUID
    exp: int
    nbf: int
    iat: int


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token proves: the user, the session, the workspace, until when."""

    user_id: UUID
    session_id: UUID
    workspace_id: UUID
    expires_at: int


@dataclass(frozen=True, slots=True)
class ServiceToken:
    """A service account's token: it is identity that knows whether it is good, by its id and its hash. The token itself stays here."""

    token_id: UUID
    hash: str

    @classmethod
    def read(cls, token: bytes) -> "ServiceToken | None":
        """None for what is no such token by its prefix. Raises `TokenIsNotValid` where only its prefix is one."""
        if not token.startswith(_PREFIX):
            return None
        try:
            raw = urlsafe_b64decode(token.removeprefix(_PREFIX))
        except ValueError:
            raise TokenIsNotValid from None
        if len(raw) != SERVICE_TOKEN_BYTES or len(token) > LONGEST:
            raise TokenIsNotValid
        return cls(UUID(bytes=raw[:16]), sha256(token).hexdigest())


def bearer(headers: dict[bytes, bytes]) -> bytes:
    """The token of a request."""
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    token = token.strip()
    if scheme.lower() != b"bearer" or not token:
        raise TokenIsMissing
    return token


def cookie_token(headers: dict[bytes, bytes], origins: Container[bytes]) -> bytes | None:
    """The token of the cookie, where nobody else's page asks. It is for what elements of a page ask for, which send no bearer.

    origins: those of other hosts whose pages may ask. Two cookies are none: a neighbouring host may have put one of its own beside ours.
    """
    pairs = (pair.strip().partition(b"=") for pair in headers.get(b"cookie", b"").split(b";"))
    values = [value for name, _, value in pairs if name == COOKIE]
    return values[0] or None if len(values) == 1 and _asks_for_itself(headers, origins) else None


def _asks_for_itself(headers: dict[bytes, bytes], origins: Container[bytes]) -> bool:
    """By what a browser says of the page, and no page can: older ones, who do not say `Sec-Fetch-Site`, name another origin at least."""
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    if site is not None:
        return site in (b"same-origin", b"none")
    host = headers.get(b"host", b"").lower()
    return origin is None or origin in origins or (bool(host) and origin.lower().partition(b"://")[2] == host)


class Tokens:
    """Verifies access tokens. Verifying costs 100 to 150 µs, so that a verified token is remembered, by its hash, until it ends."""

    def __init__(self, fetch_keys: Callable[[], Awaitable[PublicKeys]]) -> None:
        self._fetch_keys = fetch_keys
        self._keys: dict[str, ECKey] = {}
        self._fetched_at = float("-inf")
        self._verified: dict[bytes, Claims] = {}

    async def claims(self, token: bytes) -> Claims:
        digest = sha256(token).digest()
        known = self._verified.get(digest)
        if known is not None and time.time() < known.expires_at:
            return known
        claims = await self._verify(token)
        self._verified.pop(digest, None)
        if len(self._verified) >= MOST_REMEMBERED:
            del self._verified[next(iter(self._verified))]
        self._verified[digest] = claims
        return claims

    async def fetch_keys(self) -> None:
        """Ask identity for its keys."""
        asked_at = get_running_loop().time()
        keys = (await self._fetch_keys()).keys
        self._fetched_at = asked_at
        self._keys = {
            key["kid"]: ECKey.import_key(dict(key))
            for key in keys
            if (key.get("kty"), key.get("crv")) == ("EC", "P-256") and key.get("kid")
        }

    async def _verify(self, token: bytes) -> Claims:
        if len(token) > LONGEST:
            raise TokenIsNotValid
        key = await self._key(_key_id(token))
        try:
            payload = _Payload.model_validate_json(jws.deserialize_compact(token, key, algorithms=[ALGORITHM]).payload)
        except (JoseError, ValidationError, ValueError):
            raise TokenIsNotValid from None
        now = time.time()
        if (payload.iss, payload.aud) != (ISSUER, AUDIENCE):
            raise TokenIsNotValid
        if now >= payload.exp or max(payload.nbf, payload.iat) > now + LEEWAY:
            raise TokenIsNotValid
        return Claims(payload.sub, payload.sid, payload.ws, payload.exp)

    async def _key(self, key_id: str) -> ECKey:
        if key_id not in self._keys and get_running_loop().time() - self._fetched_at >= KEYS_AGAIN_AFTER:
            await self.fetch_keys()
        if not self._keys:
            raise ServiceIsUnavailable
        if key_id not in self._keys:
            raise TokenIsNotValid
        return self._keys[key_id]


def _key_id(token: bytes) -> str:
    """The key that a token names. Its header may say what ours say and nothing else: no key of its own, no address of one, no `crit`."""
    try:
        header = jws.extract_compact(token).headers()
    except (JoseError, ValueError):
        raise TokenIsNotValid from None
    key_id = header.get("kid")
    if header.get("alg") != ALGORITHM or not isinstance(key_id, str) or not header.keys() <= _ALLOWED:
        raise TokenIsNotValid
    return key_id
