"""Users: who there is."""

import unicodedata
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from pydantic import AfterValidator, Field, PlainSerializer, SecretStr

from shared.contracts.model import Event, Request, Text, Time, TrimmedText, View
from shared.contracts.operations import GATEWAY, OPERATOR, Operation
from shared.contracts.principal import Role
from shared.contracts.refusals import (
    Conflict,
    CursorIsNotValid,
    Forbidden,
    NotFound,
    PermissionIsMissing,
    TooMany,
)


class AccountStatus(StrEnum):
    PENDING_VERIFICATION = "pending-verification"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    DEACTIVATED = "deactivated"


class AccountType(StrEnum):
    """What an account is, informally: somebody who registered, somebody whom an operator or an invitation brought in, or a program."""

    GUEST = "guest"
    MEMBER = "member"
    SERVICE = "service"


SPECIAL_USE_DOMAIN_NAMES.remove("local")  # the library's way to take what intranets use (`ada@office.local`)


def _validated(value: str) -> str:
    """By its form alone; nothing is asked of DNS."""
    try:
        return validate_email(value, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as wrong:
        raise ValueError(str(wrong)) from None


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip().lower())


def normal_email(text: str) -> str:
    """The one form in which an email is stored, looked for and counted, however it is written; what is none loses its case alone."""
    plain = _plain(text)
    try:
        return _plain(_validated(plain))
    except ValueError:
        return plain


def _is_email(value: str) -> str:
    _validated(value)
    return normal_email(value)


# Masked wherever it is printed; whole on the wire, where it would else travel as asterisks.
Secret = Annotated[SecretStr, PlainSerializer(SecretStr.get_secret_value, return_type=str, when_used="json")]
Name = Annotated[TrimmedText, Field(min_length=1, max_length=255)]
Email = Annotated[str, Field(max_length=255, json_schema_extra={"format": "email"}), AfterValidator(_is_email)]
KnownEmail = Annotated[Text, Field(max_length=255), AfterValidator(normal_email)]
NewPassword = Annotated[Secret, Field(min_length=8, max_length=200)]
Password = Annotated[Secret, Field(min_length=1, max_length=200)]
AssignableRole = Literal[Role.ADMIN, Role.AGENT, Role.PRODUCT_OWNER, Role.CLIENT, Role.GUEST]


class User(View):
    """A user as one workspace sees them (API.md, Users). `email` and `accountStatus` are for themselves and those who may read members."""

    id: UUID
    email: str | None
    username: str
    name: str
    display_name: str | None
    avatar_url: str | None
    role: Role
    workspace_id: UUID
    account_status: AccountStatus | None
    is_email_verified: bool
    current_status: str
    last_seen_at: Time | None


class Myself(User):
    """The caller's own account. `roleName` is their role in the workspace, built in or made there; `permissions` are what it grants."""

    account_status: AccountStatus
    first_name: str
    last_name: str
    account_type: AccountType
    preferences: dict[str, Any]
    role_name: str
    permissions: list[str]


class UserPage(View):
    users: list[User]
    has_more: bool
    next_cursor: str | None


class EmailIsTaken(Conflict):
    """There is an account with this email already."""


class UserNotFound(NotFound):
    """There is no such user here."""


class SignInIsThrottled(TooMany):
    """Too many sign-ins at once; try again in a moment."""


class WorkspaceNeedsAnAdmin(Conflict):
    """The workspace's last admin keeps that role; make another admin first."""


class GrantExceedsYours(Forbidden):
    """Nobody gives or takes what they are not granted themselves."""


class GetMe(Request):
    """The caller's own account."""


class SetRole(Request):
    """Give a user of the caller's workspace another role."""

    user_id: UUID
    role: AssignableRole


class CreateUser(Request):
    """Make an account for somebody, whose email counts as verified; the operator's."""

    email: Email
    password: NewPassword
    name: Name
    role: AssignableRole = Role.CLIENT


class ListUsers(Request):
    """The users of a workspace, by email: of the default one where none is named; the operator's."""

    workspace_id: UUID | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=500)] | None = None


class AssignRole(Request):
    """Give the user with this email another role in a workspace, the default one where none is named; the operator's."""

    workspace_id: UUID | None = None
    email: KnownEmail
    role: AssignableRole


GET_ME = Operation(GetMe, Myself, called_by=[GATEWAY], refuses=[UserNotFound])
SET_ROLE = Operation(
    SetRole, User, called_by=[GATEWAY], refuses=[UserNotFound, WorkspaceNeedsAnAdmin, PermissionIsMissing, GrantExceedsYours]
)
CREATE_USER = Operation(CreateUser, User, called_by=[OPERATOR], refuses=[EmailIsTaken, SignInIsThrottled], anonymous=True, timeout=10.0)
LIST_USERS = Operation(ListUsers, UserPage, called_by=[OPERATOR], refuses=[CursorIsNotValid], anonymous=True, coalesced=False)
ASSIGN_ROLE = Operation(AssignRole, User, called_by=[OPERATOR], refuses=[UserNotFound, WorkspaceNeedsAnAdmin], anonymous=True)


class UserRegistered(Event):
    """Somebody has an account, and a place in a workspace."""

    user: User


class UserRoleChanged(Event):
    """A user has another role in the workspace."""

    user: User
