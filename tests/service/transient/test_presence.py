"""Who is here: by their connections, for those who look."""

import asyncio

import pytest
from redis.asyncio import Redis

from services.gateway.realtime.connections import Connection
from shared.contracts.gateway.presence import (
    GET_PRESENCE,
    GetPresence,
    OwnPresence,
    PlacesAreTooMany,
    Presence,
    ShowPresence,
    UserPresences,
)
from shared.contracts.identity.profiles import UserChanged
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import PermissionIsMissing
from shared.identifiers import new_id
from tests.servers import Servers
from tests.service.neighbours import principal
from tests.service.transient.conftest import LASTS, Around, Gateway, Makes
from tests.service.transient.neighbours import eventually


async def presence(gateway: Gateway, of: Principal, caller: Principal) -> str:
    answer = await gateway.caller(GET_PRESENCE, GetPresence(users=str(of.user_id)), caller)
    return answer.users[0].presence.value


async def is_at_last(gateway: Gateway, of: Principal, caller: Principal, wanted: str) -> None:
    async with asyncio.timeout(10):
        while await presence(gateway, of, caller) != wanted:
            await asyncio.sleep(0.02)


async def watching(gateway: Gateway, viewer: Principal, *users: Principal) -> Connection:
    connection = gateway.connect(viewer)
    answer = await gateway.transient.presence(connection, ShowPresence(users=[one.user_id for one in users]))
    assert isinstance(answer, UserPresences)
    return connection


def told(gateway: Gateway, connection: Connection) -> list[str]:
    return [frame["presence"] for frame in gateway.hub.of(connection)]


async def is_told(gateway: Gateway, connection: Connection, *wanted: str) -> None:
    await eventually(lambda: told(gateway, connection) == list(wanted))


async def test_who_is_connected_anywhere_is_online_and_offline_once_they_are_not(
    gateway: Gateway, other: Gateway, ada: Principal, grace: Principal
) -> None:
    assert await presence(gateway, ada, grace) == "offline"
    connection = other.connect(ada)
    await is_at_last(gateway, ada, grace, "online")
    other.disconnect(connection)
    other.disconnect(connection)
    await is_at_last(gateway, ada, grace, "offline")


async def test_the_last_of_several_devices_takes_its_user_away(gateway: Gateway, other: Gateway, ada: Principal, grace: Principal) -> None:
    looking = await watching(gateway, grace, ada)
    phone, laptop = gateway.connect(ada), other.connect(ada)
    await is_told(gateway, looking, "online")
    await asyncio.sleep(0.3)
    gateway.disconnect(phone)
    await asyncio.sleep(0.5)
    assert await presence(gateway, ada, grace) == "online"
    other.disconnect(laptop)
    await is_told(gateway, looking, "online", "offline")


async def test_who_looks_is_told_and_nobody_else(gateway: Gateway, other: Gateway, ada: Principal, grace: Principal) -> None:
    looking, elsewhere = await watching(gateway, grace, ada), await watching(other, grace, ada)
    idle, another = gateway.connect(grace), await watching(gateway, grace, grace)
    connection = gateway.connect(ada)
    for one, hub in ((looking, gateway), (elsewhere, other)):
        await is_told(hub, one, "online")
        (frame,) = hub.hub.of(one)
        assert frame["userId"] == str(ada.user_id)
        assert (frame["currentStatus"], sorted(frame)) == ("busy", ["currentStatus", "lastSeenAt", "presence", "userId"])
    await gateway.transient.presence(looking, ShowPresence(users=[]))
    gateway.disconnect(connection)
    await is_told(other, elsewhere, "online", "offline")
    assert told(gateway, looking) == ["online"], "it looks no more"
    assert gateway.hub.of(idle) == []
    assert all(frame["userId"] == str(grace.user_id) for frame in gateway.hub.of(another))


async def test_what_changes_back_in_a_moment_is_not_told(gateway: Gateway, ada: Principal, grace: Principal) -> None:
    looking = await watching(gateway, grace, ada)
    connection = gateway.connect(ada)
    await is_told(gateway, looking, "online")
    for _ in range(20):
        gateway.disconnect(connection)
        await asyncio.sleep(0.01)
        connection = gateway.connect(ada)
        await asyncio.sleep(0.01)
    gateway.disconnect(connection)
    await eventually(lambda: told(gateway, looking)[-1] == "offline")
    assert len(told(gateway, looking)) <= 5, "of forty changes"


async def test_a_killed_gateways_users_are_offline_in_time_which_is_told_once(
    make: Makes, gateway: Gateway, other: Gateway, ada: Principal, grace: Principal
) -> None:
    doomed, loop = await make(), asyncio.get_running_loop()
    looking = [(one, await watching(one, grace, ada)) for one in (gateway, other)]
    doomed.connect(ada)
    for one, connection in looking:
        await is_told(one, connection, "online")
    await asyncio.sleep(LASTS)
    assert await presence(gateway, ada, grace) == "online", "it is renewed"
    await doomed.kill()
    killed = loop.time()
    for one, connection in looking:
        await is_told(one, connection, "online", "offline")
    assert loop.time() - killed < LASTS + 1.5
    await asyncio.sleep(LASTS)
    assert [told(one, connection) for one, connection in looking] == [["online", "offline"]] * 2


