"""Sessions: signing in, tokens, and who a request is from."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.identity.users import Email, EmailIsTaken, KnownEmail, Name, NewPassword, Password, Secret, SignInIsThrottled, User
from shared.contracts.model import Event, Nothing, Request, Time, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.refusals import (
    Forbidden,
    PermissionIsMissing,
    RequestIsInvalid,
    Unauthenticated,
)

RefreshToken = Annotated[Secret, Field(min_length=1, max_length=200)]
# What an access token's `iss` and `aud` say, and its signature's algorithm.
ISSUER, AUDIENCE, ALGORITHM = "atrium", "atrium", "ES256"


class SignedIn(View):
    """A session's tokens. The access token lives until `expiresAt`; the refresh token is for one use."""

    access_token: str
    refresh_token: str
    expires_at: Time
    user: User


class PublicKeys(View):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[dict[str, str]]


class RegistrationIsClosed(Forbidden):
    """Registration is closed here; ask an admin for an account."""


class CredentialsAreWrong(Unauthenticated):
    """The email or the password is wrong."""


class RefreshTokenIsSpent(Unauthenticated):
    """The refresh token is not valid any more; sign in again."""


class TokenIsMissing(Unauthenticated):
    """This needs an access token: `Authorization: Bearer …`."""


class TokenIsNotValid(Unauthenticated):
    """The access token is not valid: forged, expired, or not for this installation."""


class SessionHasEnded(Unauthenticated):
    """The session has ended; sign in again."""


class RegisterUser(Request):
    """Make an account; the first of an empty workspace becomes its admin, later ones are clients."""

    email: Email
    password: NewPassword
    name: Name


class LogIn(Request):
    """Start a session by email and password."""

    email: KnownEmail
    password: Password


class RefreshSession(Request):
    """Trade a refresh token for a new pair."""

    refresh_token: RefreshToken


class LogOut(Request):
    """End the session of a refresh token, whatever its state."""

    refresh_token: RefreshToken


class Authorize(Request):
    """Whether a session lives, whose it is, and whether they are granted a permission (`domain:function:action`)."""

    session_id: UUID
    user_id: UUID
    workspace_id: UUID
    permission: Permission


class GetPublicKeys(Request):
    """The keys that access tokens are signed with."""


AUTHORIZE = Operation(
    Authorize, Principal, called_by=[GATEWAY], refuses=[SessionHasEnded, PermissionIsMissing], anonymous=True, timeout=3.0
)
REGISTER_USER = Operation(
    RegisterUser,
    SignedIn,
    called_by=[GATEWAY],
    refuses=[RegistrationIsClosed, EmailIsTaken, RequestIsInvalid, SignInIsThrottled],
    anonymous=True,
    timeout=10.0,
)
LOG_IN = Operation(LogIn, SignedIn, called_by=[GATEWAY], refuses=[CredentialsAreWrong, SignInIsThrottled], anonymous=True, timeout=10.0)
REFRESH_SESSION = Operation(RefreshSession, SignedIn, called_by=[GATEWAY], refuses=[RefreshTokenIsSpent], anonymous=True)
LOG_OUT = Operation(LogOut, Nothing, called_by=[GATEWAY], anonymous=True)
GET_PUBLIC_KEYS = Operation(GetPublicKeys, PublicKeys, called_by=[GATEWAY], anonymous=True)


class SessionEnded(Event):
    """A session is over: signed out, or its refresh token was used twice."""

    user_id: UUID
    session_id: UUID
    reason: Literal["signed-out", "refresh-token-reused"]
