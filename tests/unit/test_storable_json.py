"""Objects that PostgreSQL takes as jsonb."""

from typing import Any

import pytest

from shared.contracts.model import storable_json

check = storable_json(100)


@pytest.mark.parametrize("value", [{}, {"a": [1, None, {"b": "\\u0000"}]}, {"a": 1.5, "é": True}])
def test_what_can_be_stored_is_taken_as_it_is(value: dict[str, Any]) -> None:
    assert check(value) is value


@pytest.mark.parametrize("value", [{"a": "\0"}, {"\0": 1}, {"a": [{"b": "\ud800"}]}, {"a": float("nan")}, {"a": "x" * 100}])
def test_what_cannot_be_stored_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"holds|longer"):
        check(value)