async def test_away_is_said_by_each_device_and_online_wins(gateway: Gateway, other: Gateway, ada: Principal, grace: Principal) -> None:
    phone, laptop = gateway.connect(ada), other.connect(ada)
    await is_at_last(gateway, ada, grace, "online")
    said = await gateway.transient.presence(phone, ShowPresence(status=Presence.AWAY))
    assert said == OwnPresence(presence=Presence.AWAY)
    await asyncio.sleep(0.2)
    assert await presence(gateway, ada, grace) == "online"
    await other.transient.presence(laptop, ShowPresence(status=Presence.AWAY))
    await is_at_last(gateway, ada, grace, "away")
    await gateway.transient.presence(phone, ShowPresence(status=Presence.ONLINE))
    await is_at_last(gateway, ada, grace, "online")


async def test_who_says_nothing_for_long_is_away_until_they_do(make: Makes, ada: Principal, grace: Principal) -> None:
    gateway = await make(away_after=0.5)
    socket, stream = gateway.connect(ada), gateway.connect(grace)
    gateway.transient.heard(socket)
    await is_at_last(gateway, ada, grace, "away")
    assert await presence(gateway, grace, ada) == "online", "an event stream says nothing ever"
    gateway.transient.heard(socket)
    await is_at_last(gateway, ada, grace, "online")
    gateway.disconnect(stream)


async def test_presence_is_of_a_workspace(gateway: Gateway, ada: Principal, grace: Principal) -> None:
    abroad = ada.model_copy(update={"workspace_id": new_id()})
    gateway.connect(abroad)
    await is_at_last(gateway, ada, abroad, "online")
    assert await presence(gateway, ada, grace) == "offline"


async def test_who_may_not_be_found_is_not_there(gateway: Gateway, around: Around, ada: Principal, grace: Principal) -> None:
    around.identity.hidden.add(ada.user_id)
    gateway.connect(ada)
    looking = gateway.connect(grace)
    answer = await gateway.transient.presence(looking, ShowPresence(users=[ada.user_id, grace.user_id]))
    assert isinstance(answer, UserPresences)
    assert [user.user_id for user in answer.users] == [grace.user_id]
    with pytest.raises(PermissionIsMissing):
        await gateway.transient.presence(gateway.connect(principal(Role.GUEST)), ShowPresence(users=[ada.user_id]))
    assert {frame["userId"] for frame in gateway.hub.of(looking)} <= {str(grace.user_id)}


async def test_identity_hears_who_is_here_and_who_was(gateway: Gateway, around: Around, ada: Principal, grace: Principal) -> None:
    connection = gateway.connect(ada)
    gateway.disconnect(connection)
    await eventually(lambda: ada.user_id in around.identity.seen)
    assert around.identity.seen.count(ada.user_id) == 1


async def test_valkey_may_go_and_come_back(make: Makes, servers: Servers, ada: Principal, grace: Principal) -> None:
    gateway, other = await make(), await make()
    looking = await watching(gateway, grace, ada)
    staying = other.connect(ada)
    await is_told(gateway, looking, "online")
    await servers.valkey.stop()
    try:
        assert await presence(gateway, ada, grace) == "unknown"
        leaving = [other.connect(principal(workspace_id=ada.workspace_id)) for _ in range(3)]
        for connection in leaving:
            other.disconnect(connection)
        other.disconnect(staying)
        await asyncio.sleep(0.3)
    finally:
        await servers.valkey.start()
    await is_told(gateway, looking, "online", "offline")
    other.connect(ada)
    await is_told(gateway, looking, "online", "offline", "online")


async def test_a_valkey_that_lost_all_is_told_again_who_is_here(
    gateway: Gateway, servers: Servers, ada: Principal, grace: Principal
) -> None:
    looking = await watching(gateway, grace, ada)
    gateway.connect(ada)
    await is_told(gateway, looking, "online")
    valkey = Redis.from_url(servers.redis_url)
    await valkey.flushall()
    await is_at_last(gateway, ada, grace, "online")
    await valkey.aclose()


async def test_without_valkey_nobody_knows(make: Makes, ada: Principal, grace: Principal) -> None:
    gateway = await make(redis_url=None)
    gateway.connect(ada)
    assert await presence(gateway, ada, grace) == "unknown"


async def test_one_connection_looks_at_fifty_places(gateway: Gateway, around: Around, ada: Principal) -> None:
    connection = gateway.connect(ada)
    for _ in range(50):
        await gateway.transient.presence(connection, ShowPresence(project_id=around.projects.project(ada)))
    with pytest.raises(PlacesAreTooMany):
        await gateway.transient.presence(connection, ShowPresence(project_id=around.projects.project(ada)))


async def test_who_looks_is_told_what_somebody_says_of_themselves(gateway: Gateway, ada: Principal, grace: Principal) -> None:
    looking = await watching(gateway, grace, ada)
    for status in ("away", "away"):
        gateway.hub.happens(UserChanged, ada.workspace_id, ada.user_id, {"user": {"currentStatus": status}})
    await eventually(lambda: [frame["currentStatus"] for frame in gateway.hub.of(looking)] == ["away"])
