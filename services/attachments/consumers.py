"""What the service does about events of others."""

from collections.abc import Sequence
from itertools import groupby

from services.attachments.domain import HiddenFrom
from services.attachments.repository.claims import Post, delete_files, post
from shared.contracts.messages.hidden import GuardedMessageDeleted, GuardedMessagePosted
from shared.contracts.messages.messages import Message, MessageDeleted, MessagePosted, NoteDeleted, NotePosted
from shared.database.connections import Connection
from shared.messaging.received import Received

_POSTED = {
    MessagePosted: HiddenFrom.NOBODY,
    NotePosted: HiddenFrom.THOSE_WITHOUT_NOTES,
    GuardedMessagePosted: HiddenFrom.GUESTS,
}


async def follow_posts(connection: Connection, events: Sequence[Received]) -> None:
    """Files are in messages once those are posted, and go when those are deleted; in the order of the stream."""
    for posted, some in groupby((one.event for one in events), lambda event: type(event) in _POSTED):
        said = list(some)
        if posted:
            messages = [
                (event, _POSTED[type(event)]) for event in said if isinstance(event, MessagePosted | NotePosted | GuardedMessagePosted)
            ]
            await post(connection, [_post(event.message, hidden_from) for event, hidden_from in messages])
        else:
            gone = [event for event in said if isinstance(event, MessageDeleted | NoteDeleted | GuardedMessageDeleted)]
            await delete_files(connection, [event.message.id for event in gone])


def _post(message: Message, hidden_from: HiddenFrom) -> Post:
    return Post(message.id, [file.id for file in message.attachments], message.created_at, hidden_from)
