"""Signing up, in and out."""

from services.gateway.replies import Created, NoContent, Ok
from services.gateway.routes.cookies import CLEARED
from services.gateway.routing import Call, RateClass, anonymous_route, route
from shared.contracts.identity.sessions import (
    GET_PUBLIC_KEYS,
    LOG_IN,
    LOG_OUT,
    REFRESH_SESSION,
    REGISTER_USER,
    GetPublicKeys,
    LogIn,
    LogOut,
    PublicKeys,
    RefreshSession,
    RegisterUser,
    SignedIn,
)
from shared.contracts.identity.users import GET_ME, GetMe, Myself
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal


@anonymous_route("POST", "/api/auth/register", REGISTER_USER, limit=RateClass.SIGN_INS)
async def register_user(request: RegisterUser, call: Call) -> Created[SignedIn]:
    """Make an account and sign in to it."""
    return Created(await call.answer(REGISTER_USER, request, None), at="/api/users/{user[id]}")


@anonymous_route("POST", "/api/auth/login", LOG_IN, limit=RateClass.SIGN_INS)
async def log_in(request: LogIn, call: Call) -> Ok[SignedIn]:
    """Start a session by email and password."""
    return Ok(await call.answer(LOG_IN, request, None))


@anonymous_route("POST", "/api/auth/refresh", REFRESH_SESSION)
async def refresh_session(request: RefreshSession, call: Call) -> Ok[SignedIn]:
    """Trade a refresh token for a new pair of tokens; it is for one use."""
    return Ok(await call.answer(REFRESH_SESSION, request, None))


@anonymous_route("POST", "/api/auth/logout", LOG_OUT)
async def log_out(request: LogOut, call: Call) -> NoContent:
    """End the session of a refresh token, and take the cookie away; nothing is said about tokens that have none."""
    await call.answer(LOG_OUT, request, None)
    return NoContent(CLEARED)


@route("GET", "/api/auth/me", GET_ME, needs=Permission.SELF_READ)
async def get_me(request: GetMe, caller: Principal, call: Call) -> Ok[Myself]:
    """The caller's own account."""
    return Ok(await call.answer(GET_ME, request, caller))


@anonymous_route("GET", "/.well-known/jwks.json", GET_PUBLIC_KEYS)
async def get_public_keys(request: GetPublicKeys, call: Call) -> Ok[PublicKeys]:
    """The keys by which anybody can verify an access token (RFC 7517)."""
    return Ok(await call.answer(GET_PUBLIC_KEYS, request, None))
