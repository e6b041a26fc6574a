"""Every route, for everybody, on everything: the answers are those of the one table."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx2
import pytest
import pytest_asyncio

from services.gateway.live_routing import LIVE_ROUTES, AnyRoute, LiveRoute
from services.gateway.realtime.sse import EVENT_STREAM
from services.gateway.routing import CONDITION, OWN_ROUTES, ROUTES, Route
from shared.contracts.principal import Role
from shared.contracts.projects.access import ProjectNotFound
from shared.contracts.refusals import NotFound
from shared.identifiers import new_id
from tests.service.attachments.media.samples import silence
from tests.system.access.stage import Shown, Stage
from tests.system.access.table import CALLERS, CELLS, Cell
from tests.system.attachments.tus import asking
from tests.system.house import House, log_in
from tests.system.people import PASSWORD, Json, Person, opening, refusal, taking_part

REFUSED = {401: "token_is_missing"}
ANYTIME = {"date", "ratelimit", "ratelimit-policy"}


@dataclass(frozen=True)
class Action:
    """What is sent to a route. `spends`: what it is done to, and is not refused for, is another thing afterwards.
    own: the participant named is oneself.
    says: the id that it names elsewhere than in its path.
    """

    route: str
    body: Callable[[Person], Json] | None = None
    spends: bool = False
    own: bool = False
    says: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The ids that it names; the last of them varies."""
        return (self.says,) if self.says else getattr(BY_NAME[self.route], "parameters", ())


def ends_nowhere() -> Json:
    return {"sourceType": "MESSAGE", "sourceId": str(new_id()), "targetType": "MESSAGE", "targetId": str(new_id())}


