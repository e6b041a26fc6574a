"""Settings as they are read from the environment."""

from pathlib import Path

import pytest

from atrium.settings import all_settings
from shared.scanning import ScanningSettings


def test_an_empty_value_is_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    for known in all_settings():
        for name in known.model_fields:
            monkeypatch.setenv(f"ATRIUM_{name.upper()}", "")
    for known in all_settings():
        assert known().model_dump() == {name: field.default for name, field in known.model_fields.items()}


def test_a_value_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATRIUM_CLAMD_DATABASE", "/srv/signatures")
    assert ScanningSettings().clamd_database == Path("/srv/signatures")
