"""From rows to what readers get."""

import re
from datetime import UTC, datetime

import asyncpg

from shared.contracts.model import View

# Where lists begin that are asked for without a cursor. A COALESCE in the statement would do, but for row-level security, which lets
# nothing be looked up by an index that could tell of hidden rows.
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
HIGHEST = 2**31 - 1


def view[V: View](kind: type[V], row: asyncpg.Record | None) -> V:
    """A row that is there, as the view whose fields are named as its columns are."""
    assert row is not None, "whoever asks has seen that it is there"
    return kind.model_validate({name: row[name] for name in kind.model_fields})


def escaped(said: str) -> str:
    """For LIKE, what is to be found as it stands."""
    return re.sub(r"([\\%_])", r"\\\1", said)
