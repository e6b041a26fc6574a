"""The kinds of data that cross a wire: frozen, camelCase in JSON."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from math import isfinite
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints
from pydantic.alias_generators import to_camel
from pydantic_core import to_json


class Model(BaseModel):
    """Readers ignore fields they do not know, so that a new optional field breaks nobody."""

    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, serialize_by_alias=True, extra="ignore"
    )


class View(Model):
    """What an operation replies."""


class Nothing(View):
    """Done; there is nothing to say."""


class Request(Model):
    """What an operation is asked. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class Event(Model):
    """A fact about one entity, in the past tense. A reader keeps the highest `version` of an entity and ignores older ones."""

    entity_id: UUID
    version: int

    owner: ClassVar[str] = ""
    event_type: ClassVar[str] = ""
    known: ClassVar[dict[str, type["Event"]]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        owner = owner_of(cls)
        cls.owner = owner
        cls.event_type = f"{owner}.{snake_case(cls.__name__)}.v1"
        Event.known[cls.event_type] = cls

    @classmethod
    def subject(cls, workspace_id: UUID | None, key: UUID) -> str:
        """The NATS subject; `_` is the workspace of what belongs to the installation."""
        return f"event.{cls.event_type}.{workspace_id or '_'}.{key}"


def owner_of(contract: type) -> str:
    """The service whose package of contracts declares it."""
    return contract.__module__.removeprefix("shared.contracts.").partition(".")[0]


def snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _rfc3339(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


Time = Annotated[AwareDatetime, PlainSerializer(_rfc3339, return_type=str, when_used="json")]
"""A moment; in JSON RFC 3339, UTC, milliseconds."""


def without_nul(value: str) -> str:
    """PostgreSQL takes neither NUL nor half a surrogate pair; one of them would fail a whole group."""
    if "\0" in value:
        raise ValueError("holds a NUL character")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("holds half of a surrogate pair")
    return value


Text = Annotated[str, AfterValidator(without_nul)]
"""Text that can be stored."""

# The constraints of a text that has a validator are checked before it is trimmed, so trimming is a step of its own: blanks are no name.
TrimmedText = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(without_nul)]
"""Text without blanks around it; give its lengths as a `Field`."""

Reason = Annotated[TrimmedText, Field(min_length=1, max_length=500)]
"""Why something is changed; it is kept with what it was before."""


def storable_json(longest: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A validator of objects that PostgreSQL takes as jsonb, to `longest` bytes as JSON."""

    def check(value: dict[str, Any]) -> dict[str, Any]:
        _storable(value)
        if len(to_json(value)) > longest:
            raise ValueError(f"is longer than {longest} bytes as JSON")
        return value

    return check


def _storable(value: object) -> None:
    if isinstance(value, str):
        without_nul(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            _storable(key)
            _storable(item)
    elif isinstance(value, list):
        for item in value:
            _storable(item)
    elif isinstance(value, float) and not isfinite(value):
        raise ValueError("holds a number that JSON has not")
