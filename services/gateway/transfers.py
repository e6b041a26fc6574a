"""Routes through which the bytes of files go, and what their handlers work with."""

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from prometheus_client import Counter

from services.gateway.admission import Admission
from services.gateway.exchange import Exchange
from services.gateway.replies import Reply
from services.gateway.routing import ROUTES, Call, RateClass, Route, made_route
from services.gateway.settings import GatewaySettings
from services.gateway.upload_memory import UploadMemory
from shared.contracts.model import Request
from shared.contracts.operations import Operation
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.refusals import Refusal
from shared.messaging.context import current_context
from shared.store.store import Store

TAKEN, FAILED = "taken", "internal_error"
UPLOADS = Counter("attachment_uploads", "Requests with files, by what came of them: `taken`, or the code of the refusal.", ["outcome"])
for outcome in (TAKEN, FAILED, "service_is_unavailable", "store_is_away", "store_is_full", "uploads_are_too_many"):
    UPLOADS.labels(outcome)  # counted from the start, so that the first one is seen to be one more


@contextmanager
def failures_counted() -> Iterator[None]:
    """What is raised in here is an upload that failed by it."""
    try:
        yield
    except Refusal as refusal:
        UPLOADS.labels(refusal.code).inc()
        raise
    except Exception:
        UPLOADS.labels(FAILED).inc()
        raise


@dataclass(frozen=True, slots=True)
class Transfer:
    """One request whose body or answer is a file."""

    route: Route
    exchange: Exchange
    call: Call
    store: Store
    admission: Admission
    settings: GatewaySettings
    memory: UploadMemory

    def room(self, caller: Principal, size: int | None = None) -> AbstractAsyncContextManager[None]:
        """For what is written, of so many bytes where that is known. Raises `UploadsAreTooMany`."""
        held = self.store.held
        return self.memory.room(caller.user_id, held if size is None else min(size, held))

    async def count_one_more(self, caller: Principal) -> None:
        """The first file was counted with the request. Raises `RateLimitIsReached`."""
        await self.admission.again(self.route, caller, self.exchange)

    def give_time(self) -> None:
        """Its calls may go on from now for as long as one request may."""
        give_time(self.settings.upload_timeout)


def give_time(seconds: float) -> None:
    """Its calls may be made for so long; each has its own patience."""
    current_context.set(current_context.get()._replace(deadline=time.time() + seconds))


type TransferHandler[Q: Request] = Callable[[Q, Principal, Transfer], Awaitable[Reply]]
type AnonymousTransferHandler[Q: Request] = Callable[[Q, Transfer], Awaitable[Reply]]


def form_route[Q: Request](
    path: str, operation: Operation[Any, Any], *, begins: Operation[Q, Any], needs: Permission
) -> Callable[[TransferHandler[Q]], TransferHandler[Q]]:
    """Put a function into the table that takes files out of a form."""

    def registered(handler: TransferHandler[Q]) -> TransferHandler[Q]:
        ROUTES.append(made_route("POST", path, operation, needs, RateClass.UPLOADS, handler, begins=begins))
        return handler

    return registered


def file_route[Q: Request](
    path: str, operation: Operation[Q, Any], *, needs: Permission
) -> Callable[[TransferHandler[Q]], TransferHandler[Q]]:
    """Put a function into the table that answers a file."""

    def registered(handler: TransferHandler[Q]) -> TransferHandler[Q]:
        ROUTES.append(made_route("GET", path, operation, needs, RateClass.REQUESTS, handler, file=True))
        return handler

    return registered


def anonymous_file_route[Q: Request](
    path: str, operation: Operation[Q, Any]
) -> Callable[[AnonymousTransferHandler[Q]], AnonymousTransferHandler[Q]]:
    """Put a function into the table that answers a file to anybody."""

    def registered(handler: AnonymousTransferHandler[Q]) -> AnonymousTransferHandler[Q]:
        ROUTES.append(made_route("GET", path, operation, None, RateClass.ANONYMOUS, handler, file=True))
        return handler

    return registered


def tus_route[Q: Request](
    method: str,
    path: str,
    operation: Operation[Q, Any],
    reads: Callable[[Mapping[str, str], Mapping[bytes, bytes]], Q],
    *,
    limit: RateClass = RateClass.REQUESTS,
) -> Callable[[TransferHandler[Q]], TransferHandler[Q]]:
    """Put a function into the table that speaks tus; `reads` makes what is asked of path and headers."""

    def registered(handler: TransferHandler[Q]) -> TransferHandler[Q]:
        ROUTES.append(made_route(method, path, operation, Permission.FILE_UPLOAD, limit, handler, reads=reads))
        return handler

    return registered
