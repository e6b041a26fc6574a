"""What may be said in a message."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, ValidationInfo
from pydantic_core import PydanticKnownError

from shared.contracts.attachments.claims import MOST_OF_A_MESSAGE
from shared.contracts.model import without_nul

CONTENT_LENGTH = 10_000  # characters (spec 1, Security & Validation)


def _something_is_said(value: str, info: ValidationInfo) -> str:
    """A message has a content, or files; those are declared before it. One step with what every text is checked for: posts are many."""
    if not value and info.data.get("attachment_ids") == []:
        raise PydanticKnownError("string_too_short", {"min_length": 1})
    return without_nul(value)


def _each_once(value: list[UUID]) -> list[UUID]:
    if len(set(value)) < len(value):
        raise ValueError("holds one more than once")
    return value


Content = Annotated[str, Field(max_length=CONTENT_LENGTH), AfterValidator(_something_is_said)]
"""HTML; empty only where there are `attachment_ids`, which must be declared before it."""

AttachmentIds = Annotated[list[UUID], Field(max_length=MOST_OF_A_MESSAGE), AfterValidator(_each_once)]
