"""Service accounts: programs that sign in with tokens of their own."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.contracts.identity.sessions import TokenIsNotValid
from shared.contracts.identity.users import GrantExceedsYours
from shared.contracts.model import Event, Nothing, Request, Time, TrimmedText, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.refusals import Conflict, CursorIsNotValid, NotFound, PermissionIsMissing

PREFIX = "atrium_sa_"
"""By which a service account's token is told from an access token, and found by those who look for leaked secrets."""
MOST_TOKENS = 100
"""That one account has at once."""


class ServiceAccount(View):
    """A program's account. What it may do is said by the scopes of each of its tokens."""

    id: UUID
    name: str
    username: str
    description: str
    created_by: UUID
    created_at: Time


class ServiceAccountPage(View):
    service_accounts: list[ServiceAccount]
    has_more: bool
    next_cursor: str | None


class ServiceToken(View):
    """A token of a service account; `lastUsedAt` is within a minute.

    `grantedBy` is the person who answers for it: who made it or rotated it last, or answers for the token that did. It grants no more of
    its scopes than they may give at that moment, and nothing while they are no member or suspended; rotating it takes it over.
    """

    id: UUID
    name: str
    scopes: list[str]
    created_by: UUID
    granted_by: UUID
    created_at: Time
    issued_at: Time
    expires_at: Time | None
    last_used_at: Time | None


class ServiceTokenList(View):
    """The tokens that are not revoked. There are never so many that they need pages."""

    tokens: list[ServiceToken]


class ServiceTokenMade(ServiceToken):
    """`token` is what the program sends as its bearer. It is shown here and never again."""

    token: str


class ServiceAccountNotFound(NotFound):
    """There is no such service account here."""


class ServiceTokenNotFound(NotFound):
    """There is no such service account here, or it has no such token."""


class TooManyTokens(Conflict):
    """The account has as many tokens as it can have; revoke one first."""


class CreateServiceAccount(Request):
    """Make an account for a program, in the caller's workspace."""

    name: Annotated[TrimmedText, Field(min_length=1, max_length=100)]
    description: Annotated[TrimmedText, Field(max_length=500)] = ""


class ListServiceAccounts(Request):
    """The service accounts of the caller's workspace, oldest first."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=500)] | None = None


class GetServiceAccount(Request):
    """One service account."""

    account_id: UUID


class DeleteServiceAccount(Request):
    """Delete a service account; its tokens end with it."""

    account_id: UUID


class CreateServiceToken(Request):
    """Make a token that grants what is named: no more than the caller is granted; people may besides let it post in the name of contacts.
    What a program makes ends with the token that it makes it with, at the latest."""

    account_id: UUID
    name: Annotated[TrimmedText, Field(min_length=1, max_length=100)]
    scopes: Annotated[list[Permission], Field(min_length=1, max_length=200)]
    expires_in_days: Annotated[int, Field(ge=1, le=3_650)] | None = None


class ListServiceTokens(Request):
    """The tokens of a service account."""

    account_id: UUID


class GetServiceToken(Request):
    """One token of a service account."""

    account_id: UUID
    token_id: UUID


class RotateServiceToken(Request):
    """Trade a token for another with the same scopes and as long a life, which the caller answers for; the old one ends at once."""

    account_id: UUID
    token_id: UUID


class RevokeServiceToken(Request):
    """End a token."""

    account_id: UUID
    token_id: UUID


class AuthorizeToken(Request):
    """Whether a service account's token is good, and whether its scopes grant a permission. The token itself stays at the gateway."""

    token_id: UUID
    token_hash: Annotated[str, Field(max_length=64)]
    permission: Permission


AUTHORIZE_TOKEN = Operation(
    AuthorizeToken, Principal, called_by=[GATEWAY], refuses=[TokenIsNotValid, PermissionIsMissing], anonymous=True, timeout=3.0
)
CREATE_SERVICE_ACCOUNT = Operation(
    CreateServiceAccount, ServiceAccount, called_by=[GATEWAY], refuses=[ServiceAccountNotFound], timeout=10.0, keyed=True
)
LIST_SERVICE_ACCOUNTS = Operation(ListServiceAccounts, ServiceAccountPage, called_by=[GATEWAY], refuses=[CursorIsNotValid], coalesced=False)
GET_SERVICE_ACCOUNT = Operation(GetServiceAccount, ServiceAccount, called_by=[GATEWAY], refuses=[ServiceAccountNotFound])
DELETE_SERVICE_ACCOUNT = Operation(DeleteServiceAccount, Nothing, called_by=[GATEWAY], refuses=[ServiceAccountNotFound])
CREATE_SERVICE_TOKEN = Operation(
    CreateServiceToken,
    ServiceTokenMade,
    called_by=[GATEWAY],
    refuses=[ServiceAccountNotFound, PermissionIsMissing, GrantExceedsYours, TooManyTokens],
)
LIST_SERVICE_TOKENS = Operation(ListServiceTokens, ServiceTokenList, called_by=[GATEWAY], refuses=[ServiceAccountNotFound], coalesced=False)
GET_SERVICE_TOKEN = Operation(GetServiceToken, ServiceToken, called_by=[GATEWAY], refuses=[ServiceTokenNotFound])
ROTATE_SERVICE_TOKEN = Operation(
    RotateServiceToken, ServiceTokenMade, called_by=[GATEWAY], refuses=[ServiceTokenNotFound, PermissionIsMissing, GrantExceedsYours]
)
REVOKE_SERVICE_TOKEN = Operation(RevokeServiceToken, Nothing, called_by=[GATEWAY], refuses=[ServiceTokenNotFound])


class ServiceAccountCreated(Event):
    """A program has an account."""

    account: ServiceAccount


class ServiceAccountDeleted(Event):
    """A program's account is gone, and its tokens with it."""

    deleted_by: UUID


class ServiceTokenCreated(Event):
    """A service account has another token."""

    account_id: UUID
    token: ServiceToken


class ServiceTokenRotated(Event):
    """A token of a service account was traded for another."""

    account_id: UUID
    token: ServiceToken


class ServiceTokenRevoked(Event):
    """A token of a service account has ended."""

    account_id: UUID
    revoked_by: UUID
