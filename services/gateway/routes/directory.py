"""Users over HTTP: who there is, and who is kept out."""

from services.gateway.replies import Ok
from services.gateway.routing import Call, route
from shared.contracts.identity.accounts import REINSTATE_USER, SUSPEND_USER, ReinstateUser, SuspendUser
from shared.contracts.identity.profiles import GET_USER, SEARCH_USERS, GetUser, SearchUsers
from shared.contracts.identity.users import User, UserPage
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal


@route("GET", "/api/users", SEARCH_USERS, needs=Permission.USER_READ)
async def search_users(request: SearchUsers, caller: Principal, call: Call) -> Ok[UserPage]:
    """Users of the workspace with a name that begins with `q`."""
    return Ok(await call.answer(SEARCH_USERS, request, caller))


@route("GET", "/api/users/{userId}", GET_USER, needs=Permission.USER_READ)
async def get_user(request: GetUser, caller: Principal, call: Call) -> Ok[User]:
    """One user of the workspace."""
    return Ok(await call.answer(GET_USER, request, caller))


@route("POST", "/api/users/{userId}/suspend", SUSPEND_USER, needs=Permission.USER_SUSPEND)
async def suspend_user(request: SuspendUser, caller: Principal, call: Call) -> Ok[User]:
    """Keep a user out of the workspace, from their next request on."""
    return Ok(await call.answer(SUSPEND_USER, request, caller))


@route("POST", "/api/users/{userId}/reinstate", REINSTATE_USER, needs=Permission.USER_SUSPEND)
async def reinstate_user(request: ReinstateUser, caller: Principal, call: Call) -> Ok[User]:
    """Let a suspended user into the workspace again."""
    return Ok(await call.answer(REINSTATE_USER, request, caller))
