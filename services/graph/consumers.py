"""What the service does about events of others: it keeps its copy of what can be linked, and the links that come by themselves."""

from collections.abc import Sequence

from services.graph.learning import Learned, of_attachment, of_file, of_message, of_page, of_task, of_thread
from services.graph.repository import derived
from services.graph.repository.artifacts import end, record
from services.graph.repository.derived import ProjectThread
from shared.contracts.attachments.attachments import AttachmentChanged
from shared.contracts.messages.messages import Message
from shared.contracts.model import Event
from shared.contracts.projects.access import Happened
from shared.contracts.projects.files import FileChanged
from shared.contracts.projects.pages import PageChanged
from shared.contracts.projects.projects import ProjectChanged
from shared.contracts.projects.tasks import TaskChanged
from shared.contracts.threads.threads import ThreadChanged, ThreadOpened
from shared.database.connections import Connection
from shared.messaging.received import Received


async def learn(connection: Connection, events: Sequence[Received]) -> None:
    """In the order of the stream, though what is newer wins in any."""
    learned = Learned()
    for one in events:
        if one.workspace_id is not None:
            learned.join(_learned(one.event, one))
    await keep(connection, learned)


async def keep(connection: Connection, learned: Learned) -> None:
    """Under the lock of those who derive, so that of two that name each other one finds the other."""
    await derived.lock(connection)
    fresh = await record(connection, learned.artifacts)
    sources = [source for source in learned.sources if source in fresh]
    if sources:
        links = [link for source in sources for link in learned.sources[source].links]
        mentions = [mention for source in sources for mention in learned.sources[source].mentions]
        await derived.derive(connection, sources, links, mentions)
    await derived.add(connection, learned.links)
    await derived.threads_of_projects(connection, learned.project_threads)
    await derived.tasks_came(connection, learned.tasks)
    told = {one.project_id for one in learned.artifacts} | {one.project_id for one in learned.project_threads}
    await end(connection, sorted(one for one in told if one is not None), learned.artifacts)


def _learned(event: Event, received: Received) -> Learned:
    workspace_id = received.workspace_id
    assert workspace_id is not None, "what belongs to the installation is not linked"
    match event:
        case ThreadOpened() | ThreadChanged():
            return of_thread(event.thread, event.version, workspace_id)
        case AttachmentChanged():
            return of_attachment(event, workspace_id)
        case TaskChanged():
            return of_task(event, workspace_id)
        case FileChanged():
            return of_file(event, workspace_id)
        case PageChanged():
            return of_page(event, workspace_id)
        case ProjectChanged():
            deleted = event.change is Happened.DELETED
            return Learned(project_threads=[ProjectThread(event.project.thread_id, event.project.id, workspace_id, deleted)])
    message = getattr(event, "message", None)
    assert isinstance(message, Message), f"{event.event_type} is not among those that it subscribed"
    return of_message(message, event.version, workspace_id)
