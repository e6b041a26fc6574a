"""An event of the stream, as those who are connected are told it."""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from nats.aio.msg import Msg
from pydantic_core import from_json

from services.gateway.realtime.cursors import Cursor
from services.gateway.realtime.frames import Frame
from services.gateway.realtime.kinds import KINDS, Kind, Scope
from shared.contracts.projects.access import Happened


class Happening:
    """at: when it was committed, in seconds. key: of the thread, project or user that it belongs to."""

    def __init__(self, seq: int, at: float, kind: Kind, scope: Scope, workspace_id: UUID, key: UUID, frame: Frame, data: bytes) -> None:
        self.seq, self.at, self.kind, self.scope = seq, at, kind, scope
        self.workspace_id, self.key, self.frame, self.data = workspace_id, key, frame, data

    @cached_property
    def payload(self) -> dict[str, Any]:
        payload: dict[str, Any] = from_json(self.data)
        return payload

    @cached_property
    def moment(self) -> float | None:
        """When its subject was made, or posted, where it was made before; None where it is not about such a one."""
        if self.kind.moment is None:
            return None
        thing, field = self.kind.moment
        return datetime.fromisoformat(self.payload.get("postedAt") or self.payload[thing][field]).timestamp()

    @property
    def opens(self) -> bool:
        """Whether the thread or project begins with it."""
        return self.kind.opening and self.payload.get("change", Happened.CREATED) == Happened.CREATED

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return 2 * len(self.data) + 1_000


def happening_of(message: Msg, seq: int, stream: str) -> Happening | None:
    """None for what clients are not told."""
    headers: Mapping[str, str] = message.headers or {}
    kind = KINDS.get(headers.get("ce-type", ""))
    if kind is None:
        return None
    subject = headers.get("Nats-Subject") or message.subject
    workspace, _, key = subject.rpartition(".")
    workspace = workspace.rpartition(".")[2]
    if workspace == "_":
        return None
    frame = Frame(kind.type, str(Cursor(stream, seq)), message.data)
    at = datetime.fromisoformat(headers["ce-time"]).timestamp()
    happening = Happening(seq, at, kind, kind.scope, UUID(workspace), UUID(key), frame, message.data)
    if kind.linking and happening.payload["link"]["projectId"] is None:
        happening.scope = Scope.THREAD
    return happening
