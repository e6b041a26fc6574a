"""One's own account over HTTP: profile, email, password, sessions."""

from services.gateway.replies import NoContent, Ok
from services.gateway.routing import Call, RateClass, anonymous_route, route
from shared.contracts.identity.accounts import (
    CHANGE_PASSWORD,
    REQUEST_RESET,
    REQUEST_VERIFICATION,
    RESET_PASSWORD,
    VERIFY_EMAIL,
    ChangePassword,
    RequestReset,
    RequestVerification,
    ResetPassword,
    VerifyEmail,
)
from shared.contracts.identity.devices import (
    END_OTHER_SESSIONS,
    END_OWN_SESSION,
    GET_OWN_SESSION,
    LIST_OWN_SESSIONS,
    EndOtherSessions,
    EndOwnSession,
    GetOwnSession,
    ListOwnSessions,
    OwnSession,
    OwnSessionPage,
)
from shared.contracts.identity.profiles import CHANGE_ME, ChangeMe
from shared.contracts.identity.users import Myself
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal

SESSIONS = "/api/auth/sessions"
SESSION = f"{SESSIONS}/{{sessionId}}"


@route("PATCH", "/api/auth/me", CHANGE_ME, needs=Permission.SELF_UPDATE)
async def change_me(request: ChangeMe, caller: Principal, call: Call) -> Ok[Myself]:
    """Change what is sent of one's own profile."""
    return Ok(await call.answer(CHANGE_ME, request, caller))


@route("POST", "/api/auth/verify", VERIFY_EMAIL, needs=Permission.SELF_UPDATE)
async def verify_email(request: VerifyEmail, caller: Principal, call: Call) -> NoContent:
    """Verify the caller's email by the token of the link that was mailed to it."""
    await call.answer(VERIFY_EMAIL, request, caller)
    return NoContent()


@route("POST", "/api/auth/verify/request", REQUEST_VERIFICATION, needs=Permission.SELF_UPDATE, limit=RateClass.SIGN_INS)
async def request_verification(request: RequestVerification, caller: Principal, call: Call) -> NoContent:
    """Mail another link to verify one's email with."""
    await call.answer(REQUEST_VERIFICATION, request, caller)
    return NoContent()


@anonymous_route("POST", "/api/auth/reset/request", REQUEST_RESET, limit=RateClass.SIGN_INS)
async def request_reset(request: RequestReset, call: Call) -> NoContent:
    """Mail a link to set another password with; the answer says nothing about who has an account."""
    await call.answer(REQUEST_RESET, request, None)
    return NoContent()


@anonymous_route("POST", "/api/auth/reset", RESET_PASSWORD)
async def reset_password(request: ResetPassword, call: Call) -> NoContent:
    """Set another password by the token of a mailed link; all sessions end."""
    await call.answer(RESET_PASSWORD, request, None)
    return NoContent()


@route("POST", "/api/auth/password", CHANGE_PASSWORD, needs=Permission.SELF_UPDATE, limit=RateClass.SIGN_INS)
async def change_password(request: ChangePassword, caller: Principal, call: Call) -> NoContent:
    """Set another password; all other sessions end."""
    await call.answer(CHANGE_PASSWORD, request, caller)
    return NoContent()


@route("GET", SESSIONS, LIST_OWN_SESSIONS, needs=Permission.SELF_READ)
async def list_own_sessions(request: ListOwnSessions, caller: Principal, call: Call) -> Ok[OwnSessionPage]:
    """Where the caller is signed in, newest first."""
    return Ok(await call.answer(LIST_OWN_SESSIONS, request, caller))


@route("DELETE", SESSIONS, END_OTHER_SESSIONS, needs=Permission.SELF_UPDATE)
async def end_other_sessions(request: EndOtherSessions, caller: Principal, call: Call) -> NoContent:
    """Sign out everywhere else."""
    await call.answer(END_OTHER_SESSIONS, request, caller)
    return NoContent()


@route("GET", SESSION, GET_OWN_SESSION, needs=Permission.SELF_READ)
async def get_own_session(request: GetOwnSession, caller: Principal, call: Call) -> Ok[OwnSession]:
    """One of the caller's sessions."""
    return Ok(await call.answer(GET_OWN_SESSION, request, caller))


@route("DELETE", SESSION, END_OWN_SESSION, needs=Permission.SELF_UPDATE)
async def end_own_session(request: EndOwnSession, caller: Principal, call: Call) -> NoContent:
    """End one of the caller's sessions."""
    await call.answer(END_OWN_SESSION, request, caller)
    return NoContent()
