"""Accounts: whose email is verified, passwords, and who is suspended."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.identity.users import (
    AccountStatus,
    Email,
    GrantExceedsYours,
    KnownEmail,
    NewPassword,
    Password,
    Secret,
    SignInIsThrottled,
    User,
    UserNotFound,
    WorkspaceNeedsAnAdmin,
)
from shared.contracts.model import Event, Nothing, Reason, Request, Time, View
from shared.contracts.operations import GATEWAY, OPERATOR, Operation
from shared.contracts.refusals import Conflict, Forbidden, Invalid, PermissionIsMissing

MailedToken = Annotated[Secret, Field(min_length=1, max_length=200)]
Purpose = Literal["verify", "reset"]


class LinkIsSpent(Invalid):
    """The link is good for nothing: it was used, it is too old, it is for another account, or it is none of ours. Ask for another."""


class PasswordIsWrong(Forbidden):
    """The current password is another one."""


class NobodySuspendsThemself(Conflict):
    """Nobody suspends themself; another admin can."""


class VerifyEmail(Request):
    """Verify the caller's email by the link that was mailed to it."""

    token: MailedToken


class RequestVerification(Request):
    """Mail the caller a link to verify their email with; nothing comes where it is verified."""


class RequestReset(Request):
    """Mail a link to set another password with, where the email has an account; the answer is the same where it has none."""

    email: Email


class ResetPassword(Request):
    """Set another password by a mailed link. All sessions end, and the email is verified."""

    token: MailedToken
    password: NewPassword


class ChangePassword(Request):
    """Set another password. All other sessions end."""

    current_password: Password
    new_password: NewPassword


class SuspendUser(Request):
    """Keep a user out of the caller's workspace, from their next request on."""

    user_id: UUID
    reason: Reason | None = None


class ReinstateUser(Request):
    """Let a suspended user into the caller's workspace again."""

    user_id: UUID
    reason: Reason | None = None


class Account(View):
    """An account as the operator sees it, whatever workspaces it is in."""

    id: UUID
    email: str
    username: str
    name: str
    account_status: AccountStatus
    is_email_verified: bool


class SuspendAccount(Request):
    """Keep somebody out of every workspace; the operator's."""

    email: KnownEmail
    reason: Reason | None = None


class ReinstateAccount(Request):
    """Let somebody in again whose account is suspended; the operator's."""

    email: KnownEmail
    reason: Reason | None = None


class MakeLink(Request):
    """The link that would be mailed to somebody; the operator's."""

    email: KnownEmail
    purpose: Purpose


class MailedLink(View):
    """A link for one use, and the token in it."""

    email: str
    purpose: Purpose
    url: str
    token: str
    expires_at: Time


VERIFY_EMAIL = Operation(VerifyEmail, Nothing, called_by=[GATEWAY], refuses=[LinkIsSpent])
REQUEST_VERIFICATION = Operation(RequestVerification, Nothing, called_by=[GATEWAY], refuses=[UserNotFound])
REQUEST_RESET = Operation(RequestReset, Nothing, called_by=[GATEWAY], anonymous=True)
RESET_PASSWORD = Operation(
    ResetPassword, Nothing, called_by=[GATEWAY], refuses=[LinkIsSpent, SignInIsThrottled], anonymous=True, timeout=10.0
)
CHANGE_PASSWORD = Operation(
    ChangePassword, Nothing, called_by=[GATEWAY], refuses=[UserNotFound, PasswordIsWrong, SignInIsThrottled], timeout=10.0
)
SUSPEND_USER = Operation(
    SuspendUser,
    User,
    called_by=[GATEWAY],
    refuses=[UserNotFound, NobodySuspendsThemself, PermissionIsMissing, GrantExceedsYours, WorkspaceNeedsAnAdmin],
)
REINSTATE_USER = Operation(ReinstateUser, User, called_by=[GATEWAY], refuses=[UserNotFound, PermissionIsMissing, GrantExceedsYours])
SUSPEND_ACCOUNT = Operation(SuspendAccount, Account, called_by=[OPERATOR], refuses=[UserNotFound], anonymous=True)
REINSTATE_ACCOUNT = Operation(ReinstateAccount, Account, called_by=[OPERATOR], refuses=[UserNotFound], anonymous=True)
MAKE_LINK = Operation(MakeLink, MailedLink, called_by=[OPERATOR], refuses=[UserNotFound], anonymous=True)


class EmailVerified(Event):
    """Somebody has shown that their email is theirs, as this workspace of theirs sees it."""

    user: User


class PasswordChanged(Event):
    """Somebody has another password. Of the installation."""

    user_id: UUID


class UserSuspended(Event):
    """A user is kept out of this workspace, or of all of them where the operator did it."""

    user: User
    reason: str | None


class UserReinstated(Event):
    """A suspended user may come in again."""

    user: User
    reason: str | None
