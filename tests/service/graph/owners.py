"""A stand-in for everybody whom the graph asks: things, who sees them, who is in which project, from what a test says."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.graph.filling import LIST
from services.graph.owners import DESCRIBE, OWNERS
from shared.contracts.artifacts import Artifact, ArtifactType
from shared.contracts.model import Request
from shared.contracts.operations import Operation
from shared.contracts.principal import Principal
from shared.contracts.projects.access import CHECK_PROJECT_ACCESS, CheckProjectAccess, ProjectAccess, ProjectNotFound, ProjectRole
from shared.contracts.projects.artifacts import ThreadOfProject
from shared.contracts.refusals import ServiceIsUnavailable
from shared.contracts.threads.access import CHECK_ACCESS, Access, CheckAccess, Right, State, ThreadIsReadOnlyForYou, ThreadNotFound
from shared.identifiers import new_id
from shared.messaging.local import LocalWork, Process
from shared.messaging.responder import Responder
from shared.messaging.work import Work


@dataclass
class Owners:
    """things: by id. hidden: (user, thing). outside: (user, project or thread) who may not see it. away: services that do not answer."""

    process: Process
    things: dict[UUID, Artifact] = field(default_factory=dict)
    hidden: set[tuple[UUID, UUID]] = field(default_factory=set)
    outside: set[tuple[UUID, UUID]] = field(default_factory=set)
    readers: set[tuple[UUID, UUID]] = field(default_factory=set)
    archived: set[UUID] = field(default_factory=set)
    away: set[str] = field(default_factory=set)
    listed: dict[str, Sequence[Artifact | ThreadOfProject]] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)
    responder: Responder = field(default_factory=lambda: Responder("stand-in", 10_000))

    def __post_init__(self) -> None:
        for owner, operation in DESCRIBE.items():
            self._answer(operation, self._describing(owner))
        for name, operation in LIST.items():
            self._answer(operation, self._listing(name))
        self._answer(CHECK_PROJECT_ACCESS, self._check_project)
        self._answer(CHECK_ACCESS, self._check_thread)

    def add(self, kind: ArtifactType, workspace_id: UUID, *, identifier: UUID | None = None, **fields: Any) -> Artifact:
        made = Artifact.model_validate(
            {
                "type": kind,
                "id": identifier or new_id(),
                "workspace_id": workspace_id,
                "project_id": None,
                "thread_id": None,
                "title": kind.title(),
                "deleted": False,
                "version": 1,
                **fields,
            }
        )
        self.things[made.id] = made
        return made

    def change(self, thing: Artifact, **fields: Any) -> Artifact:
        before = self.things[thing.id]
        self.things[thing.id] = after = before.model_copy(update={"version": before.version + 1, **fields})
        return after

    def sees(self, caller: UUID, thing: Artifact) -> bool:
        return (
            not thing.deleted
            and (caller, thing.id) not in self.hidden
            and (caller, thing.project_id or thing.thread_id) not in self.outside
        )

    def _answer(self, operation: Operation[Any, Any], handler: Any) -> None:
        async def one(request: Request, caller: Principal | None) -> BaseModel:
            if operation.owner in self.away:
                raise ServiceIsUnavailable
            reply: BaseModel = handler(request, caller)
            return reply

        self.process.answer(LocalWork(Work(operation, one, None), self.responder))

    def _describing(self, owner: str) -> Any:
        operation = DESCRIBE[owner]

        def describe(request: Any, caller: Principal) -> BaseModel:
            self.asked.append((owner, len(request.ids)))
            there = [self.things[identifier] for identifier in request.ids if identifier in self.things]
            mine = [one for one in there if OWNERS[one.type] == owner and one.workspace_id == caller.workspace_id]
            reply: BaseModel = operation.reply(artifacts=[one for one in mine if self.sees(caller.user_id, one)])
            return reply

        return describe

    def _listing(self, name: str) -> Any:
        operation = LIST[name]
        (field_name,) = operation.reply.model_fields

        def page(request: Any, caller: Principal | None) -> BaseModel:
            rest = [one for one in self.listed.get(name, ()) if request.after is None or one.id > request.after]
            reply: BaseModel = operation.reply(**{field_name: sorted(rest, key=lambda one: one.id)[: request.limit]})
            return reply

        return page

    def _check_project(self, request: CheckProjectAccess, caller: Principal) -> ProjectAccess:
        if (caller.user_id, request.project_id) in self.outside:
            raise ProjectNotFound
        return ProjectAccess(
            project_id=request.project_id,
            role=ProjectRole.MEMBER,
            archived=request.project_id in self.archived,
            joined_at=datetime.now(UTC),
        )

    def _check_thread(self, request: CheckAccess, caller: Principal) -> Access:
        if (caller.user_id, request.thread_id) in self.outside:
            raise ThreadNotFound
        if request.right is Right.POST and (caller.user_id, request.thread_id) in self.readers:
            raise ThreadIsReadOnlyForYou
        return Access(thread_id=request.thread_id, state=State.ACTIVE, notes=True, deletes_others=True)
