"""Projects and their members over HTTP."""

from services.gateway.replies import Created, NoContent, Ok
from services.gateway.routing import Call, route
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.projects.history import GET_PROJECT_HISTORY, GetProjectHistory, ProjectChangePage
from shared.contracts.projects.members import (
    ADD_PROJECT_MEMBER,
    CHANGE_PROJECT_MEMBER,
    GET_PROJECT_MEMBER,
    LIST_PROJECT_MEMBERS,
    REMOVE_PROJECT_MEMBER,
    AddProjectMember,
    ChangeProjectMember,
    GetProjectMember,
    ListProjectMembers,
    ProjectMember,
    ProjectMemberPage,
    RemoveProjectMember,
)
from shared.contracts.projects.projects import (
    CHANGE_PROJECT,
    CREATE_PROJECT,
    DELETE_PROJECT,
    GET_PROJECT,
    LIST_PROJECTS,
    ChangeProject,
    CreateProject,
    DeleteProject,
    GetProject,
    ListProjects,
    Project,
    ProjectPage,
)

PROJECTS = "/api/projects"
PROJECT = "/api/projects/{projectId}"
MEMBERS = PROJECT + "/members"
MEMBER = PROJECT + "/members/{memberId}"


@route("GET", PROJECTS, LIST_PROJECTS, needs=Permission.PROJECT_READ)
async def list_projects(request: ListProjects, caller: Principal, call: Call) -> Ok[ProjectPage]:
    """The projects that the caller is a member of, newest first."""
    return Ok(await call.answer(LIST_PROJECTS, request, caller))


@route("POST", PROJECTS, CREATE_PROJECT, needs=Permission.PROJECT_CREATE)
async def create_project(request: CreateProject, caller: Principal, call: Call) -> Created[Project]:
    """Begin a project, as its first owner."""
    return Created(await call.answer(CREATE_PROJECT, request, caller), at="/api/projects/{id}")


@route("GET", PROJECT, GET_PROJECT, needs=Permission.PROJECT_READ)
async def get_project(request: GetProject, caller: Principal, call: Call) -> Ok[Project]:
    """One project."""
    return Ok(await call.answer(GET_PROJECT, request, caller))


@route("PATCH", PROJECT, CHANGE_PROJECT, needs=Permission.PROJECT_UPDATE)
async def change_project(request: ChangeProject, caller: Principal, call: Call) -> Ok[Project]:
    """Change the fields that are sent; `archived` archives a project and restores it."""
    return Ok(await call.answer(CHANGE_PROJECT, request, caller))


@route("DELETE", PROJECT, DELETE_PROJECT, needs=Permission.PROJECT_UPDATE)
async def delete_project(request: DeleteProject, caller: Principal, call: Call) -> NoContent:
    """Delete a project with all that is in it."""
    await call.answer(DELETE_PROJECT, request, caller)
    return NoContent()


@route("GET", MEMBERS, LIST_PROJECT_MEMBERS, needs=Permission.PROJECT_READ)
async def list_project_members(request: ListProjectMembers, caller: Principal, call: Call) -> Ok[ProjectMemberPage]:
    """Who is in a project, in the order in which they came."""
    return Ok(await call.answer(LIST_PROJECT_MEMBERS, request, caller))


@route("POST", MEMBERS, ADD_PROJECT_MEMBER, needs=Permission.PROJECT_UPDATE)
async def add_project_member(request: AddProjectMember, caller: Principal, call: Call) -> Created[ProjectMember]:
    """Take a member of the workspace into a project."""
    return Created(await call.answer(ADD_PROJECT_MEMBER, request, caller), at=f"/api/projects/{request.project_id}/members/{{userId}}")


@route("GET", MEMBER, GET_PROJECT_MEMBER, needs=Permission.PROJECT_READ)
async def get_project_member(request: GetProjectMember, caller: Principal, call: Call) -> Ok[ProjectMember]:
    """One member of a project, by their id there or their userId."""
    return Ok(await call.answer(GET_PROJECT_MEMBER, request, caller))


@route("PATCH", MEMBER, CHANGE_PROJECT_MEMBER, needs=Permission.PROJECT_UPDATE)
async def change_project_member(request: ChangeProjectMember, caller: Principal, call: Call) -> Ok[ProjectMember]:
    """Give a member another role in the project."""
    return Ok(await call.answer(CHANGE_PROJECT_MEMBER, request, caller))


@route("DELETE", MEMBER, REMOVE_PROJECT_MEMBER, needs=Permission.PROJECT_READ)
async def remove_project_member(request: RemoveProjectMember, caller: Principal, call: Call) -> NoContent:
    """Take somebody out of a project, or leave it oneself."""
    await call.answer(REMOVE_PROJECT_MEMBER, request, caller)
    return NoContent()


@route("GET", PROJECT + "/history", GET_PROJECT_HISTORY, needs=Permission.HISTORY_READ)
async def get_project_history(request: GetProjectHistory, caller: Principal, call: Call) -> Ok[ProjectChangePage]:
    """What a project and all that is in it was before each change, newest first."""
    return Ok(await call.answer(GET_PROJECT_HISTORY, request, caller))
