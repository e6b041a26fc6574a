"""CHECK_PROJECT_AUDIENCE: who of many are in a project is what CHECK_PROJECT_ACCESS says of each of them."""

from shared.contracts.principal import Principal
from shared.contracts.projects.access import ProjectRole
from shared.contracts.projects.audience import CHECK_PROJECT_AUDIENCE, CheckProjectAudience, ProjectAudience, ProjectSeenBy
from shared.contracts.projects.members import CHANGE_PROJECT_MEMBER, GET_PROJECT_MEMBER, REMOVE_PROJECT_MEMBER
from shared.contracts.projects.projects import CHANGE_PROJECT, DELETE_PROJECT, Project
from shared.identifiers import new_id
from tests.service.neighbours import principal
from tests.service.projects.conftest import Service

NOBODY = ProjectAudience(archived=False, members=[])


async def audience(service: Service, project: Project, *users: Principal) -> ProjectAudience:
    workspace_id = users[0].workspace_id
    request = CheckProjectAudience(workspace_id=workspace_id, project_id=project.id, users=[user.user_id for user in users])
    return await service.gateway(CHECK_PROJECT_AUDIENCE, request, None)


async def test_the_audience_of_a_project_are_its_members(service: Service, owner: Principal) -> None:
    project = await service.begin(owner)
    member, gone = await service.join(project, owner), await service.join(project, owner)
    stranger = principal(workspace_id=owner.workspace_id)
    await service.ask(REMOVE_PROJECT_MEMBER, owner, project_id=project.id, member_id=gone.user_id)
    asked = {"project_id": project.id, "member_id": member.user_id}
    await service.ask(CHANGE_PROJECT_MEMBER, owner, **asked, role=ProjectRole.MAINTAINER)
    shown = await audience(service, project, stranger, member, gone, owner, member)
    known = {one.user_id: one for one in shown.members}
    assert (shown.archived, len(shown.members)) == (False, 2)
    for who in (member, owner):
        view = await service.ask(GET_PROJECT_MEMBER, who, project_id=project.id, member_id=who.user_id)
        assert known[who.user_id] == ProjectSeenBy(user_id=who.user_id, role=view.role, joined_at=view.joined_at)


async def test_an_archived_project_has_its_audience_and_a_deleted_or_missing_one_nobody(service: Service, owner: Principal) -> None:
    project = await service.begin(owner)
    await service.ask(CHANGE_PROJECT, owner, project_id=project.id, archived=True)
    for who, others in ((owner, ()), (principal(workspace_id=owner.workspace_id), (owner,))):
        shown = await audience(service, project, who, *others)
        assert (shown.archived, [one.user_id for one in shown.members]) == (True, [owner.user_id])
    assert await audience(service, project, principal()) == NOBODY, "of another workspace"
    assert await audience(service, project.model_copy(update={"id": new_id()}), owner) == NOBODY
    await service.ask(DELETE_PROJECT, owner, project_id=project.id)
    stranger = principal(workspace_id=owner.workspace_id)
    assert await audience(service, project, owner, stranger) == NOBODY.model_copy(update={"former": [owner.user_id]})
