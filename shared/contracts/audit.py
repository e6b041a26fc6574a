"""What admins and auditors did: every service says it, identity keeps the log."""

from typing import Any
from uuid import UUID

from shared.contracts.model import Event


class Audited(Event):
    """Somebody did what others may have to answer for. A service's own class of it is `ActionAudited`, in its package of contracts.

    entity_id: of the entry itself. action: `domain:function:action`, as permissions are named. details: small, and no content of messages.
    """

    actor_id: UUID
    action: str
    target_kind: str
    target_id: UUID
    reason: str | None
    details: dict[str, Any]
