"""Accounts, and the roles of their owners."""

import structlog

from services.identity.repository.users import Account
from services.identity.service import Service
from shared import cursors
from shared.contracts.identity.users import AssignRole, CreateUser, GetMe, ListUsers, Myself, SetRole, User, UserNotFound, UserPage
from shared.contracts.permissions import from_bits
from shared.contracts.principal import Principal

log = structlog.get_logger()


async def get_me(request: GetMe, caller: Principal, service: Service) -> Myself:
    user = await service.users.myself(caller.workspace_id, caller.user_id)
    return user.model_copy(update={"permissions": from_bits(caller.grants)})  # a program's are those of its token


async def set_role(request: SetRole, caller: Principal, service: Service) -> User:
    user = await service.members.set_role(caller, request.user_id, request.role)
    log.info("role_set", userId=str(user.id), role=user.role, by=str(caller.user_id))
    return user


async def create_user(request: CreateUser, service: Service) -> User:
    account = Account(request.email, request.name, await service.passwords.hash(request.password))
    user = await service.users.create(service.workspace_id, account, request.role)
    log.info("user_created", userId=str(user.id), role=user.role)
    return user


async def list_users(request: ListUsers, service: Service) -> UserPage:
    workspace_id = request.workspace_id or service.workspace_id
    kind = f"users:{workspace_id}"
    (after,) = cursors.decode(kind, request.cursor, cursors.TEXT) if request.cursor else ("",)
    found = await service.users.page(workspace_id, after, request.limit + 1)
    users, more = found[: request.limit], len(found) > request.limit
    return UserPage(users=users, has_more=more, next_cursor=cursors.encode(kind, users[-1].email) if more else None)


async def assign_role(request: AssignRole, service: Service) -> User:
    known = await service.users.credentials(request.email)
    if known is None:
        raise UserNotFound
    user = await service.members.assign_role(request.workspace_id or service.workspace_id, known.user_id, request.role)
    log.info("role_set", userId=str(user.id), role=user.role, by="operator")
    return user
