"""What becomes of a call inside the service that answers it: read, handled within its deadline, encoded, measured."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import structlog
from pydantic import BaseModel, ValidationError

from shared.contracts.model import Request
from shared.contracts.operations import Operation
from shared.contracts.principal import Principal
from shared.contracts.refusals import InternalError, Refusal, ServiceIsUnavailable, TokenlessRequest
from shared.contracts.validation import invalid
from shared.messaging.context import Context, current_context, new_trace
from shared.messaging.frames import AnswerKind, Call
from shared.observability.metrics import REFUSALS, REQUEST_SECONDS
from shared.observability.tracing import span

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Replayed[R]:
    """The reply to something that had been done before: the same key, the same body."""

    reply: R


@dataclass(frozen=True, slots=True)
class Found[R]:
    """The reply to who would make what is there already, and is theirs: there is one of its kind."""

    reply: R


@dataclass(frozen=True, slots=True)
class Encoded[R]:
    """A reply that is JSON already, in the form of R."""

    body: bytes


class Ask[Q, P](NamedTuple):
    """A request among others that are handled together, with who asks (a Principal, or None where anybody may)."""

    request: Q
    caller: P
    context: Context


type Reply[R] = R | Replayed[R] | Found[R] | Encoded[R]
type Handler[Q, R, S] = Callable[[Q, Principal, S], Awaitable[Reply[R]]]
type AnonymousHandler[Q, R, S] = Callable[[Q, S], Awaitable[Reply[R]]]
type GroupHandler[Q, P, R, S] = Callable[[Sequence[Ask[Q, P]], S], Awaitable[Sequence[Reply[R] | Exception]]]
type Outcome = Reply[BaseModel] | Refusal
type _One = Callable[[Any, Principal | None], Awaitable[Reply[BaseModel]]]
type _All = Callable[[Sequence[Ask[Any, Any]]], Awaitable[Sequence[Reply[BaseModel] | Exception]]]


class Handled(NamedTuple):
    """An answer, ready to be sent."""

    kind: AnswerKind
    body: bytes
    refusal: Refusal | None = None


class Work:
    """One operation, as its service does it: each call by itself, or those of a frame together."""

    def __init__(self, operation: Operation[Request, BaseModel], one: _One | None, all_: _All | None) -> None:
        self.operation, self._one, self._all = operation, one, all_
        self.together = all_ is not None
        self._seconds = REQUEST_SECONDS.labels(operation.owner, operation.name)
        self._span = f"{operation.owner}.{operation.name}"

    async def handle(self, call: Call) -> Handled:
        """Handle one call from the wire. Always answers; cancelled by its deadline it answers that too."""
        try:
            ask = self._ask(call)
        except Refusal as refusal:
            return encoded(self.refused(refusal))
        return encoded(await self.outcome(ask))

    async def handle_all(self, calls: Sequence[Call]) -> list[Handled]:
        """Handle the calls of a frame together, by the latest of their deadlines."""
        answers: dict[int, Outcome] = {}
        asks: dict[int, Ask[Any, Any]] = {}
        for place, call in enumerate(calls):
            try:
                asks[place] = self._ask(call)
            except Refusal as refusal:
                answers[place] = self.refused(refusal)
        answers.update(zip(asks, await self.outcomes(list(asks.values())), strict=True))
        return [encoded(answers[place]) for place in range(len(calls))]

    async def outcome(self, ask: Ask[Any, Any]) -> Outcome:
        """What becomes of one request."""
        assert self._one is not None
        started = time.perf_counter()
        current_context.set(ask.context)
        try:
            with span(self._span):
                return await self._one(ask.request, ask.caller)
        except Exception as error:
            return self.refused(error)
        except asyncio.CancelledError:
            return self._late(ask.context.deadline)
        finally:
            self._seconds.observe(time.perf_counter() - started)

    async def outcomes(self, asks: Sequence[Ask[Any, Any]]) -> list[Outcome]:
        """What becomes of each of those that are handled together, in their order."""
        assert self._all is not None
        if not asks:
            return []
        started = time.perf_counter()
        deadline = max(ask.context.deadline for ask in asks)
        current_context.set(asks[0].context._replace(deadline=deadline, idempotency_key=""))
        try:
            with span(self._span):
                replies = await self._all(asks)
            return [self.refused(reply) if isinstance(reply, Exception) else reply for reply in replies]
        except Exception as error:
            return [self.refused(error) for _ in asks]
        except asyncio.CancelledError:
            return [self._late(deadline) for _ in asks]
        finally:
            self._seconds.observe(time.perf_counter() - started)

    def refused(self, error: Exception) -> Refusal:
        """What those who asked hear of an error: a refusal as it is, of anything else nothing."""
        refusal = error
        if not isinstance(refusal, Refusal):
            log.error("operation_failed", service=self.operation.owner, operation=self.operation.name, exc_info=error)
            refusal = InternalError()
        REFUSALS.labels(self.operation.owner, self.operation.name, refusal.code).inc()
        return refusal

    def refuse(self) -> Handled:
        """The answer to what is over the service's bound."""
        return encoded(self.refused(ServiceIsUnavailable()))

    def _ask(self, call: Call) -> Ask[Any, Any]:
        if time.time() >= call.deadline:
            raise ServiceIsUnavailable  # nobody waits for it any more
        if call.principal is None and not self.operation.anonymous:
            raise TokenlessRequest
        try:
            request = self.operation.request.model_validate_json(call.body)
        except ValidationError as error:
            raise invalid(error) from None
        return Ask(request, call.principal, Context(call.deadline, call.trace or new_trace(), call.request_id, call.idempotency_key))

    def _late(self, deadline: float) -> Refusal:
        """Its deadline ended it; any other cancellation goes on."""
        task = asyncio.current_task()
        if time.time() < deadline or task is None:
            raise asyncio.CancelledError
        task.uncancel()
        return self.refused(ServiceIsUnavailable())


def encoded(outcome: Outcome) -> Handled:
    if isinstance(outcome, Encoded):
        return Handled("reply", outcome.body)
    if isinstance(outcome, Refusal):
        return Handled("refusal", outcome.view().model_dump_json().encode(), outcome)
    if isinstance(outcome, Replayed):
        return Handled("replay", outcome.reply.model_dump_json(by_alias=True).encode())
    if isinstance(outcome, Found):
        return Handled("found", outcome.reply.model_dump_json(by_alias=True).encode())
    return Handled("reply", outcome.model_dump_json(by_alias=True).encode())
