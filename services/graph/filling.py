"""What was there before the graph was: asked of its owners once, a page at a time, and gone on with where it stopped."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from services.graph.consumers import keep
from services.graph.learning import Learned, file_of, made_of, said
from services.graph.repository.derived import ProjectThread
from services.graph.repository.fills import AT_ONCE, Fills
from shared.contracts.artifacts import Artifact, ArtifactType
from shared.contracts.attachments import artifacts as of_attachments
from shared.contracts.attachments.artifacts import AttachmentArtifact
from shared.contracts.messages import artifacts as of_messages
from shared.contracts.messages.artifacts import MessageArtifact
from shared.contracts.operations import ATTACHMENTS, MESSAGES, PROJECTS, THREADS, Operation
from shared.contracts.projects import artifacts as of_projects
from shared.contracts.projects.artifacts import ProjectArtifact, ThreadOfProject, ThreadsOfProjects
from shared.contracts.refusals import ServiceIsUnavailable
from shared.contracts.threads import artifacts as of_threads
from shared.messaging.caller import Caller
from shared.rounds import Rounds

log = structlog.get_logger()

AGAIN = 30.0  # seconds until who did not answer is asked again

LIST: dict[str, Operation[Any, Any]] = {
    "project_threads": of_projects.LIST_PROJECT_THREADS,
    THREADS: of_threads.LIST_ARTIFACTS,
    MESSAGES: of_messages.LIST_ARTIFACTS,
    ATTACHMENTS: of_attachments.LIST_ARTIFACTS,
    PROJECTS: of_projects.LIST_ARTIFACTS,
}
"""Who is asked for what, by the name that it has among the fills."""


class Filling:
    def __init__(self, call: Caller, fills: Fills) -> None:
        self._call, self._fills = call, fills
        self._rounds = Rounds("filling the graph", self.once, AGAIN)

    def start(self) -> None:
        self._rounds.start()

    async def stop(self) -> None:
        await self._rounds.stop()

    async def once(self) -> None:
        """What is not filled yet. An owner that is away keeps no other from being asked."""
        for owner in await self._fills.open(list(LIST)):
            try:
                await self._fill(owner)
            except ServiceIsUnavailable:
                log.warning("graph_is_not_filled_yet", owner=owner)

    async def _fill(self, owner: str) -> None:
        operation = LIST[owner]
        turn = await self._fills.turn(owner)
        while turn.is_open:
            listed = _listed(await self._call(operation, operation.request(after=turn.after, limit=AT_ONCE), None))
            learned = Learned()
            for one in listed:
                learned.join(_learned(one))
            await turn.keep(partial(keep, learned=learned), listed[-1].id if listed else None, len(listed))
        log.info("graph_is_filled", owner=owner)


def _listed(page: Any) -> Sequence[Artifact | ThreadOfProject]:
    listed: Sequence[Artifact | ThreadOfProject] = page.threads if isinstance(page, ThreadsOfProjects) else page.artifacts
    return listed


def _learned(one: Artifact | ThreadOfProject) -> Learned:
    """The same as of its events."""
    match one:
        case ThreadOfProject():
            return Learned(project_threads=[ProjectThread(one.thread_id, one.id, one.workspace_id, one.deleted)])
        case MessageArtifact():
            return said(one, one.content, None if one.deleted else one.reply_to, one.author_id)
        case AttachmentArtifact(message_id=UUID() as message_id) if not one.deleted:
            return Learned(artifacts=[one], links=[file_of(one, message_id, one.uploaded_by_id)])
        case ProjectArtifact(type=ArtifactType.PAGE, updated_by=UUID() as updated_by):
            return made_of(one, one.linked_file_id, updated_by)
    return Learned(artifacts=[one], tasks=[one.id] if one.type is ArtifactType.TASK else [])
