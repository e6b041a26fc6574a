"""Who looks at which project, file or page (spec 4, Presence): for its members."""

import asyncio
from uuid import UUID

import pytest
from pydantic import ValidationError
from redis.asyncio import Redis

from services.gateway.realtime.connections import Connection
from shared.contracts.artifacts import ArtifactType
from shared.contracts.gateway.presence import (
    GET_FILE_PRESENCE,
    GET_PAGE_PRESENCE,
    GET_PROJECT_PRESENCE,
    GetFilePresence,
    GetPagePresence,
    GetProjectPresence,
    PlacePresence,
    ShowPresence,
)
from shared.contracts.model import Nothing
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.projects.access import ProjectNotFound
from shared.contracts.projects.files import FileNotFound
from shared.contracts.projects.members import MemberChanged
from shared.contracts.projects.pages import PageNotFound
from shared.contracts.refusals import PermissionIsMissing, Refusal
from shared.identifiers import new_id
from tests.servers import Servers
from tests.service.transient.conftest import LASTS, Around, Gateway, Makes
from tests.service.transient.neighbours import eventually


async def look(gateway: Gateway, connection: Connection, **at: UUID | bool) -> PlacePresence:
    answer = await gateway.transient.presence(connection, ShowPresence.model_validate(at))
    assert isinstance(answer, PlacePresence)
    return answer


async def members(servers: Servers, key: str) -> set[str]:
    valkey = Redis.from_url(servers.redis_url, decode_responses=True)
    found = await valkey.smembers(key)
    assert not found or 0 < await valkey.pttl(key) <= LASTS * 1000
    await valkey.aclose()
    return {str(user) for user in found}


async def test_those_who_look_are_told_who_comes_and_goes(
    gateway: Gateway, other: Gateway, around: Around, ada: Principal, grace: Principal
) -> None:
    project = around.projects.project(ada, grace)
    first = gateway.connect(ada)
    assert (await look(gateway, first, projectId=project)).users == [ada.user_id]
    await eventually(lambda: gateway.hub.of(first) == [{"projectId": str(project), "came": [str(ada.user_id)], "went": []}])
    second, bystander = other.connect(grace), gateway.connect(grace)
    shown = await look(other, second, projectId=project)
    assert (shown.users, shown.known, shown.project_id) == (sorted([ada.user_id, grace.user_id]), True, project)
    await eventually(lambda: gateway.hub.of(first)[1:] == [{"projectId": str(project), "came": [str(grace.user_id)], "went": []}])
    assert await other.transient.presence(second, ShowPresence(project_id=project, looking=False)) == Nothing()
    await eventually(lambda: gateway.hub.of(first)[2:] == [{"projectId": str(project), "came": [], "went": [str(grace.user_id)]}])
    assert gateway.hub.of(bystander) == []


@pytest.mark.parametrize("kind", [ArtifactType.FILE, ArtifactType.PAGE])
async def test_files_and_pages_are_places_of_their_own(
    kind: ArtifactType, gateway: Gateway, around: Around, servers: Servers, ada: Principal
) -> None:
    project, name = around.projects.project(ada), f"{kind.lower()}Id"
    thing, connection = around.projects.put(kind, project), gateway.connect(ada)
    await look(gateway, connection, **{name: thing})
    await eventually(lambda: gateway.hub.of(connection) == [{name: str(thing), "came": [str(ada.user_id)], "went": []}])
    assert await members(servers, f"presence:{kind.lower()}:{thing}") == {str(ada.user_id)}
    assert await members(servers, f"presence:project:{project}") == set()
    request = GetFilePresence(project_id=project, file_id=thing) if kind is ArtifactType.FILE else None
    if request:
        shown = await gateway.caller(GET_FILE_PRESENCE, request, ada)
    else:
        shown = await gateway.caller(GET_PAGE_PRESENCE, GetPagePresence(project_id=project, page_id=thing), ada)
    assert (shown.users, shown.project_id, shown.file_id or shown.page_id) == ([ada.user_id], project, thing)


async def test_a_project_is_a_set_of_users_in_valkey(gateway: Gateway, around: Around, servers: Servers, ada: Principal) -> None:
    project, key = around.projects.project(ada), "presence:project:{}"
    connections = [gateway.connect(ada) for _ in range(2)]
    for connection in connections:
        await look(gateway, connection, projectId=project)
    await eventually(lambda: bool(gateway.hub.of(connections[0])))
    await asyncio.sleep(LASTS)
    assert await members(servers, key.format(project)) == {str(ada.user_id)}, "renewed"
    gateway.disconnect(connections[0])
    await asyncio.sleep(0.2)
    assert await members(servers, key.format(project)) == {str(ada.user_id)}
    gateway.disconnect(connections[1])
    async with asyncio.timeout(5):
        while await members(servers, key.format(project)):
            await asyncio.sleep(0.02)