EVERY: list[AnyRoute] = [*ROUTES, *OWN_ROUTES, *LIVE_ROUTES]
BY_NAME = {route.name: route for route in EVERY}
ACTIONS = {name: Action(name) for name in BY_NAME} | {
    "register_user": Action("register_user", lambda _: {"email": f"{new_id().hex}@new.example", "password": PASSWORD, "name": "New"}),
    "log_in": Action("log_in", lambda person: {"email": person.user["email"], "password": PASSWORD}),
    "refresh_session": Action("refresh_session", lambda person: {"refreshToken": person.refresh_token}),
    "log_out": Action("log_out", lambda person: {"refreshToken": "one that was never given out"}),
    "change_me": Action("change_me", lambda person: {"currentStatus": "online"}),
    "verify_email": Action("verify_email", lambda _: {"token": "one that was never mailed"}),
    "request_reset": Action("request_reset", lambda person: {"email": person.user["email"]}),
    "reset_password": Action("reset_password", lambda _: {"token": "one that was never mailed", "password": PASSWORD}),
    "change_password": Action("change_password", lambda _: {"currentPassword": PASSWORD, "newPassword": PASSWORD}),
    "end_own_session": Action("end_own_session", spends=True),
    "suspend_user": Action("suspend_user", lambda _: {"reason": "Sends spam"}, spends=True),
    "reinstate_user": Action("reinstate_user", lambda _: {}, spends=True),
    "create_workspace": Action("create_workspace", lambda _: {"name": "Lab"}),
    "change_workspace": Action("change_workspace", lambda _: {"name": "Atrium"}),
    "switch_workspace": Action("switch_workspace", lambda person: {"workspaceId": person.user["workspaceId"]}),
    "change_member": Action("change_member", lambda person: {"role": person.user["role"]}),
    "remove_member": Action("remove_member", spends=True),
    "create_invitation": Action("create_invitation", lambda _: {"role": "client"}),
    "revoke_invitation": Action("revoke_invitation", spends=True),
    "accept_invitation": Action("accept_invitation", lambda _: {"token": "one that was never given out"}),
    "create_role": Action("create_role", lambda _: {"name": f"r{new_id().hex[-20:]}", "permissions": ["chat:room:read"]}),
    "change_role": Action("change_role", lambda _: {"description": "Another"}),
    "delete_role": Action("delete_role", spends=True),
    "create_service_account": Action("create_service_account", lambda _: {"name": "Bot"}),
    "delete_service_account": Action("delete_service_account", spends=True),
    "create_service_token": Action("create_service_token", lambda _: {"name": "main", "scopes": ["chat:room:read"]}),
    "revoke_service_token": Action("revoke_service_token", spends=True),
    "set_role": Action("set_role", lambda person: {"role": person.user["role"]}),
    "open_booking": Action("open_thread", lambda _: opening("booking")),
    "open_group": Action("open_thread", lambda _: opening("group")),
    "open_support": Action("open_thread", lambda _: opening("support")),
    "open_escalated": Action("open_thread", lambda _: opening("escalated")),
    "open_assistant": Action("open_thread", lambda _: opening("assistant")),
    "open_direct": Action("open_thread", lambda _: opening("direct")),
    "add_participant": Action("add_participant", lambda _: {"name": f"New {new_id()}"}),
    "join_thread": Action("add_participant", lambda person: {"userId": person.id}, spends=True),
    "change_participant": Action("change_participant", lambda _: {"status": "muted"}),
    "remove_participant": Action("remove_participant", spends=True),
    "leave_thread": Action("remove_participant", spends=True, own=True),
    "post_message": Action("post_message", lambda _: {"content": "Hello"}),
    "post_note": Action("post_message", lambda _: {"content": "Among us", "channel": "note"}),
    "change_thread": Action("change_thread", lambda _: {"title": f"Another title {new_id()}"}),
    "archive_thread": Action("archive_thread", spends=True),
    "restore_thread": Action("change_thread", lambda _: {"archived": False}, spends=True),
    "edit_message": Action("edit_message", lambda _: {"content": "Hello again"}),
    "delete_message": Action("delete_message", spends=True),
    "mark_read": Action("mark_read", lambda _: {"lastMessageId": str(new_id())}),
    "mark_unread": Action("mark_unread", lambda _: {"fromMessageId": str(new_id())}),
    "mark_delivered": Action("mark_delivered", lambda _: {"lastMessageId": str(new_id())}),
    "delete_attachment": Action("delete_attachment", spends=True),
    "begin_presigned_upload": Action("begin_presigned_upload", lambda _: {"filename": "a.txt", "size": 5, "sha256": "0" * 64}),
    "create_resumable_upload": Action("create_resumable_upload", says="threadId"),
    "continue_resumable_upload": Action("continue_resumable_upload", spends=True),
    "delete_resumable_upload": Action("delete_resumable_upload", spends=True),
    "create_project": Action("create_project", lambda _: {"name": "Turin"}),
    "change_project": Action("change_project", lambda _: {"name": f"Milan {new_id()}"}),
    "delete_project": Action("delete_project", spends=True),
    "add_project_member": Action("add_project_member", spends=True),
    "change_project_member": Action("change_project_member", lambda _: {"role": "MAINTAINER"}, spends=True),
    "remove_project_member": Action("remove_project_member", spends=True),
    "create_column": Action("create_column", lambda _: {"name": "Review"}, spends=True),
    "change_column": Action("change_column", lambda _: {"name": f"Ready {new_id().hex[:8]}"}),
    "delete_column": Action("delete_column", spends=True),
    "create_task": Action("create_task", lambda _: {"title": "Book it"}),
    "change_task": Action("change_task", lambda _: {"title": f"Book {new_id()}"}),
    "move_task": Action("move_task", lambda _: {"columnId": str(new_id())}),
    "delete_task": Action("delete_task", spends=True),
    "create_file": Action("create_file", lambda _: {"path": f"{new_id()}.ts"}),
    "change_file": Action("change_file", lambda _: {"content": f"{new_id()}"}),
    "move_files": Action("move_files", lambda _: {"fromPath": "nowhere", "toPath": "elsewhere"}),
    "delete_file": Action("delete_file", spends=True),
    "create_site_page": Action("create_site_page", lambda _: {"name": "Page", "route": f"/{new_id()}", "structure": {"type": "page"}}),
    "change_site_page": Action("change_site_page", lambda _: {"name": f"Page {new_id()}"}),
    "delete_site_page": Action("delete_site_page", spends=True),
    "link_in_thread": Action("link_in_thread", lambda _: ends_nowhere()),
    "unlink_in_thread": Action("unlink_in_thread", spends=True),
    "link_in_project": Action("link_in_project", lambda _: ends_nowhere()),
    "get_project_link": Action("get_project_link", says="projectLinkId"),
    "unlink_in_project": Action("unlink_in_project", says="projectLinkId", spends=True),
    "mark_threads_read": Action("mark_threads_read", lambda _: {"threads": [{"threadId": str(new_id()), "lastMessageId": str(new_id())}]}),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(house: House) -> Stage:
    people: dict[str, Person] = {role.value: await house.person(role) for role in Role if role.value in CALLERS}
    return Stage(house, people, colleague=await house.person(Role.AGENT), stranger=await house.elsewhere(Role.ADMIN))


async def ask(stage: Stage, cell: Cell, identifier: str) -> httpx2.Response:
    action = ACTIONS[cell.action]
    route = BY_NAME[action.route]
    person = stage.people.get(cell.caller)
    if action.route == "refresh_session":
        person = await log_in(stage.house.http, (person or stage.colleague).user["email"])  # a refresh token is for one use
    subject = stage.colleague if cell.thing == "foreign" else person or stage.colleague
    parameters = getattr(route, "parameters", ())
    path = route.path
    if "participantId" in parameters:
        own = (person or stage.colleague) if action.own else None
        path = path.format(threadId=identifier, participantId=await stage.participant_id(identifier, own))
    elif parameters[:1] == ("projectId",):
        path = path.format_map(dict(zip(parameters, identifier.split(" "), strict=True)))
    elif action.route in ("get_thread_link", "unlink_in_thread"):
        path = path.format(threadId=await stage.shared_thread_id(cell.caller), linkId=identifier)
    elif action.route == "finish_presigned_upload":
        path = path.format(threadId=await stage.shared_thread_id(cell.caller), uploadId=identifier)
    elif parameters:
        around = {name: await stage.around(name) for name in parameters[:-1]}
        path = path.format_map(around | {parameters[-1]: identifier})
    headers = {"x-request-id": "the same"} | (person.bearer if person else {})
    content = None
    if isinstance(route, Route) and route.reads:
        headers |= asking(route.method, identifier)
        content = b"hel" if route.method == "PATCH" else None
    body = action.body(subject if cell.action != "join_thread" else person or subject) if action.body else None
    if cell.action == "add_project_member":
        body = {"userId": stage.stranger.id if cell.thing == "elsewhere" else stage.colleague.id}
    if isinstance(route, Route) and CONDITION in route.told:
        headers |= {"if-match": "*"}
    if cell.action == "open_direct":
        body = (body or {}) | {"participants": taking_part(stage.colleague)}
    if isinstance(route, Route) and route.begins:
        files = {"file": ("a.txt", silence(1) if action.route == "upload_voice" else b"hello")}
    else:
        files = None
    method = "HEAD" if isinstance(route, LiveRoute) and route.media == EVENT_STREAM and person else route.method  # GET has no end
    return await stage.house.http.request(method, path, json=body, content=content, files=files, headers=headers)


def test_every_route_is_in_the_table() -> None:
    tried = {ACTIONS[cell.action].route for cell in CELLS}
    assert tried == set(BY_NAME)


IN_PROJECTS = {"own", "maintained", "joined", "archived_joined", "foreign", "elsewhere", "missing", "malformed", "deleted", "deleted_own"}
# What each route is tried on that takes such an id: one's own, where one takes part, hidden, of another workspace, missing, deleted.
AT_LEAST = {
    "threadId": {"own", "joined", "private", "elsewhere", "missing", "malformed", "deleted_joined"},
    "messageId": {"said", "heard", "private", "elsewhere", "missing", "malformed", "said_deleted", "said_lost"},
    "userId": {"elsewhere", "missing", "malformed", "deleted", "removed"},
    "sessionId": {"own", "foreign", "missing", "malformed", "deleted"},
    "workspaceId": {"own", "elsewhere", "missing", "malformed", "deleted"},
    "invitationId": {"own", "elsewhere", "missing", "malformed", "deleted"},
    "accountId": {"own", "elsewhere", "missing", "malformed", "deleted"},
    "tokenId": {"own", "elsewhere", "missing", "malformed", "deleted"},
    "name": {"own", "elsewhere", "missing", "deleted"},
    "finish_presigned_upload": {"staged", "staged_by_another", "staged_elsewhere", "staged_expired", "missing", "malformed"},
    "token": {"own", "missing"},
    "linkId": {"joined", "elsewhere", "missing", "malformed", "deleted"},
    **dict.fromkeys(("get_project_link", "unlink_in_project"), IN_PROJECTS),
    "id": {"own", "joined", "private", "elsewhere", "missing", "malformed", "deleted_joined"},
    "uploadId": {"begun", "complete", "archived", "lost", "others", "elsewhere", "ended", "missing", "malformed"},
    "projectId": {"own", "maintained", "joined", "archived_joined", "foreign", "elsewhere", "missing", "malformed", "deleted_own"},
    **{f"{kind}Id": IN_PROJECTS for kind in ("member", "column", "task", "file", "page")},
    "attachmentId": {"uploaded", "said", "heard", "unposted", "private", "elsewhere", "missing", "malformed", "said_deleted", "said_lost"},
}


@pytest.mark.parametrize("route", [route for route in ROUTES if route.parameters], ids=lambda route: route.name)
def test_every_route_is_tried_by_everybody_on_everything(route: Route) -> None:
    cells = [cell for cell in CELLS if ACTIONS[cell.action].route == route.name]
    varied = "threadId" if "participantId" in route.parameters else route.parameters[-1]
    assert {cell.thing for cell in cells} >= AT_LEAST[route.name if route.name in AT_LEAST else varied]
    assert {cell.caller for cell in cells} == set(CALLERS)


def test_every_role_that_people_have_is_in_the_table() -> None:
    assert set(CALLERS) == {"nobody"} | {role.value for role in Role} - {Role.SYSTEM}, "a service account has what its token says"


@pytest.mark.parametrize("cell", CELLS, ids=str)
async def test_access(cell: Cell, stage: Stage) -> None:
    action = ACTIONS[cell.action]
    assert bool(action.names) == (cell.thing != "-")
    identifier = ""
    if action.names:
        identifier = await stage.id_of(action.names[-1], cell.thing, cell.caller, fresh=action.spends and cell.status < 400)
    answer = await ask(stage, cell, identifier)
    assert answer.status_code == cell.status, answer.text
    route = BY_NAME[action.route]
    if cell.status >= 400 and route.method != "HEAD":
        status, code = refusal(answer)
        assert code == REFUSED.get(status, code)
    if cell.status == 404:
        assert route.method == "HEAD" or refusal(answer) == (404, not_found(route, cell))
        assert shown(answer) == await shown_of_missing(stage, cell, identifier), "what is hidden is told from what is missing"


IN_ONES_PROJECT = ("missing", "malformed", "deleted")


def missing(route: AnyRoute, cell: Cell, identifier: str) -> str:
    """The same of something that is not there: of a project, or of what is in one that the caller sees."""
    if getattr(route, "parameters", ())[:1] != ("projectId",):
        return str(new_id())
    project, *things = identifier.split(" ")
    return " ".join([project if things and cell.thing in IN_ONES_PROJECT else str(new_id()), *(str(new_id()) for _ in things)])


async def shown_of_missing(stage: Stage, cell: Cell, identifier: str) -> Shown:
    """To a caller, by an action: that is always the same."""
    key = (cell.action, cell.caller, str(cell.thing in IN_ONES_PROJECT))
    if key not in stage.of_missing:
        stage.of_missing[key] = shown(await ask(stage, cell, missing(BY_NAME[ACTIONS[cell.action].route], cell, identifier)))
    return stage.of_missing[key]


def not_found(route: AnyRoute, cell: Cell) -> str:
    """What is said of the thing that varies: the last that a path names, of participants the thread; of what is made, its parent."""
    assert isinstance(route, Route)
    if len(route.parameters) > 1 and route.parameters[0] == "projectId" and cell.thing not in IN_ONES_PROJECT:
        return ProjectNotFound.code
    codes = [refusal.code for refusal in route.operation.refuses if issubclass(refusal, NotFound)]
    return codes[0 if "participantId" in route.parameters or route.transfers else -1]


def shown(answer: httpx2.Response) -> Shown:
    """All that an answer tells."""
    return answer.status_code, [(name, value) for name, value in answer.headers.items() if name not in ANYTIME], answer.content


@pytest.mark.parametrize("path", ["/api/docs", "/api/openapi.json"])
async def test_the_page_of_the_api_is_for_everybody(path: str, house: House) -> None:
    assert (await house.http.get(path)).status_code == 200


@pytest.mark.parametrize("route", [route for route in EVERY if route.needs and route.name != "open_socket"], ids=lambda route: route.name)
@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ("", "token_is_missing"),
        ("Bearer", "token_is_missing"),
        ("Basic YWRhOmFkYQ==", "token_is_missing"),
        ("Bearer ey.ey.ey", "token_is_not_valid"),
        ("Bearer " + "a" * 5_000, "token_is_not_valid"),
    ],
    ids=["empty", "bearer-of-nothing", "basic", "forged", "too-long"],
)
async def test_what_is_no_token_of_ours_is_refused(authorization: str, code: str, route: AnyRoute, house: House) -> None:
    answer = await house.http.request(route.method, route.path.replace("{", "").replace("}", ""), headers={"authorization": authorization})
    assert answer.status_code == 401
    assert route.method == "HEAD" or refusal(answer) == (401, code)
    assert answer.headers["www-authenticate"] == "Bearer"
