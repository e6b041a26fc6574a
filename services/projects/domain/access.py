"""What members may do in a project (API.md, Roles): members alone see it."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from shared.contracts.projects.access import ProjectIsArchived, ProjectRole, ProjectRoleIsNotEnough

_RANKS = {ProjectRole.OWNER: 3, ProjectRole.MAINTAINER: 2, ProjectRole.MEMBER: 1}


def is_at_least(role: ProjectRole, least: ProjectRole) -> bool:
    return _RANKS[role] >= _RANKS[least]


def above(role: ProjectRole) -> list[ProjectRole]:
    """The roles that are more than this one."""
    return [other for other in _RANKS if _RANKS[other] > _RANKS[role]]


class Standing(NamedTuple):
    """What somebody is in a project that is there."""

    project_id: UUID
    role: ProjectRole
    archived: bool
    joined_at: datetime

    def require(self, least: ProjectRole, *, archived: bool = False) -> None:
        """Raises `ProjectRoleIsNotEnough`, and `ProjectIsArchived` unless an archived project may be changed so."""
        if not is_at_least(self.role, least):
            raise ProjectRoleIsNotEnough
        if self.archived and not archived:
            raise ProjectIsArchived
