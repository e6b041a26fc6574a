"""Many events that the graph learns of."""

from uuid import UUID

import asyncpg

from shared.identifiers import new_id
from shared.outbox.outbox import emission
from tests.service.graph.events import posted

# One event, as often as is asked for, each about a message of its own.
_EVENTS = """
    INSERT INTO messages.outbox (event_id, workspace_id, subject, data, trace)
    SELECT uuidv7(), $1, $2, replace($3, $4, uuidv7()::text), '' FROM generate_series(1, $5::int)"""


async def many_replies(database: "asyncpg.Connection[asyncpg.Record]", workspace_id: UUID, thread: UUID, first: UUID, count: int) -> None:
    """As messages tells of them; they come of nothing, and are there for nobody."""
    event = posted(thread, id=new_id(), reply_to=first, content="Yes")
    one = emission(event, workspace_id, thread)
    await database.execute(_EVENTS, workspace_id, one.subject, one.data, str(event.entity_id), count)
