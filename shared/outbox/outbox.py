"""What a service says happened is written beside the change, in its transaction; the relay publishes it afterwards."""

from dataclasses import dataclass
from uuid import UUID

from shared.contracts.model import Event
from shared.database.connections import Connection
from shared.identifiers import new_id
from shared.messaging.context import current_context

LONGEST = 256 * 1024
"""Bytes of an event: events carry changes, never whole lists or file contents."""

_EMIT = """
    INSERT INTO outbox (event_id, workspace_id, subject, data, trace)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[])"""


class EventIsTooLong(ValueError):
    """An event is longer than 256 KiB."""


@dataclass(frozen=True, slots=True)
class Emission:
    """A row of the outbox before it has its place there."""

    event_id: UUID
    workspace_id: UUID | None
    subject: str
    data: str
    trace: str


def emission(event: Event, workspace_id: UUID | None, key: UUID) -> Emission:
    """An event as it will be published. `key` is what it belongs to: the thread, project, document or user."""
    data = event.model_dump_json(by_alias=True)
    if len(data) * 4 > LONGEST and len(data.encode()) > LONGEST:  # a character takes at most four bytes
        raise EventIsTooLong(event.event_type)
    trace = current_context.get().trace
    return Emission(
        new_id(), workspace_id, event.subject(workspace_id, key), data, trace if trace.isprintable() else ""
    )  # it rides in a header


async def emit(connection: Connection, *emissions: Emission) -> None:
    """Write events in their order. Call it after the lock on what they are about, so that events of one key are in order."""
    if emissions:
        await connection.execute(
            _EMIT,
            [one.event_id for one in emissions],
            [one.workspace_id for one in emissions],
            [one.subject for one in emissions],
            [one.data for one in emissions],
            [one.trace for one in emissions],
        )
