"""Users over HTTP."""

from services.gateway.replies import Ok
from services.gateway.routing import Call, route
from shared.contracts.identity.users import SET_ROLE, SetRole, User
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal


@route("PATCH", "/api/users/{userId}", SET_ROLE, needs=Permission.ROLE_ASSIGN)
async def set_role(request: SetRole, caller: Principal, call: Call) -> Ok[User]:
    """Give a user another role in the workspace."""
    return Ok(await call.answer(SET_ROLE, request, caller))
