"""Service accounts and their tokens over HTTP."""

from services.gateway.replies import Created, NoContent, Ok
from services.gateway.routing import Call, route
from shared.contracts.identity.service_accounts import (
    CREATE_SERVICE_ACCOUNT,
    CREATE_SERVICE_TOKEN,
    DELETE_SERVICE_ACCOUNT,
    GET_SERVICE_ACCOUNT,
    GET_SERVICE_TOKEN,
    LIST_SERVICE_ACCOUNTS,
    LIST_SERVICE_TOKENS,
    REVOKE_SERVICE_TOKEN,
    ROTATE_SERVICE_TOKEN,
    CreateServiceAccount,
    CreateServiceToken,
    DeleteServiceAccount,
    GetServiceAccount,
    GetServiceToken,
    ListServiceAccounts,
    ListServiceTokens,
    RevokeServiceToken,
    RotateServiceToken,
    ServiceAccount,
    ServiceAccountPage,
    ServiceToken,
    ServiceTokenList,
    ServiceTokenMade,
)
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal

ACCOUNTS = "/api/service-accounts"
ACCOUNT = f"{ACCOUNTS}/{{accountId}}"
TOKENS = f"{ACCOUNT}/tokens"
TOKEN = f"{TOKENS}/{{tokenId}}"


@route("POST", ACCOUNTS, CREATE_SERVICE_ACCOUNT, needs=Permission.SERVICE_MANAGE)
async def create_service_account(request: CreateServiceAccount, caller: Principal, call: Call) -> Created[ServiceAccount]:
    """Make an account for a program."""
    return Created(await call.answer(CREATE_SERVICE_ACCOUNT, request, caller), at="/api/service-accounts/{id}")


@route("GET", ACCOUNTS, LIST_SERVICE_ACCOUNTS, needs=Permission.SERVICE_MANAGE)
async def list_service_accounts(request: ListServiceAccounts, caller: Principal, call: Call) -> Ok[ServiceAccountPage]:
    """The workspace's service accounts."""
    return Ok(await call.answer(LIST_SERVICE_ACCOUNTS, request, caller))


@route("GET", ACCOUNT, GET_SERVICE_ACCOUNT, needs=Permission.SERVICE_MANAGE)
async def get_service_account(request: GetServiceAccount, caller: Principal, call: Call) -> Ok[ServiceAccount]:
    """One service account."""
    return Ok(await call.answer(GET_SERVICE_ACCOUNT, request, caller))


@route("DELETE", ACCOUNT, DELETE_SERVICE_ACCOUNT, needs=Permission.SERVICE_MANAGE)
async def delete_service_account(request: DeleteServiceAccount, caller: Principal, call: Call) -> NoContent:
    """Delete a service account; its tokens end with it."""
    await call.answer(DELETE_SERVICE_ACCOUNT, request, caller)
    return NoContent()


@route("POST", TOKENS, CREATE_SERVICE_TOKEN, needs=Permission.SERVICE_MANAGE)
async def create_service_token(request: CreateServiceToken, caller: Principal, call: Call) -> Created[ServiceTokenMade]:
    """Make a token, which is shown once."""
    return Created(await call.answer(CREATE_SERVICE_TOKEN, request, caller), at=f"{ACCOUNTS}/{request.account_id}/tokens/{{id}}")


@route("GET", TOKENS, LIST_SERVICE_TOKENS, needs=Permission.SERVICE_MANAGE)
async def list_service_tokens(request: ListServiceTokens, caller: Principal, call: Call) -> Ok[ServiceTokenList]:
    """A service account's tokens: what they grant, and when they were used."""
    return Ok(await call.answer(LIST_SERVICE_TOKENS, request, caller))


@route("GET", TOKEN, GET_SERVICE_TOKEN, needs=Permission.SERVICE_MANAGE)
async def get_service_token(request: GetServiceToken, caller: Principal, call: Call) -> Ok[ServiceToken]:
    """One token of a service account."""
    return Ok(await call.answer(GET_SERVICE_TOKEN, request, caller))


@route("DELETE", TOKEN, REVOKE_SERVICE_TOKEN, needs=Permission.SERVICE_MANAGE)
async def revoke_service_token(request: RevokeServiceToken, caller: Principal, call: Call) -> NoContent:
    """End a token."""
    await call.answer(REVOKE_SERVICE_TOKEN, request, caller)
    return NoContent()


@route("POST", f"{TOKEN}/rotate", ROTATE_SERVICE_TOKEN, needs=Permission.SERVICE_MANAGE)
async def rotate_service_token(request: RotateServiceToken, caller: Principal, call: Call) -> Created[ServiceTokenMade]:
    """Trade a token for another, which is shown once; the old one ends."""
    return Created(await call.answer(ROTATE_SERVICE_TOKEN, request, caller), at=f"{ACCOUNTS}/{request.account_id}/tokens/{{id}}")
