"""From rows to what readers get."""

import re

import asyncpg

from shared.contracts.model import View


def view[V: View](kind: type[V], row: asyncpg.Record | None) -> V:
    """A row that is there, as the view whose fields are named as its columns are."""
    assert row is not None, "whoever asks has seen that it is there"
    return kind.model_validate({name: row[name] for name in kind.model_fields})


def escaped(said: str) -> str:
    """For LIKE, what is to be found as it stands."""
    return re.sub(r"([\\%_])", r"\\\1", said)
