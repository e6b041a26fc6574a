"""Coming into a project, being something else there, leaving it."""

from uuid import UUID

from services.projects.domain.access import Standing, is_at_least
from shared.contracts.projects.access import ProjectIsArchived, ProjectRole, ProjectRoleIsNotEnough
from shared.contracts.projects.members import (
    AlreadyInTheProject,
    ProjectIsFull,
    ProjectMember,
    ProjectMemberNotFound,
    ProjectNeedsAnOwner,
)

MOST_MEMBERS = 10_000


def refuse_arrival(standing: Standing, role: ProjectRole, known: ProjectMember | None, count: int) -> None:
    """Nobody gives a role that is above their own."""
    standing.require(ProjectRole.MAINTAINER)
    _refuse_above(standing, role)
    if known is not None:
        raise AlreadyInTheProject
    if count >= MOST_MEMBERS:
        raise ProjectIsFull


def refuse_change(standing: Standing, found: ProjectMember | None, role: ProjectRole, other_owners: int) -> ProjectMember:
    """The member whose role may be another. Who is above oneself stays."""
    standing.require(ProjectRole.MAINTAINER)
    if found is None:
        raise ProjectMemberNotFound
    _refuse_above(standing, found.role)
    _refuse_above(standing, role)
    if found.role is ProjectRole.OWNER and role is not ProjectRole.OWNER and not other_owners:
        raise ProjectNeedsAnOwner
    return found


def succeeding(standing: Standing) -> Standing:
    """What one is for a change of roles where all above them have left the workspace: else nobody could have such a project."""
    return standing._replace(role=ProjectRole.OWNER)


def refuse_departure(standing: Standing, found: ProjectMember | None, caller_id: UUID, other_owners: int) -> ProjectMember:
    """The member who may go: anybody by themselves, others by those who are not below them."""
    leaves = found is not None and found.user_id == caller_id
    if not leaves:
        standing.require(ProjectRole.MAINTAINER)
    if found is None:
        raise ProjectMemberNotFound
    if standing.archived:
        raise ProjectIsArchived
    if not leaves:
        _refuse_above(standing, found.role)
    if found.role is ProjectRole.OWNER and not other_owners:
        raise ProjectNeedsAnOwner
    return found


def _refuse_above(standing: Standing, role: ProjectRole) -> None:
    if not is_at_least(standing.role, role):
        raise ProjectRoleIsNotEnough
