"""Who types: told once in a while, to all gateways, and over by itself."""

import asyncio
from uuid import UUID

import pytest

from services.gateway.realtime.kinds import Scope
from services.gateway.realtime.transient.typing import LASTS, PAUSE
from shared.contracts.gateway.typing import GET_TYPING, SET_TYPING, GetTyping, SetTyping
from shared.contracts.messages.messages import MessagePosted
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import PermissionIsMissing, Refusal
from shared.contracts.threads.access import ThreadIsArchived, ThreadIsClosed, ThreadIsReadOnlyForYou, ThreadNotFound
from shared.identifiers import new_id
from tests.servers import Servers
from tests.service.neighbours import principal
from tests.service.transient.conftest import Around, Gateway, Makes
from tests.service.transient.neighbours import eventually


async def types(gateway: Gateway, thread_id: UUID, who: Principal, is_typing: bool = True) -> None:
    await gateway.caller(SET_TYPING, SetTyping(thread_id=thread_id, is_typing=is_typing), who)


async def who_types(gateway: Gateway, thread_id: UUID, caller: Principal) -> list[str]:
    answer = await gateway.caller(GET_TYPING, GetTyping(thread_id=thread_id), caller)
    assert answer.thread_id == thread_id
    return [one.name for one in answer.typing]


async def is_told(gateway: Gateway, thread_id: UUID, *wanted: tuple[str, bool], within: float = 15) -> None:
    await eventually(lambda: gateway.hub.typing_in(thread_id) == list(wanted), within)


async def test_every_gateway_tells_those_who_see_the_thread_but_not_who_types(gateway: Gateway, other: Gateway, ada: Principal) -> None:
    thread = new_id()
    await gateway.transient.typing(ada, thread, True)
    for one in (gateway, other):
        await is_told(one, thread, ("Ada Lovelace", True))
        (told,) = one.hub.told
        assert (told.scope, told.workspace_id, told.key, told.but) == (Scope.THREAD, ada.workspace_id, thread, ada.user_id)
        assert told.data == {"threadId": str(thread), "userId": str(ada.user_id), "name": "Ada Lovelace", "isTyping": True}


async def test_who_types_is_there_for_who_asks_another_gateway(gateway: Gateway, other: Gateway, ada: Principal) -> None:
    thread, grace = new_id(), principal(workspace_id=ada.workspace_id, name="Grace Hopper")
    await types(gateway, thread, ada)
    assert await who_types(other, thread, grace) == ["Ada Lovelace"]
    assert await who_types(other, thread, ada) == [], "oneself aside"
    assert await who_types(other, new_id(), grace) == []


async def test_repeats_are_not_announced_but_it_lasts_longer(gateway: Gateway, other: Gateway, ada: Principal) -> None:
    thread, loop = new_id(), asyncio.get_running_loop()
    await types(gateway, thread, ada)
    began = loop.time()
    while loop.time() < began + PAUSE - 0.3:
        await types(other, thread, ada)
        await asyncio.sleep(0.2)
    said_last = loop.time()
    await eventually(lambda: gateway.hub.typing_in(thread)[-1:] == [("Ada Lovelace", False)])
    assert gateway.hub.typing_in(thread) == [("Ada Lovelace", True), ("Ada Lovelace", False)]
    assert LASTS - 0.5 < loop.time() - said_last < 6.1


async def test_who_goes_on_is_announced_again_after_two_seconds(gateway: Gateway, ada: Principal) -> None:
    thread = new_id()
    await types(gateway, thread, ada)
    async with asyncio.timeout(PAUSE + 1):
        while len(gateway.hub.typing_in(thread)) < 2:
            await types(gateway, thread, ada)
            await asyncio.sleep(0.1)
    assert gateway.hub.typing_in(thread) == [("Ada Lovelace", True)] * 2


async def test_it_is_over_by_itself_in_six_seconds(gateway: Gateway, other: Gateway, ada: Principal) -> None:
    thread, grace = new_id(), principal(workspace_id=ada.workspace_id)
    await types(gateway, thread, ada)
    for one in (gateway, other):
        await is_told(one, thread, ("Ada Lovelace", True), ("Ada Lovelace", False), within=6.5)
    assert await who_types(gateway, thread, grace) == []


