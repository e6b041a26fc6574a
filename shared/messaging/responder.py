"""Answers a service's operations: every accepted request gets its answer, what is over the bound is refused at once."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError
from pydantic import BaseModel, ValidationError

from shared.contracts.model import Request
from shared.contracts.operations import Operation
from shared.contracts.principal import Principal
from shared.contracts.refusals import InternalError, Refusal, ServiceIsUnavailable, TokenlessRequest
from shared.contracts.validation import invalid
from shared.messaging.context import Context, current_context, new_trace
from shared.messaging.frames import (
    DEADLINE_HEADER,
    FRAME_HEADER,
    PRINCIPAL_HEADER,
    REQUEST_ID_HEADER,
    TRACE_HEADER,
    Answer,
    Call,
    Outcome,
    answers_frame,
    read_calls,
)
from shared.observability.metrics import REFUSALS, REQUEST_SECONDS, REQUESTS_IN_FLIGHT
from shared.observability.tracing import span

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Replayed[R]:
    """The reply to something that had been done before: the same key, the same body."""

    reply: R


@dataclass(frozen=True, slots=True)
class Encoded[R]:
    """A reply that is JSON already, in the form of R."""

    body: bytes


type Handler[Q, R, S] = Callable[[Q, Principal, S], Awaitable[R | Replayed[R] | Encoded[R]]]
type AnonymousHandler[Q, R, S] = Callable[[Q, S], Awaitable[R]]
type _Reply = BaseModel | Replayed[BaseModel] | Encoded[BaseModel]
type _Run = Callable[[Request, Principal | None], Awaitable[_Reply]]


@dataclass(slots=True)
class _Frame:
    """A message that is being answered; answers that are ready in one turn of the loop go out together."""

    message: Msg
    open: int
    ready: list[Answer] = field(default_factory=list)


class Responder:
    """Serves operations for one service. `stop` drains: what was accepted is answered."""

    def __init__(self, service: str, in_flight: int) -> None:
        self.service = service
        self._bound = in_flight
        self._in_flight = 0
        self._operations: list[tuple[Operation[Request, BaseModel], _Run]] = []
        self._subscriptions: list[Subscription] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._gauge = REQUESTS_IN_FLIGHT.labels(service)

    def serve[Q: Request, R: BaseModel, S](self, operation: Operation[Q, R], handler: Handler[Q, R, S], service: S) -> None:
        async def run(request: Q, principal: Principal | None) -> R | Replayed[R] | Encoded[R]:
            if principal is None:
                raise TokenlessRequest
            return await handler(request, principal, service)

        self._operations.append((operation, run))  # type: ignore[arg-type]

    def serve_anonymous[Q: Request, R: BaseModel, S](
        self, operation: Operation[Q, R], handler: AnonymousHandler[Q, R, S], service: S
    ) -> None:
        async def run(request: Q, principal: Principal | None) -> R:
            return await handler(request, service)

        self._operations.append((operation, run))  # type: ignore[arg-type]

    async def start(self, client: Client) -> None:
        for operation, run in self._operations:
            self._subscriptions.append(await client.subscribe(operation.subject, queue=self.service, cb=self._receiver(operation, run)))
        for _ in range(2):  # the first PING goes ahead of what waits to be sent; after the second, the server knows the subscriptions
            await client.flush()

    async def stop(self) -> None:
        """Take nothing new, answer what was taken."""
        drains = [subscription.drain() for subscription in self._subscriptions]  # type: ignore[no-untyped-call]
        await asyncio.gather(*drains, return_exceptions=True)
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _receiver(self, operation: Operation[Request, BaseModel], run: _Run) -> Callable[[Msg], Awaitable[None]]:
        async def receive(message: Msg) -> None:
            headers = message.headers or {}
            framed = FRAME_HEADER in headers
            try:
                calls = read_calls(message.data) if framed else [_plain_call(message, headers)]
            except ValueError as error:
                log.warning("frame_is_not_readable", operation=operation.name, error=str(error))
                return
            frame = _Frame(message, len(calls))
            refused = self._in_flight + len(calls) > self._bound
            self._in_flight += len(calls)
            self._gauge.set(self._in_flight)
            for place, call in enumerate(calls):
                work = self._refuse(operation) if refused else self._work(operation, run, call)
                self._spawn(self._answer(frame, place, work, framed))

        return receive

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, frame: _Frame, place: int, work: Awaitable[tuple[Outcome, bytes, Refusal | None]], framed: bool) -> None:
        outcome, body, refusal = await work
        self._in_flight -= 1
        self._gauge.set(self._in_flight)
        if not framed:
            await _respond(frame.message, body, _error_headers(refusal))
            return
        frame.ready.append(Answer(place, outcome, body))
        frame.open -= 1
        if frame.open:
            await asyncio.sleep(0)  # the others of this turn go out in the same message
        if frame.ready:
            answers, frame.ready = frame.ready, []
            await _respond(frame.message, answers_frame(answers), None)

    async def _refuse(self, operation: Operation[Request, BaseModel]) -> tuple[Outcome, bytes, Refusal | None]:
        refusal = ServiceIsUnavailable()
        REFUSALS.labels(self.service, operation.name, refusal.code).inc()
        return "refusal", refusal.view().model_dump_json().encode(), refusal

    async def _work(self, operation: Operation[Request, BaseModel], run: _Run, call: Call) -> tuple[Outcome, bytes, Refusal | None]:
        started = time.perf_counter()
        context = Context(call.deadline, call.trace or new_trace(), call.request_id)
        current_context.set(context)
        try:
            with span(f"{self.service}.{operation.name}"):
                reply = await self._run(operation, run, call, context)
        except Refusal as refusal:
            REFUSALS.labels(self.service, operation.name, refusal.code).inc()
            return "refusal", refusal.view().model_dump_json().encode(), refusal
        finally:
            REQUEST_SECONDS.labels(self.service, operation.name).observe(time.perf_counter() - started)
        if isinstance(reply, Encoded):
            return "reply", reply.body, None
        if isinstance(reply, Replayed):
            return "replay", reply.reply.model_dump_json(by_alias=True).encode(), None
        return "reply", reply.model_dump_json(by_alias=True).encode(), None

    async def _run(self, operation: Operation[Request, BaseModel], run: _Run, call: Call, context: Context) -> _Reply:
        remaining = context.remaining()
        if remaining <= 0:
            raise ServiceIsUnavailable  # nobody waits for it any more
        try:
            request = operation.request.model_validate_json(call.body)
            async with asyncio.timeout(remaining):
                return await run(request, call.principal)
        except ValidationError as error:
            raise invalid(error) from None
        except TimeoutError:
            raise ServiceIsUnavailable from None
        except Refusal:
            raise
        except Exception:
            log.exception("operation_failed", service=self.service, action=operation.name)
            raise InternalError from None


def _plain_call(message: Msg, headers: dict[str, str]) -> Call:
    """A single call by anyone else: the request is the payload, the rest rides in headers. Raises ValueError."""
    principal = headers.get(PRINCIPAL_HEADER)
    return Call(
        Principal.model_validate_json(principal) if principal else None,
        float(headers.get(DEADLINE_HEADER, time.time() + 5)),
        headers.get(TRACE_HEADER, ""),
        headers.get(REQUEST_ID_HEADER, ""),
        message.data,
    )


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
