"""Calls and their answers: over the real NATS, and between services of one process, where all is the same but the way."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import pytest

from shared.contracts.operations import MESSAGES, Operation
from shared.contracts.principal import Principal
from shared.contracts.refusals import InternalError, RequestIsInvalid, ServiceIsUnavailable, TokenlessRequest
from shared.contracts.threads.access import CHECK_ACCESS, Access, CheckAccess, Right, State, ThreadNotFound
from shared.identifiers import new_id
from shared.messaging.caller import Caller
from shared.messaging.connection import close, connect
from shared.messaging.context import Context, current_context
from shared.messaging.frames import PRINCIPAL_HEADER, SIGN_OF_LIFE, SILENCE
from shared.messaging.local import Process
from shared.messaging.responder import Responder
from tests.servers import Servers
from tests.service.neighbours import principal

# A second operation on the subject that the services' NATS users are allowed: a page, which travels alone.
ALONE = Operation(CheckAccess, Access, called_by=[MESSAGES], refuses=[ThreadNotFound], coalesced=False)
Operation.known.remove(ALONE)
KEYED = Operation(CheckAccess, Access, called_by=[MESSAGES], refuses=[ThreadNotFound], keyed=True)
Operation.known.remove(KEYED)

type Behaviour = Callable[[CheckAccess, Principal], Awaitable[Access]]


async def granted(request: CheckAccess, caller: Principal) -> Access:
    return Access(thread_id=request.thread_id, state=State.ACTIVE, notes=False, deletes_others=False)


@dataclass(frozen=True)
class Sides:
    """Those who answer and those who ask, in one process or with NATS between them."""

    servers: Servers
    process: Process | None

    @asynccontextmanager
    async def answering(self, behaviour: Behaviour, *, in_flight: int = 1_000, sign: float = SIGN_OF_LIFE) -> AsyncIterator[Responder]:
        async def handle(request: CheckAccess, caller: Principal, service: None) -> Access:
            return await behaviour(request, caller)

        client = await connect(self.servers.nats_url, "threads", self.servers.credentials.nats["threads"], name="test")
        responder = Responder("threads", in_flight, self.process, sign=sign)
        responder.serve(CHECK_ACCESS, handle, None)
        await responder.start(client)
        await client.flush()
        try:
            yield responder
        finally:
            await responder.stop()
            await close(client)

    @asynccontextmanager
    async def calling(self, *, silence: float = SILENCE) -> AsyncIterator[Caller]:
        caller = Caller("messages", self.process, silence=silence)
        await caller.open(self.servers.nats_url, self.servers.credentials.nats["messages"])
        try:
            yield caller
        finally:
            await caller.close()


@pytest.fixture(params=["by NATS", "in one process"])
def sides(request: pytest.FixtureRequest, servers: Servers) -> Sides:
    return Sides(servers, None if request.param == "by NATS" else Process())


@pytest.fixture
def by_nats(servers: Servers) -> Sides:
    return Sides(servers, None)


@pytest.fixture
def in_one_process(servers: Servers) -> Sides:
    return Sides(servers, Process())


def check(thread_id: UUID | None = None) -> CheckAccess:
    return CheckAccess(thread_id=thread_id or new_id(), right=Right.READ)


async def test_calls_of_one_turn_travel_as_one_message_and_each_gets_its_own_answer(by_nats: Sides) -> None:
    async with by_nats.answering(granted), by_nats.calling() as call:
        client = call.client
        assert client is not None
        before = client.stats["out_msgs"]
        requests = [check() for _ in range(250)]
        answers = await asyncio.gather(*(call(CHECK_ACCESS, request, principal()) for request in requests))
        assert [answer.thread_id for answer in answers] == [request.thread_id for request in requests]
        assert client.stats["out_msgs"] - before == 3  # at most a hundred a message


async def test_pages_travel_alone(by_nats: Sides) -> None:
    async with by_nats.answering(granted), by_nats.calling() as call:
        assert call.client is not None
        before = call.client.stats["out_msgs"]
        await asyncio.gather(*(call(ALONE, check(), principal()) for _ in range(5)))
        assert call.client.stats["out_msgs"] - before == 5


async def test_in_one_process_calls_need_no_message(in_one_process: Sides) -> None:
    async with in_one_process.answering(granted), in_one_process.calling() as call:
        assert call.client is not None
        before = call.client.stats["out_msgs"]
        requests = [check() for _ in range(250)]
        answers = await asyncio.gather(*(call(CHECK_ACCESS, request, principal()) for request in requests))
        assert [answer.thread_id for answer in answers] == [request.thread_id for request in requests]
        assert call.client.stats["out_msgs"] == before


async def test_in_one_process_only_those_may_ask_whom_the_operation_names(in_one_process: Sides) -> None:
    async with in_one_process.answering(granted):
        stranger = Caller("identity", in_one_process.process)
        await stranger.open(in_one_process.servers.nats_url, in_one_process.servers.credentials.nats["identity"])
        current_context.set(Context(time.time() + 0.3, "", "r"))
        with pytest.raises(ServiceIsUnavailable):  # NATS refuses it, and nobody answers
            await stranger(CHECK_ACCESS, check(), principal())
        await stranger.close()


async def test_what_has_stopped_in_this_process_is_asked_elsewhere(in_one_process: Sides) -> None:
    elsewhere = Sides(in_one_process.servers, None)
    async with in_one_process.calling() as call, elsewhere.answering(granted), in_one_process.answering(granted) as responder:
        await responder.stop()
        assert call.client is not None
        before = call.client.stats["out_msgs"]
        await call(CHECK_ACCESS, check(), principal())
        assert call.client.stats["out_msgs"] == before + 1


async def test_one_that_is_slow_does_not_hold_up_the_others_of_its_message(sides: Sides) -> None:
    slow = new_id()
    released = asyncio.Event()

    async def behaviour(request: CheckAccess, caller: Principal) -> Access:
        if request.thread_id == slow:
            await released.wait()
        return await granted(request, caller)

    async with sides.answering(behaviour), sides.calling() as call:
        waiting = asyncio.ensure_future(call(CHECK_ACCESS, check(slow), principal()))
        await asyncio.gather(*(call(CHECK_ACCESS, check(), principal()) for _ in range(10)))
        assert not waiting.done()
        released.set()
        assert (await waiting).thread_id == slow


async def test_who_is_told_that_a_call_is_under_way_waits_for_it(by_nats: Sides) -> None:
    async def behaviour(request: CheckAccess, caller: Principal) -> Access:
        await asyncio.sleep(2)
        return await granted(request, caller)

    async with by_nats.answering(behaviour, sign=0.1), by_nats.calling(silence=1) as call:
        thread = new_id()
        assert (await call(CHECK_ACCESS, check(thread), principal())).thread_id == thread


async def test_who_hears_nothing_of_a_call_gives_it_up_before_its_time(by_nats: Sides) -> None:
    begun = asyncio.Event()

    async def behaviour(request: CheckAccess, caller: Principal) -> Access:
        begun.set()
        await asyncio.sleep(2)
        return await granted(request, caller)

    async with by_nats.answering(behaviour), by_nats.calling(silence=0.5) as call:
        with pytest.raises(ServiceIsUnavailable):
            await call(CHECK_ACCESS, check(), principal())
        assert begun.is_set()


async def test_a_refusal_arrives_as_itself_and_fails_only_its_own_call(sides: Sides) -> None:
    hidden = new_id()

    async def behaviour(request: CheckAccess, caller: Principal) -> Access:
        if request.thread_id == hidden:
            raise ThreadNotFound
        return await granted(request, caller)

    async with sides.answering(behaviour), sides.calling() as call:
        outcomes = await asyncio.gather(
            *(call(CHECK_ACCESS, check(thread), principal()) for thread in (new_id(), hidden, new_id())), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes] == [Access, ThreadNotFound, Access]


async def test_a_handler_that_raises_anything_answers_internal(sides: Sides) -> None:
    async def behaviour(request: CheckAccess, caller: Principal) -> Access:
        raise KeyError("a secret")

    async with sides.answering(behaviour), sides.calling() as call:
        with pytest.raises(InternalError) as refused:
            await call(CHECK_ACCESS, check(), principal())
        assert "secret" not in refused.value.view().model_dump_json()


async def test_without_a_principal_nothing_is_answered_but_what_is_anonymous(sides: Sides) -> None:
    async with sides.answering(granted), sides.calling() as call:
        with pytest.raises(TokenlessRequest):
            await call(CHECK_ACCESS, check(), None)


async def test_a_single_call_by_anyone_else_is_answered_plainly(by_nats: Sides) -> None:
    thread = new_id()
    async with by_nats.answering(granted), by_nats.calling() as call:
        assert call.client is not None
        headers = {PRINCIPAL_HEADER: principal().model_dump_json()}
        body = json.dumps({"threadId": str(thread), "right": "read"}).encode()
        answer = await call.client.request(CHECK_ACCESS.subject, body, timeout=2, headers=headers)
        assert json.loads(answer.data)["threadId"] == str(thread)
        assert answer.headers is None
        refused = await call.client.request(CHECK_ACCESS.subject, b'{"threadId": 1, "extra": 2}', timeout=2, headers=headers)
        assert refused.headers is not None
        assert refused.headers["Nats-Service-Error-Code"] == "422"
        assert json.loads(refused.data)["code"] == RequestIsInvalid.code


async def test_what_is_over_the_bound_is_refused_at_once(sides: Sides) -> None:
    released = asyncio.Event()

    async def behaviour(request: CheckAccess, caller: Principal) -> Access:
        await released.wait()
        return await granted(request, caller)

    async with sides.answering(behaviour, in_flight=3), sides.calling() as call:
        accepted = [asyncio.ensure_future(call(ALONE, check(), principal())) for _ in range(3)]
        await asyncio.sleep(0.1)
        started = time.perf_counter()
        with pytest.raises(ServiceIsUnavailable) as refused:
            await call(ALONE, check(), principal())
        assert time.perf_counter() - started < 1
        assert refused.value.retry_after == 1
        released.set()
        await asyncio.gather(*accepted)


async def test_a_handler_stops_when_its_caller_s_deadline_has_passed(sides: Sides) -> None:
    stopped = asyncio.Event()

    async def behaviour(request: CheckAccess, caller: Principal) -> Access:
        try:
            await asyncio.sleep(30)
        finally:
            stopped.set()
        return await granted(request, caller)

    async with sides.answering(behaviour), sides.calling() as call:
        current_context.set(Context(time.time() + 0.2, "", "r"))
        with pytest.raises(ServiceIsUnavailable):
            await call(CHECK_ACCESS, check(), principal())
        await asyncio.wait_for(stopped.wait(), 2)


async def test_a_deadline_and_a_request_id_travel(sides: Sides) -> None:
    seen: list[Context] = []

    async def behaviour(request: CheckAccess, caller: Principal) -> Access:
        seen.append(current_context.get())
        return await granted(request, caller)

    async with sides.answering(behaviour), sides.calling() as call:
        context = Context(time.time() + 1, "00-" + "a" * 32 + "-" + "b" * 16 + "-01", 'id "7"')
        current_context.set(context)
        await call(CHECK_ACCESS, check(), principal())
    assert [(one.trace_id, one.request_id) for one in seen] == [("a" * 32, 'id "7"')]
    assert abs(seen[0].deadline - context.deadline) < 0.01


async def test_a_key_travels_to_operations_that_make_something_and_to_no_other(sides: Sides) -> None:
    seen: list[str] = []

    async def behaviour(request: CheckAccess, caller: Principal) -> Access:
        seen.append(current_context.get().idempotency_key)
        return await granted(request, caller)

    async with sides.answering(behaviour), sides.calling() as call:
        for operation in (CHECK_ACCESS, KEYED):
            current_context.set(Context(time.time() + 1, "", "r", 'key "7"'))
            await asyncio.gather(call(operation, check(), principal()), call(operation, check(), principal()))
    assert seen == ["", "", 'key "7"', 'key "7"']


async def test_where_nobody_answers_it_is_unavailable_at_once(sides: Sides) -> None:
    async with sides.calling() as call:
        started = time.perf_counter()
        with pytest.raises(ServiceIsUnavailable):
            await call(CHECK_ACCESS, check(), principal())
        assert time.perf_counter() - started < 1


async def test_stopping_answers_what_was_accepted(sides: Sides) -> None:
    async def behaviour(request: CheckAccess, caller: Principal) -> Access:
        await asyncio.sleep(0.3)
        return await granted(request, caller)

    async with sides.answering(behaviour) as responder, sides.calling() as call:
        accepted = [asyncio.ensure_future(call(CHECK_ACCESS, check(), principal())) for _ in range(20)]
        await asyncio.sleep(0.1)
        await responder.stop()
        assert len(await asyncio.gather(*accepted)) == 20


async def test_while_nats_is_away_calls_fail_at_once_and_work_again_when_it_is_back(sides: Sides) -> None:
    async with sides.answering(granted), sides.calling() as call:
        await call(CHECK_ACCESS, check(), principal())
        sides.servers.nats.kill()
        await asyncio.sleep(0.2)
        started = time.perf_counter()
        with pytest.raises(ServiceIsUnavailable):
            await call(CHECK_ACCESS, check(), principal())
        assert time.perf_counter() - started < 1
        await sides.servers.nats.start()
        async with asyncio.timeout(30):
            while True:
                try:
                    await call(CHECK_ACCESS, check(), principal())
                    break
                except ServiceIsUnavailable:
                    await asyncio.sleep(0.05)
