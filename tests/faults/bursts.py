"""Many events at once, or from long ago: written into the outbox, and relayed as all others are."""

from datetime import datetime, timedelta
from uuid import UUID

from pydantic_core import from_json, to_json

from shared.identifiers import id_at, new_id
from shared.messaging.streams import EVENTS
from tests.faults.house import House
from tests.system.people import Json

_FIRST = "SELECT workspace_id, subject, data FROM messages.outbox WHERE subject LIKE $1"
_WRITE = "INSERT INTO messages.outbox (event_id, workspace_id, subject, data, trace, occurred_at) VALUES ($1, $2, $3, $4, '', $5)"


async def burst(house: House, thread: Json, upto: int, *, content: str = "Hello", age: timedelta = timedelta(0), after: int = 1) -> None:
    """Events of messages to a thread that has one message, with the numbers up to `upto`. Nobody else posts there."""
    async with house.database() as admin:
        workspace_id, subject, data = await admin.fetchrow(_FIRST, f"event.messages.message_posted.v1.%.{thread['id']}")  # type: ignore[misc]
        first = from_json(data)
        began = datetime.fromisoformat(first["message"]["createdAt"]) - age
        rows: list[tuple[UUID, UUID, str, str, datetime]] = []
        for seq in range(after + 1, upto + 1):
            at = began + timedelta(milliseconds=seq)
            moved = {"id": str(id_at(at)), "seq": seq, "content": content, "createdAt": at.isoformat(timespec="milliseconds")}
            told = first | {"message": first["message"] | moved}
            rows.append((new_id(), workspace_id, subject, to_json(told).decode(), at))
        await admin.executemany(_WRITE, rows)


async def begun_thread(house: House, ago: timedelta = timedelta(0)) -> Json:
    """One with its first message, in which whoever takes part has done so for a while."""
    thread = await house.opened_thread()
    await house.people[0].say(thread)
    async with house.database() as admin:
        await admin.execute(
            "UPDATE threads.participants SET joined_at = joined_at - $2::interval WHERE thread_id = $1", UUID(thread["id"]), ago
        )
    return thread


async def cursor_now(house: House) -> str:
    """Of what all have been told."""
    answer = await house.people[0].get("/api/collab/snapshot-cursor")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["cursor"])


async def purge(house: House, keep: int) -> None:
    """Let the stream's older events go, as time does."""
    async with house.jetstream() as js:
        await js.purge_stream(EVENTS, keep=keep)
