"""Access tokens, which anyone can check; and refresh tokens, of which only hashes are kept."""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from shared.contracts.identity.service_accounts import PREFIX
from shared.contracts.identity.sessions import ALGORITHM, AUDIENCE, ISSUER
from shared.contracts.identity.users import User
from shared.identifiers import new_id

ACCESS_LIFE = timedelta(minutes=15)
_SECRET, _SEAL = 32, 16  # bytes


class AccessTokens:
    """JSON Web Tokens: who, and in which session and workspace; never what they may do, which is asked each time."""

    def __init__(self, key: ECKey, life: timedelta = ACCESS_LIFE) -> None:
        self._life = life
        self._key, self._header = key, {"alg": ALGORITHM, "kid": key.thumbprint(), "typ": "JWT"}
        public = key.as_dict(private=False)
        self.public_key = {name: str(public[name]) for name in ("kty", "crv", "x", "y")} | {
            "kid": key.thumbprint(),
            "use": "sig",
            "alg": ALGORITHM,
        }

    def issue(self, user: User, session_id: UUID) -> tuple[str, datetime]:
        """A token, and when it ends."""
        now = datetime.now(UTC).replace(microsecond=0)
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user.id),
            "sid": str(session_id),
            "ws": str(user.workspace_id),
            "iat": now,
            "nbf": now,
            "exp": now + self._life,
            "jti": str(new_id()),
        }
        return jwt.encode(self._header, claims, self._key, algorithms=[ALGORITHM]), now + self._life


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """`text` is what the client holds: the session's id, a secret, and a seal by which we know it for ours."""

    session_id: UUID
    text: str
    hash: str


class RefreshTokens:
    """A token's successor is derived from it by a key of the server: a retry gets the same one, though nobody kept it."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def first(self) -> RefreshToken:
        """The first token of a new session."""
        return self._token(new_id(), secrets.token_bytes(_SECRET))

    def next_of(self, session_id: UUID) -> RefreshToken:
        """A token of a session that goes on elsewhere; it follows from no other."""
        return self._token(session_id, secrets.token_bytes(_SECRET))

    def successor(self, token: RefreshToken) -> RefreshToken:
        return self._token(token.session_id, self._derived(b"successor", token.text.encode()))

    def read(self, text: str) -> RefreshToken | None:
        """The token of this text; None when it was not made here, so that guesses neither ask the database nor end a session."""
        try:
            raw = urlsafe_b64decode(text + "==")
            token = self._token(UUID(bytes=raw[:16]), raw[16 : 16 + _SECRET])
        except ValueError:
            return None
        return token if hmac.compare_digest(token.text.encode(), text.encode()) else None

    def _token(self, session_id: UUID, secret: bytes) -> RefreshToken:
        sealed = session_id.bytes + secret
        text = urlsafe_b64encode(sealed + self._derived(b"seal", sealed)[:_SEAL]).decode().rstrip("=")
        return RefreshToken(session_id, text, sha256(sealed).hexdigest())

    def _derived(self, purpose: bytes, content: bytes) -> bytes:
        return hmac.digest(self._key, purpose + b"\0" + content, "sha256")


@dataclass(frozen=True, slots=True)
class MailedToken:
    """The secret of a mailed link, for one use; its hash alone is kept."""

    text: str
    hash: str

    @classmethod
    def new(cls) -> "MailedToken":
        return cls.of(secrets.token_urlsafe(_SECRET))

    @classmethod
    def of(cls, text: str) -> "MailedToken":
        return cls(text, sha256(text.encode()).hexdigest())


@dataclass(frozen=True, slots=True)
class ServiceSecret:
    """What a program signs in with: the token's id and a secret. The gateway takes it apart, and sends the id and the hash."""

    token_id: UUID
    text: str
    hash: str

    @classmethod
    def new(cls, token_id: UUID | None = None) -> "ServiceSecret":
        token_id = token_id or new_id()
        text = PREFIX + urlsafe_b64encode(token_id.bytes + secrets.token_bytes(_SECRET)).decode()
        return cls(token_id, text, sha256(text.encode()).hexdigest())


def new_access_key() -> ECKey:
    return ECKey.generate_key("P-256")


def new_refresh_key() -> OctKey:
    return OctKey.generate_key(256)
