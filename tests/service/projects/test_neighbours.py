"""Projects while its neighbours are away."""

import pytest

from shared.contracts.principal import Principal
from shared.contracts.projects.access import ProjectRole, ProjectRoleIsNotEnough
from shared.contracts.projects.members import CHANGE_PROJECT_MEMBER
from shared.contracts.projects.projects import GET_PROJECT
from shared.contracts.refusals import ServiceIsUnavailable
from tests.service.projects.conftest import Service


async def test_a_projects_thread_is_opened_before_its_owner_is_answered(service: Service, owner: Principal) -> None:
    project = await service.begin(owner)
    (asked,) = [one for one in service.threads.opened if one.project_id == project.id]
    assert (asked.thread_id, asked.title) == (project.thread_id, "Turin")


async def test_a_project_begins_while_threads_is_away(service: Service, owner: Principal) -> None:
    service.threads.away = True
    project = await service.begin(owner)
    assert await service.ask(GET_PROJECT, owner, project_id=project.id) == project


async def test_nobody_comes_into_a_project_and_nobody_inherits_one_while_identity_is_away(service: Service, owner: Principal) -> None:
    project = await service.begin(owner)
    member = await service.join(project, owner)
    service.identity.away = True
    with pytest.raises(ServiceIsUnavailable):
        await service.join(project, owner)
    heir = {"project_id": project.id, "member_id": member.user_id, "role": ProjectRole.OWNER}
    with pytest.raises(ServiceIsUnavailable):
        await service.ask(CHANGE_PROJECT_MEMBER, member, **heir)
    assert await service.count("project_members", project.id) == 2
    assert (await service.ask(CHANGE_PROJECT_MEMBER, owner, **heir)).role is ProjectRole.OWNER


async def test_who_inherits_a_project_is_no_owner_for_anything_else(service: Service, owner: Principal) -> None:
    """The stand-in knows those who were taken in; the owner is in the workspace no more."""
    project = await service.begin(owner)
    member, other = await service.join(project, owner), await service.join(project, owner)
    own = {"project_id": project.id, "member_id": member.user_id}
    assert (await service.ask(CHANGE_PROJECT_MEMBER, member, **own, role=ProjectRole.OWNER)).role is ProjectRole.OWNER
    with pytest.raises(ProjectRoleIsNotEnough):
        await service.ask(CHANGE_PROJECT_MEMBER, other, **own, role=ProjectRole.MEMBER)
