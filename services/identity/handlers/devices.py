"""Where one is signed in."""

from services.identity.service import Service
from shared import cursors
from shared.contracts.identity.devices import EndOtherSessions, EndOwnSession, GetOwnSession, ListOwnSessions, OwnSession, OwnSessionPage
from shared.contracts.model import Nothing
from shared.contracts.principal import Principal
from shared.identifiers import LAST_ID


async def list_own_sessions(request: ListOwnSessions, caller: Principal, service: Service) -> OwnSessionPage:
    kind = f"sessions:{caller.user_id}"
    (before,) = cursors.decode(kind, request.cursor, cursors.ID) if request.cursor else (LAST_ID,)
    found = await service.devices.page(caller.user_id, caller.session_id, before, request.limit + 1)
    sessions, more = found[: request.limit], len(found) > request.limit
    return OwnSessionPage(sessions=sessions, has_more=more, next_cursor=cursors.encode(kind, sessions[-1].id) if more else None)


async def get_own_session(request: GetOwnSession, caller: Principal, service: Service) -> OwnSession:
    return await service.devices.get(caller.user_id, caller.session_id, request.session_id)


async def end_own_session(request: EndOwnSession, caller: Principal, service: Service) -> Nothing:
    await service.devices.end(caller.user_id, request.session_id, current=caller.session_id)
    return Nothing()


async def end_other_sessions(request: EndOtherSessions, caller: Principal, service: Service) -> Nothing:
    await service.devices.end_others(caller.user_id, current=caller.session_id)
    return Nothing()
