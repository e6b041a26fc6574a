"""What is said to the audit log; it belongs to whoever did it, so no follower of a thread hears of it."""

from uuid import UUID

from shared.contracts.messages.audit import ActionAudited
from shared.contracts.messages.messages import Message
from shared.identifiers import new_id
from shared.outbox.outbox import Emission, emission


def audit_entry(workspace_id: UUID, actor: UUID, action: str, message: Message, reason: str | None) -> Emission:
    entry = ActionAudited(
        entity_id=new_id(),
        version=1,
        actor_id=actor,
        action=action,
        target_kind="message",
        target_id=message.id,
        reason=reason,
        details={"threadId": str(message.thread_id)},
    )
    return emission(entry, workspace_id, actor)
