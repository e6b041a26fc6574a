"""What the service does about events of others."""

from collections.abc import Sequence

from services.threads.repository.activity import Said, move, read
from services.threads.repository.projects import follow_member, follow_project
from shared.contracts.messages.messages import MessageDeleted, MessageEdited, MessagePosted
from shared.contracts.messages.receipts import ThreadRead
from shared.contracts.projects.members import MemberChanged
from shared.contracts.projects.projects import ProjectChanged
from shared.database.connections import Connection
from shared.messaging.received import Received


async def move_activity(connection: Connection, events: Sequence[Received]) -> None:
    """A thread's newest message, and its place in the lists. Notes have events of their own, which never come here."""
    said = [one.event for one in events if isinstance(one.event, MessagePosted | MessageEdited | MessageDeleted)]
    await move(connection, [Said(event.message, event.version) for event in said])


async def note_reading(connection: Connection, events: Sequence[Received]) -> None:
    """How far those who take part have read."""
    await read(connection, [one.event for one in events if isinstance(one.event, ThreadRead)])


async def follow_projects(connection: Connection, events: Sequence[Received]) -> None:
    """Threads of projects, and who takes part in them, for lists and live sockets; what somebody may there is asked of projects."""
    for one in events:
        assert one.workspace_id is not None, "projects are of a workspace"
        if isinstance(one.event, ProjectChanged):
            await follow_project(connection, one.workspace_id, one.event)
        elif isinstance(one.event, MemberChanged):
            await follow_member(connection, one.workspace_id, one.event)
