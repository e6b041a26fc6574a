"""How far people have read."""

from uuid import UUID

from shared.contracts.model import Event, Time


class ThreadRead(Event):
    """Somebody has read a thread up to a message."""

    thread_id: UUID
    user_id: UUID
    last_read_message_id: UUID | None
    last_read_at: Time
    last_read_seq: int
