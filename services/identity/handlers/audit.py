"""The log of administrative actions."""

from datetime import UTC, datetime

from services.identity.service import Service
from shared import cursors
from shared.contracts.identity.audit import AuditPage, ListAudit
from shared.contracts.principal import Principal
from shared.identifiers import LAST_ID

_NEWEST = (datetime(9999, 1, 1, tzinfo=UTC), LAST_ID)
_FILTERS = ("actor_id", "action", "target_id")


async def list_audit(request: ListAudit, caller: Principal, service: Service) -> AuditPage:
    filters = {name: getattr(request, name) for name in _FILTERS if getattr(request, name) is not None}
    kind = f"audit:{caller.workspace_id}:{request.actor_id}:{request.action}:{request.target_id}"
    before = cursors.decode(kind, request.cursor, cursors.MOMENT_AND_ID) if request.cursor else _NEWEST
    found = await service.audit.page(caller.workspace_id, filters, before, request.limit + 1)
    await service.audit.note_reading(caller, filters)
    page, more = found[: request.limit], len(found) > request.limit
    return AuditPage(entries=page, has_more=more, next_cursor=cursors.encode(kind, page[-1].at, page[-1].id) if more else None)
