"""What the service does about events of others."""

from collections.abc import Sequence

from services.identity.repository.audit import keep
from shared.contracts.audit import Audited
from shared.database.connections import Connection
from shared.messaging.received import Received


async def keep_audited(connection: Connection, events: Sequence[Received]) -> None:
    """What admins and auditors did in other services goes into the one log; identity's own entries are written with the actions."""
    for one in events:
        if isinstance(one.event, Audited):
            await keep(connection, one.workspace_id, one.event)
