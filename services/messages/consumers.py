"""What the service does about events of others."""

from collections.abc import Sequence

from services.messages.repository.files import follow
from services.messages.repository.parts import Part, move
from shared.contracts.attachments.attachments import AttachmentChanged
from shared.contracts.threads.participants import ParticipantAdded, ParticipantRemoved
from shared.database.connections import Connection
from shared.messaging.received import Received


async def note_parts(connection: Connection, events: Sequence[Received]) -> None:
    """Whose receipts others are shown: those who take part."""
    said = [one.event for one in events if isinstance(one.event, ParticipantAdded | ParticipantRemoved)]
    await move(connection, [_part(event) for event in said])


async def follow_files(connection: Connection, events: Sequence[Received]) -> None:
    """What messages tell of their files."""
    await follow(connection, [one.event for one in events if isinstance(one.event, AttachmentChanged)])


def _part(event: ParticipantAdded | ParticipantRemoved) -> Part:
    somebody = event.participant
    return Part(event.thread_id, somebody.user_id, somebody.contact, somebody.joined_at, isinstance(event, ParticipantAdded))