async def test_it_is_over_at_once_where_they_say_so_or_post(gateway: Gateway, other: Gateway, ada: Principal) -> None:
    thread, grace = new_id(), principal(workspace_id=ada.workspace_id, name="Grace Hopper")
    for one in (ada, grace):
        await types(gateway, thread, one)
    began = [("Ada Lovelace", True), ("Grace Hopper", True)]
    await is_told(other, thread, *began)
    await types(other, thread, ada, False)
    await is_told(gateway, thread, *began, ("Ada Lovelace", False))
    assert await who_types(gateway, thread, principal()) == ["Grace Hopper"]
    for each in (gateway, other):  # both see the event
        each.hub.happens(MessagePosted, ada.workspace_id, thread, {"message": {"authorId": str(grace.user_id)}})
        await is_told(each, thread, *began, ("Ada Lovelace", False), ("Grace Hopper", False))
    assert await who_types(gateway, thread, principal()) == []


async def test_who_did_not_type_ends_nothing(gateway: Gateway, ada: Principal) -> None:
    thread = new_id()
    await types(gateway, thread, ada, False)
    gateway.hub.happens(MessagePosted, ada.workspace_id, thread, {"message": {"authorId": str(ada.user_id)}})
    await types(gateway, thread, ada)
    await eventually(lambda: bool(gateway.hub.told))
    assert gateway.hub.typing_in(thread) == [("Ada Lovelace", True)]


@pytest.mark.parametrize("refused", [ThreadIsReadOnlyForYou(), ThreadIsArchived(), ThreadIsClosed()], ids=lambda one: one.code)
@pytest.mark.parametrize("is_typing", [True, False])
async def test_who_may_not_post_may_not_type(refused: Refusal, is_typing: bool, gateway: Gateway, around: Around, ada: Principal) -> None:
    thread = new_id()
    around.threads.refusals[thread] = refused
    with pytest.raises(type(refused)):
        await types(gateway, thread, ada, is_typing)
    assert await who_types(gateway, thread, ada) == [], "reading is another right"


async def test_who_does_not_see_a_thread_neither_types_there_nor_sees_who_does(gateway: Gateway, around: Around, ada: Principal) -> None:
    thread, stranger = new_id(), principal(workspace_id=ada.workspace_id)
    await types(gateway, thread, ada)
    around.threads.hidden.add((thread, stranger.user_id))
    with pytest.raises(ThreadNotFound):
        await types(gateway, thread, stranger)
    with pytest.raises(ThreadNotFound):
        await who_types(gateway, thread, stranger)


async def test_a_socket_types_with_the_permission_to_post_alone(gateway: Gateway) -> None:
    reader = principal(Role.CLIENT)
    reader = reader.model_copy(update={"grants": reader.grants & ~Permission.MESSAGE_SEND.bit})
    with pytest.raises(PermissionIsMissing):
        await gateway.transient.typing(reader, new_id(), True)


async def test_without_valkey_typing_goes_on(make: Makes, servers: Servers, ada: Principal) -> None:
    thread, grace = new_id(), principal(workspace_id=ada.workspace_id)
    gateway, other, without = await make(), await make(), await make(redis_url=None)
    await servers.valkey.stop()
    try:
        for _ in range(3):
            await types(gateway, thread, ada)
        for one in (gateway, other, without):
            await is_told(one, thread, ("Ada Lovelace", True))
            assert await who_types(one, thread, grace) == ["Ada Lovelace"]
        await types(other, thread, ada, False)
        for one in (gateway, other, without):
            await is_told(one, thread, ("Ada Lovelace", True), ("Ada Lovelace", False))
    finally:
        await servers.valkey.start()
    async with asyncio.timeout(10):
        while await gateway.transient._valkey.ask(gateway.transient._valkey.client.ping) is None:  # type: ignore[union-attr]
            await asyncio.sleep(0.1)
    await types(gateway, thread, grace)
    assert await who_types(gateway, thread, ada) == [grace.name]
