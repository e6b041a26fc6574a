"""What the service does about events of others."""

from collections.abc import Sequence

from services.threads.repository.activity import Said, move, read
from shared.contracts.messages.messages import MessageDeleted, MessageEdited, MessagePosted
from shared.contracts.messages.receipts import ThreadRead
from shared.database.connections import Connection
from shared.messaging.received import Received


async def move_activity(connection: Connection, events: Sequence[Received]) -> None:
    """A thread's newest message, and its place in the lists. Notes have events of their own, which never come here."""
    said = [one.event for one in events if isinstance(one.event, MessagePosted | MessageEdited | MessageDeleted)]
    await move(connection, [Said(event.message, event.version) for event in said])


async def note_reading(connection: Connection, events: Sequence[Received]) -> None:
    """How far those who take part have read."""
    await read(connection, [one.event for one in events if isinstance(one.event, ThreadRead)])
