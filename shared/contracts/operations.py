"""An operation is declared once; both sides, the API's documented errors and the NATS permissions come from that declaration."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import BaseModel

from shared.contracts.model import Request, owner_of, snake_case
from shared.contracts.refusals import KeyWasUsedForAnother, Refusal


@dataclass(frozen=True, eq=False)
class Operation[Q: Request, R: BaseModel]:
    """One thing that a service can be asked. Its name is its request's class name in snake_case, its owner that
    class's package.

    coalesced: calls made in one turn of the loop travel as one message; for small replies. Pages travel alone.
    anonymous: it may be asked without a principal.
    keyed: it makes something, and an Idempotency-Key keeps it from making that twice (`shared.database.idempotency`).
    timeout: seconds that a caller waits, where its own deadline is not nearer. Of what takes long it hears that it is under way.
    """

    request: type[Q]
    reply: type[R]
    called_by: Sequence[str]
    refuses: Sequence[type[Refusal]] = ()
    coalesced: bool = True
    anonymous: bool = False
    keyed: bool = False
    timeout: float = 5.0
    owner: str = field(init=False)
    name: str = field(init=False)
    subject: str = field(init=False)

    known: ClassVar[list["Operation[Request, BaseModel]"]] = []

    def __post_init__(self) -> None:
        owner, name = owner_of(self.request), snake_case(self.request.__name__)
        object.__setattr__(self, "owner", owner)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "subject", f"request.{owner}.{name}.v1")
        if self.keyed:
            object.__setattr__(self, "refuses", tuple(dict.fromkeys((*self.refuses, KeyWasUsedForAnother))))
        Operation.known.append(self)


GATEWAY, IDENTITY, THREADS, MESSAGES, ATTACHMENTS, OPERATOR = "gateway", "identity", "threads", "messages", "attachments", "operator"
PROJECTS = "projects"
GRAPH = "graph"
