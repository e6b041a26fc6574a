"""What a change makes of a project."""

from typing import Any

from services.projects.domain.access import Standing
from shared.contracts.projects.access import Happened, ProjectIsArchived, ProjectRole
from shared.contracts.projects.projects import ChangeProject, ProjectFacts

_FIELDS = ("name", "description", "archived")


def changes(before: ProjectFacts, request: ChangeProject, standing: Standing) -> dict[str, Any]:
    """The fields that will be others. Raises the refusal that stands against the change."""
    sent = request.model_fields_set & set(_FIELDS)
    standing.require(ProjectRole.OWNER, archived=True)
    restored = "archived" in sent and not request.archived
    if before.archived and not (sent <= {"archived"} or restored):
        raise ProjectIsArchived
    return {name: getattr(request, name) for name in _FIELDS if name in sent and getattr(request, name) != getattr(before, name)}


def happened(fields: dict[str, Any]) -> Happened:
    return Happened.RESTORED if fields.get("archived") is False else Happened.UPDATED
