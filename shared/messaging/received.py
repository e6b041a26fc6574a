"""An event as it comes out of the stream."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from shared.contracts.model import Event


@dataclass(frozen=True, slots=True)
class Received:
    """An event that a consumer was given. `workspace_id` is None for what belongs to the installation."""

    event_id: UUID
    workspace_id: UUID | None
    key: str
    trace: str
    event: Event


def received(kinds: Mapping[str, type[Event]], subject: str, data: bytes | str, headers: Mapping[str, str] | None) -> Received:
    """Raises ValueError where it is not one of the events expected."""
    headers = headers or {}
    tokens = subject.split(".")
    kind = kinds.get(headers.get("ce-type", ""))
    if kind is None or len(tokens) != 6:
        raise ValueError(f"no event that is known here: {headers.get('ce-type', 'without ce-type')}")
    return Received(
        event_id=UUID(headers.get("ce-id", "")),
        workspace_id=None if tokens[4] == "_" else UUID(tokens[4]),
        key=tokens[5],
        trace=headers.get("traceparent", ""),
        event=kind.model_validate_json(data),
    )
