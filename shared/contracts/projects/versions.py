"""Whoever changes a version says which (RFC 9110, If-Match), so that nobody overwrites what they have not seen."""

from typing import Annotated

from pydantic import Field

from shared.contracts.refusals import PreconditionFailed, PreconditionRequired

IfMatch = Annotated[str, Field(max_length=1_000)]
"""As the header says it: ETags, or `*`. The gateway fills it in."""


class VersionIsNotSaid(PreconditionRequired):
    """Say in `If-Match` which version you change: the `ETag` that you were given with it."""


class VersionIsStale(PreconditionFailed):
    """It is another version by now than `If-Match` names; nothing was changed."""
