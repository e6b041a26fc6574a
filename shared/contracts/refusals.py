"""Refusals: how a service says no. The docstring of a refusal is its message, its name in snake_case is its code, and both are API."""

import re
from collections.abc import Sequence
from typing import ClassVar

from shared.contracts.model import Model

STATUSES = {
    "malformed": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "slow_body": 408,
    "conflict": 409,
    "precondition_failed": 412,
    "too_large": 413,
    "unsupported_media": 415,
    "range_not_satisfiable": 416,
    "invalid": 422,
    "upgrade_required": 426,
    "precondition_required": 428,
    "too_many": 429,
    "headers_too_large": 431,
    "checksum_mismatch": 460,  # tus
    "internal": 500,
    "unavailable": 503,
    "storage_full": 507,
}


class FieldError(Model):
    """One field of a request that is wrong. `field` is its JSON path, as in `participants.0.role`."""

    field: str
    code: str
    detail: str


class RefusalView(Model):
    """A refusal on the wire."""

    kind: str
    code: str
    detail: str
    errors: tuple[FieldError, ...] = ()
    retry_after: int | None = None


class Refusal(Exception):
    """Base of all refusals; a subclass that names its kind is a kind, the others are refusals of it."""

    kind: ClassVar[str]
    code: ClassVar[str]
    detail: ClassVar[str]
    known: ClassVar[dict[str, type["Refusal"]]] = {}

    def __init__(self, *, errors: Sequence[FieldError] = (), retry_after: int | None = None) -> None:
        super().__init__(self.code)
        self.errors = tuple(errors)
        self.retry_after = retry_after

    def __init_subclass__(cls, kind: str | None = None) -> None:
        if kind is not None:
            cls.kind = kind
            return
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        cls.detail = " ".join((cls.__doc__ or "").split())
        Refusal.known[cls.code] = cls

    @property
    def status(self) -> int:
        return STATUSES[self.kind]

    def view(self) -> RefusalView:
        return RefusalView(kind=self.kind, code=self.code, detail=self.detail, errors=self.errors, retry_after=self.retry_after)


def refusal_of(view: RefusalView) -> Refusal:
    """The exception of a refusal that came over the wire; `internal` when its code is not known here."""
    known = Refusal.known.get(view.code, InternalError)
    return known(errors=view.errors, retry_after=view.retry_after)


class Malformed(Refusal, kind="malformed"): ...


class Unauthenticated(Refusal, kind="unauthenticated"): ...


class Forbidden(Refusal, kind="forbidden"): ...


class NotFound(Refusal, kind="not_found"): ...


class Conflict(Refusal, kind="conflict"): ...


class PreconditionFailed(Refusal, kind="precondition_failed"): ...


class PreconditionRequired(Refusal, kind="precondition_required"): ...


class TooLarge(Refusal, kind="too_large"): ...


class Invalid(Refusal, kind="invalid"): ...


class TooMany(Refusal, kind="too_many"): ...


class Unavailable(Refusal, kind="unavailable"): ...


class Internal(Refusal, kind="internal"): ...


class InternalError(Internal):
    """Something went wrong on our side. It has been logged with this request's id."""


class ServiceIsUnavailable(Unavailable):
    """A service that this needs does not answer right now. Try again in a moment."""

    def __init__(self, *, errors: Sequence[FieldError] = (), retry_after: int | None = None) -> None:
        super().__init__(errors=errors, retry_after=retry_after or 1)


class RequestIsInvalid(Invalid):
    """The request has fields that are not right; `errors` names each."""


class RequestIsMalformed(Malformed):
    """The request cannot be read: its JSON, or an id in it, is not well-formed."""


class CursorIsNotValid(Malformed):
    """The cursor is not one of ours, or belongs to another list."""


class KeyWasUsedForAnother(Conflict):
    """This key was used for another request; what is new needs a new one."""


class PermissionIsMissing(Forbidden):
    """Your role does not grant what this needs."""


class TokenlessRequest(Unauthenticated):
    """This is answered to a signed-in user alone."""
