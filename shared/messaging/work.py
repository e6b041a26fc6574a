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
from shared.messaging.frames import Call, Outcome
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
type _One = Callable[[Any, Principal | None], Awaitable[Reply[BaseModel]]]
type _All = Callable[[Sequence[Ask[Any, Any]]], Awaitable[Sequence[Reply[BaseModel] | Exception]]]


class Handled(NamedTuple):
    """An answer, ready to be sent."""

    outcome: Outcome
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
        """Handle one call. Always answers; cancelled by its deadline it answers that too."""
        assert self._one is not None
        started = time.perf_counter()
        current_context.set(_context(call))
        try:
            request = self._request(call)
            with span(self._span):
                return self._answer(await self._one(request, call.principal))
        except Exception as error:
            return self._failed(error)
        except asyncio.CancelledError:
            return self._late(call.deadline)
        finally:
            self._seconds.observe(time.perf_counter() - started)

    async def handle_all(self, calls: Sequence[Call]) -> list[Handled]:
        """Handle the calls of a frame together, by the latest of their deadlines."""
        assert self._all is not None
        started = time.perf_counter()
        answers: dict[int, Handled] = {}
        asks: dict[int, Ask[Request, Principal | None]] = {}
        for place, call in enumerate(calls):
            try:
                asks[place] = Ask(self._request(call), call.principal, _context(call))
            except Refusal as refusal:
                answers[place] = self._failed(refusal)
        deadline = max(call.deadline for call in calls)
        current_context.set(Context(deadline, calls[0].trace, calls[0].request_id))
        try:
            with span(self._span):
                replies = await self._all(list(asks.values())) if asks else []
            answers.update((place, self._answer(reply)) for place, reply in zip(asks, replies, strict=True))
        except Exception as error:
            answers.update((place, self._failed(error)) for place in asks)
        except asyncio.CancelledError:
            answers.update((place, self._late(deadline)) for place in asks)
        finally:
            self._seconds.observe(time.perf_counter() - started)
        return [answers[place] for place in range(len(calls))]

    def refuse(self) -> Handled:
        """The answer to what is over the service's bound."""
        return self._failed(ServiceIsUnavailable())

    def _request(self, call: Call) -> Request:
        if time.time() >= call.deadline:
            raise ServiceIsUnavailable  # nobody waits for it any more
        if call.principal is None and not self.operation.anonymous:
            raise TokenlessRequest
        try:
            return self.operation.request.model_validate_json(call.body)
        except ValidationError as error:
            raise invalid(error) from None

    def _answer(self, reply: Reply[BaseModel] | Exception) -> Handled:
        if isinstance(reply, Encoded):
            return Handled("reply", reply.body)
        if isinstance(reply, BaseModel):
            return Handled("reply", reply.model_dump_json(by_alias=True).encode())
        if isinstance(reply, Replayed):
            return Handled("replay", reply.reply.model_dump_json(by_alias=True).encode())
        if isinstance(reply, Found):
            return Handled("found", reply.reply.model_dump_json(by_alias=True).encode())
        return self._failed(reply)

    def _failed(self, error: Exception) -> Handled:
        refusal = error
        if not isinstance(refusal, Refusal):
            log.error("operation_failed", service=self.operation.owner, operation=self.operation.name, exc_info=error)
            refusal = InternalError()
        REFUSALS.labels(self.operation.owner, self.operation.name, refusal.code).inc()
        return Handled("refusal", refusal.view().model_dump_json().encode(), refusal)

    def _late(self, deadline: float) -> Handled:
        """Its deadline ended it; any other cancellation goes on."""
        task = asyncio.current_task()
        if time.time() < deadline or task is None:
            raise asyncio.CancelledError
        task.uncancel()
        return self._failed(ServiceIsUnavailable())


def _context(call: Call) -> Context:
    return Context(call.deadline, call.trace or new_trace(), call.request_id)
