"""Answers a service's operations: every accepted request gets its answer, what is over the bound is refused at once."""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError
from pydantic import BaseModel

from shared.contracts.model import Request
from shared.contracts.operations import Operation
from shared.contracts.principal import Principal
from shared.contracts.refusals import Refusal
from shared.messaging.frames import FRAME_HEADER, SIGN_OF_LIFE, Answer, Call, answers_frame, plain_call, read_calls
from shared.messaging.local import LocalWork, Process
from shared.messaging.work import AnonymousHandler, Ask, GroupHandler, Handled, Handler, Reply, Work
from shared.observability.metrics import REQUESTS_IN_FLIGHT

log = structlog.get_logger()


@dataclass(slots=True)
class _Frame:
    """A message that is being answered. Answers that are ready in one turn of the loop go out together."""

    message: Msg
    ready: list[Answer] = field(default_factory=list)


class Responder:
    """Serves operations for one service. `stop` drains: what was accepted is answered.

    process: where those find it who run beside it. sign: seconds after which who asked for what takes long is told that it is under way.
    """

    def __init__(self, service: str, in_flight: int, process: Process | None = None, *, sign: float = SIGN_OF_LIFE) -> None:
        self.service, self.sign = service, sign
        self._process = process or Process()
        self._local: list[LocalWork] = []
        self._bound = in_flight
        self._in_flight = 0
        self._works: list[Work] = []
        self._client: Client | None = None
        self._subscriptions: list[Subscription] = []
        self._tasks: set[asyncio.Task[None]] = set()
        REQUESTS_IN_FLIGHT.labels(service).set_function(lambda: self._in_flight)

    @property
    def operations(self) -> list[Operation[Request, BaseModel]]:
        return [work.operation for work in self._works]

    def serve[Q: Request, R: BaseModel, S](self, operation: Operation[Q, R], handler: Handler[Q, R, S], service: S) -> None:
        """Each call by itself."""

        async def one(request: Q, principal: Principal | None) -> Reply[R]:
            assert principal is not None
            return await handler(request, principal, service)

        self._works.append(Work(operation, one, None))

    def serve_anonymous[Q: Request, R: BaseModel, S](
        self, operation: Operation[Q, R], handler: AnonymousHandler[Q, R, S], service: S
    ) -> None:
        """Each call by itself, whoever asks."""

        async def one(request: Q, principal: Principal | None) -> Reply[R]:
            return await handler(request, service)

        self._works.append(Work(operation, one, None))

    def serve_together[Q: Request, P: Principal | None, R: BaseModel, S](
        self, operation: Operation[Q, R], handler: GroupHandler[Q, P, R, S], service: S
    ) -> None:
        """The calls of one message together, for what is asked thousands of times a second: a task a call costs 40 µs.

        The handler gives one outcome for each, in their order; an exception among them is that call's alone.
        """

        async def all_(asks: Sequence[Ask[Q, P]]) -> Sequence[Reply[R] | Exception]:
            return await handler(asks, service)

        self._works.append(Work(operation, None, all_))

    async def start(self, client: Client) -> None:
        for work in self._works:
            subject = work.operation.subject
            self._subscriptions.append(await client.subscribe(subject, queue=self.service, cb=_Receiver(self, work).receive))
        self._client = client
        await _let_the_server_read_all(client)
        self.start_here()

    def start_here(self) -> None:
        """For those alone who run beside it."""
        self._local = [LocalWork(work, self) for work in self._works]
        for local in self._local:
            self._process.answer(local)

    async def stop(self) -> None:
        """Take nothing new, answer what was taken."""
        for local in self._local:
            self._process.forget(local)
        if self._client is not None and self._client.is_connected:
            await self._unsubscribe(self._client)
        while self._tasks or any(subscription.pending_msgs for subscription in self._subscriptions):
            await asyncio.sleep(0.001)

    async def _unsubscribe(self, client: Client) -> None:
        """`Subscription.drain` waits for one PING alone, and drops in silence what comes until the server has read the rest."""
        for subscription in self._subscriptions:
            await client._send_unsubscribe(subscription._id)
        with suppress(NatsError, OSError):  # the connection broke: nothing more comes
            await _let_the_server_read_all(client)

    def take(self, calls: int) -> bool:
        """Whether so many more calls are within the bound; they count until `given`."""
        if self._in_flight + calls > self._bound:
            return False
        self._in_flight += calls
        return True

    def given(self, calls: int) -> None:
        self._in_flight -= calls

    def spawn(self, work: Coroutine[Any, Any, None], within: float) -> None:
        """Run it at once up to its first wait, and cancel it when its time is over."""
        loop = asyncio.get_running_loop()
        task = asyncio.Task(work, loop=loop, eager_start=True)
        if task.done():
            return
        timer = loop.call_later(max(within, 0), task.cancel)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: timer.cancel())


