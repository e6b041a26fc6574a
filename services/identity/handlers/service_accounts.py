"""Service accounts and their tokens; and who a program's request is from."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import structlog

from services.identity.handlers.pages import page_by_id
from services.identity.service import Service
from shared.contracts.identity.service_accounts import (
    AuthorizeToken,
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
from shared.contracts.model import Nothing
from shared.contracts.principal import Principal
from shared.contracts.refusals import Refusal
from shared.database.idempotency import MadeBefore
from shared.messaging.work import Ask, Replayed

log = structlog.get_logger()


async def authorize_token(asks: Sequence[Ask[AuthorizeToken, None]], service: Service) -> Sequence[Principal | Refusal]:
    answers = await service.service_tokens.authorize([ask.request for ask in asks])
    for answer in answers:
        if isinstance(answer, Principal):
            service.last_seen.note_program(answer.session_id, answer.user_id)
    return answers


async def create_service_account(
    request: CreateServiceAccount, caller: Principal, service: Service
) -> ServiceAccount | Replayed[ServiceAccount]:
    try:
        account = await service.service_accounts.create(caller, request, service.passwords.nobodys)
    except MadeBefore as before:
        return Replayed(await service.service_accounts.get(caller.workspace_id, before.uuid))
    log.info("service_account_created", accountId=str(account.id), by=str(caller.user_id))
    return account


async def list_service_accounts(request: ListServiceAccounts, caller: Principal, service: Service) -> ServiceAccountPage:
    async def read(after: UUID, count: int) -> list[ServiceAccount]:
        return await service.service_accounts.page(caller.workspace_id, after, count)

    kind = f"service-accounts:{caller.workspace_id}"
    page, cursor = await page_by_id(kind, request.cursor, request.limit, read, lambda account: account.id)
    return ServiceAccountPage(service_accounts=page, has_more=cursor is not None, next_cursor=cursor)


async def get_service_account(request: GetServiceAccount, caller: Principal, service: Service) -> ServiceAccount:
    return await service.service_accounts.get(caller.workspace_id, request.account_id)


async def delete_service_account(request: DeleteServiceAccount, caller: Principal, service: Service) -> Nothing:
    await service.service_accounts.delete(caller, request.account_id)
    log.info("service_account_deleted", accountId=str(request.account_id), by=str(caller.user_id))
    return Nothing()


async def create_service_token(request: CreateServiceToken, caller: Principal, service: Service) -> ServiceTokenMade:
    life = None if request.expires_in_days is None else timedelta(days=request.expires_in_days)
    made = await service.service_tokens.create(caller, request.account_id, request.name, request.scopes, life)
    log.info("service_token_created", accountId=str(request.account_id), tokenId=str(made.id), by=str(caller.user_id))
    return made


async def list_service_tokens(request: ListServiceTokens, caller: Principal, service: Service) -> ServiceTokenList:
    return ServiceTokenList(tokens=await service.service_tokens.list(caller.workspace_id, request.account_id))


async def get_service_token(request: GetServiceToken, caller: Principal, service: Service) -> ServiceToken:
    return await service.service_tokens.get(caller.workspace_id, request.account_id, request.token_id)


async def rotate_service_token(request: RotateServiceToken, caller: Principal, service: Service) -> ServiceTokenMade:
    made = await service.service_tokens.rotate(caller, request.account_id, request.token_id)
    log.info("service_token_rotated", accountId=str(request.account_id), tokenId=str(made.id), by=str(caller.user_id))
    return made


async def revoke_service_token(request: RevokeServiceToken, caller: Principal, service: Service) -> Nothing:
    await service.service_tokens.revoke(caller, request.account_id, request.token_id)
    log.info("service_token_revoked", accountId=str(request.account_id), tokenId=str(request.token_id), by=str(caller.user_id))
    return Nothing()
