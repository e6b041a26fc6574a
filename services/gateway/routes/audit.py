"""The log of administrative actions over HTTP."""

from services.gateway.replies import Ok
from services.gateway.routing import Call, route
from shared.contracts.identity.audit import LIST_AUDIT, AuditPage, ListAudit
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal


@route("GET", "/api/audit", LIST_AUDIT, needs=Permission.AUDIT_READ)
async def list_audit(request: ListAudit, caller: Principal, call: Call) -> Ok[AuditPage]:
    """What admins and auditors did in the workspace, newest first."""
    return Ok(await call.answer(LIST_AUDIT, request, caller))
