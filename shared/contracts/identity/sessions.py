"""Sessions: signing in, tokens, and who a request is from."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from shared.contracts.identity.users import (
    Email,
    EmailIsTaken,
    KnownEmail,
    Myself,
    Name,
    NewPassword,
    Password,
    Secret,
    SignInIsThrottled,
)
from shared.contracts.model import Event, Model, Nothing, Request, Text, Time, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.refusals import (
    Conflict,
    Forbidden,
    PermissionIsMissing,
    RequestIsInvalid,
    Unauthenticated,
)

RefreshToken = Annotated[Secret, Field(min_length=1, max_length=200)]
InvitationToken = Annotated[Secret, Field(min_length=1, max_length=200)]
# What an access token's `iss` and `aud` say, and its signature's algorithm.
ISSUER, AUDIENCE, ALGORITHM = "atrium", "atrium", "ES256"


class SignedIn(View):
    """A session's tokens. The access token lives until `expiresAt`; the refresh token is for one use."""

    access_token: str
    refresh_token: str
    expires_at: Time
    user: Myself


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


class InvitationIsNotValid(Conflict):
    """The invitation is not valid: it was used or revoked, it has expired, it is for another email, or it is none of ours."""


class AlreadyAMember(Conflict):
    """They are a member of the workspace already."""


class TooManyWorkspaces(Conflict):
    """The user is a member of as many workspaces as one can be."""


class Origin(Model):
    """From where somebody signs in, by the gateway's word. `crowded`: more sign-ins than usual are tried on the account, from anywhere."""

    model_config = ConfigDict(extra="forbid")

    address: Annotated[str, Field(max_length=64)] | None = None
    user_agent: Annotated[Text, Field(max_length=255)] | None = None
    crowded: bool = False


class RegisterUser(Request):
    """Make an account; the first of an empty workspace becomes its admin, later ones are clients. An invitation leads into its own."""

    email: Email
    password: NewPassword
    name: Name
    invitation: InvitationToken | None = None
    origin: Origin = Origin()


class LogIn(Request):
    """Start a session by email and password. With an invitation it starts in the workspace of that, which they join by it."""

    email: KnownEmail
    password: Password
    invitation: InvitationToken | None = None
    origin: Origin = Origin()


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
    refuses=[RegistrationIsClosed, EmailIsTaken, InvitationIsNotValid, RequestIsInvalid, SignInIsThrottled],
    anonymous=True,
    timeout=10.0,
)
LOG_IN = Operation(
    LogIn,
    SignedIn,
    called_by=[GATEWAY],
    refuses=[CredentialsAreWrong, InvitationIsNotValid, AlreadyAMember, TooManyWorkspaces, SignInIsThrottled],
    anonymous=True,
    timeout=10.0,
)
REFRESH_SESSION = Operation(RefreshSession, SignedIn, called_by=[GATEWAY], refuses=[RefreshTokenIsSpent], anonymous=True)
LOG_OUT = Operation(LogOut, Nothing, called_by=[GATEWAY], anonymous=True)
GET_PUBLIC_KEYS = Operation(GetPublicKeys, PublicKeys, called_by=[GATEWAY], anonymous=True)


type EndReason = Literal[
    "signed-out",
    "ended-elsewhere",
    "too-many-sessions",
    "refresh-token-reused",
    "password-changed",
    "password-reset",
    "suspended",
]


class SessionEnded(Event):
    """A session is over. `ended-elsewhere`: its user ended it from another one; `too-many-sessions`: they began a newer one."""

    user_id: UUID
    session_id: UUID
    reason: EndReason