async def _let_the_server_read_all(client: Client) -> None:
    """The first PING goes ahead of what waits to be sent; the second is answered after all of it."""
    for _ in range(2):
        await client.flush(timeout=2)


class _Receiver:
    """Takes the messages of one operation."""

    def __init__(self, responder: Responder, work: Work) -> None:
        self._responder, self._work = responder, work

    async def receive(self, message: Msg) -> None:
        headers = message.headers or {}
        framed = FRAME_HEADER in headers
        try:
            calls = read_calls(message.data) if framed else [plain_call(message.data, headers)]
        except ValueError as error:
            log.warning("frame_is_not_readable", operation=self._work.operation.name, error=str(error))
            return
        frame = _Frame(message)
        if not self._responder.take(len(calls)):
            self._send(frame, dict.fromkeys(range(len(calls)), self._work.refuse()), framed)
        elif self._work.together:
            now = time.time()
            self._responder.spawn(self._answer_all(frame, calls, framed), max(call.deadline for call in calls) - now)
        else:
            now = time.time()
            for place, call in enumerate(calls):
                self._responder.spawn(self._answer(frame, place, call, framed), call.deadline - now)

    async def _answer_all(self, frame: _Frame, calls: Sequence[Call], framed: bool) -> None:
        try:
            handled = await self._work.handle_all(calls)
        finally:
            self._responder.given(len(calls))
        self._send(frame, dict(enumerate(handled)), framed)

    async def _answer(self, frame: _Frame, place: int, call: Call, framed: bool) -> None:
        signs = framed and self._work.operation.timeout > self._responder.sign
        under_way = asyncio.create_task(self._say_that_it_is_under_way(frame)) if signs else None
        try:
            handled = await self._work.handle(call)
        finally:
            self._responder.given(1)
            if under_way is not None:
                under_way.cancel()
        self._send(frame, {place: handled}, framed)

    async def _say_that_it_is_under_way(self, frame: _Frame) -> None:
        while True:
            await asyncio.sleep(self._responder.sign)
            await _respond(frame.message, answers_frame([]), None)

    def _send(self, frame: _Frame, handled: dict[int, Handled], framed: bool) -> None:
        if not framed:
            only = handled[0]
            self._responder.spawn(_respond(frame.message, only.body, _error_headers(only.refusal)), 5)
            return
        if not frame.ready:
            asyncio.get_running_loop().call_soon(self._flush, frame)
        frame.ready += [Answer(place, one.kind, one.body) for place, one in handled.items()]

    def _flush(self, frame: _Frame) -> None:
        answers, frame.ready = frame.ready, []
        self._responder.spawn(_respond(frame.message, answers_frame(answers), None), 5)


def _error_headers(refusal: Refusal | None) -> dict[str, str] | None:
    """NATS's own form of an error (ADR-32)."""
    return None if refusal is None else {"Nats-Service-Error": refusal.detail, "Nats-Service-Error-Code": str(refusal.status)}


async def _respond(message: Msg, body: bytes, headers: dict[str, str] | None) -> None:
    if not message.reply:
        return
    try:
        await message._client.publish(message.reply, body, headers=headers)
    except (NatsError, OSError) as error:
        log.warning("answer_was_not_sent", subject=message.subject, error=str(error) or type(error).__name__)