async def test_who_is_no_member_neither_looks_nor_sees_who_does(gateway: Gateway, around: Around, ada: Principal, grace: Principal) -> None:
    project, another = around.projects.project(ada), around.projects.project(ada, grace)
    file, page = around.projects.put(ArtifactType.FILE, project), around.projects.put(ArtifactType.PAGE, project)
    connection = gateway.connect(grace)
    refused: list[tuple[dict[str, UUID], type[Refusal]]] = [
        ({"projectId": project}, ProjectNotFound),
        ({"projectId": new_id()}, ProjectNotFound),
        *(({"fileId": key}, FileNotFound) for key in (file, page, new_id())),
        *(({"pageId": key}, PageNotFound) for key in (file, page, new_id())),
    ]
    for at, refusal in refused:
        with pytest.raises(refusal):
            await look(gateway, connection, **at)
    with pytest.raises(ProjectNotFound):
        await gateway.caller(GET_PROJECT_PRESENCE, GetProjectPresence(project_id=project), grace)
    with pytest.raises(FileNotFound):
        await gateway.caller(GET_FILE_PRESENCE, GetFilePresence(project_id=another, file_id=file), ada)
    with pytest.raises(PageNotFound):
        await gateway.caller(GET_PAGE_PRESENCE, GetPagePresence(project_id=project, page_id=file), ada)
    without = ada.model_copy(update={"grants": ada.grants & ~Permission.PROJECT_READ.bit})
    with pytest.raises(PermissionIsMissing):
        await look(gateway, gateway.connect(without), projectId=project)


async def test_who_is_put_out_of_a_project_is_told_no_more(
    gateway: Gateway, other: Gateway, around: Around, ada: Principal, grace: Principal
) -> None:
    project = around.projects.project(ada, grace)
    file = around.projects.put(ArtifactType.FILE, project)
    staying, going = gateway.connect(ada), other.connect(grace)
    for one, connection in ((gateway, staying), (other, going)):
        await look(one, connection, projectId=project)
        await look(one, connection, fileId=file)
    gone = str(grace.user_id)
    await eventually(lambda: sum(gone in frame["came"] for frame in gateway.hub.of(staying)) == 2)
    around.projects.members[project].discard(grace.user_id)
    for one in (gateway, other):
        one.hub.happens(MemberChanged, ada.workspace_id, project, {})
    await eventually(lambda: sum(gone in frame["went"] for frame in gateway.hub.of(staying)) == 2, within=1)
    heard = len(other.hub.of(going))
    gateway.disconnect(staying)
    await asyncio.sleep(0.5)
    assert len(other.hub.of(going)) == heard


async def test_a_killed_gateways_users_look_no_more(
    make: Makes, gateway: Gateway, around: Around, ada: Principal, grace: Principal
) -> None:
    doomed, project = await make(), around.projects.project(ada, grace)
    looking = gateway.connect(ada)
    await look(gateway, looking, projectId=project)
    await look(doomed, doomed.connect(grace), projectId=project)
    await eventually(lambda: any(str(grace.user_id) in frame["came"] for frame in gateway.hub.of(looking)))
    await doomed.kill()
    await eventually(lambda: [frame["went"] for frame in gateway.hub.of(looking)][-1] == [str(grace.user_id)])


async def test_without_valkey_it_is_not_known_who_looks(make: Makes, around: Around, ada: Principal) -> None:
    gateway, project = await make(redis_url=None), around.projects.project(ada)
    assert (await look(gateway, gateway.connect(ada), projectId=project)).known is False
    shown = await gateway.caller(GET_PROJECT_PRESENCE, GetProjectPresence(project_id=project), ada)
    assert (shown.users, shown.known) == ([], False)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"users": [], "status": "away"},
        {"projectId": str(new_id()), "fileId": str(new_id())},
        {"status": "offline"},
        {"users": [str(new_id())] * 201},
        {"users": ["x"]},
        {"unheardOf": 1},
    ],
)
def test_a_frame_is_about_one_thing(said: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ShowPresence.model_validate(said)
