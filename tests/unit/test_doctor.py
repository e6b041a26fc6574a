"""What `atrium doctor` says of a service, and what it says to do."""

import pytest

from atrium.doctor import _instance
from shared.application import Dependency
from shared.messaging.discovery import Instance


@pytest.mark.parametrize(
    ("detail", "remedy"),
    [
        ("ATRIUM_CLAMD_URL names none; the oldest file has waited 9 s", "start Atrium again"),
        ("clamd cannot be reached; the oldest file has waited 9 s", "scanned by themselves once clamd is right"),
    ],
)
def test_a_missing_scanner_is_told_with_what_mends_it(detail: str, remedy: str) -> None:
    away = {"clamd": Dependency(ok=False, detail=detail, needed=False)}
    found = _instance(Instance(name="attachments", id="1", version="1", process="1", metrics_url=None, dependencies=away))
    assert (found.ok, found.detail) == (False, f"clamd: {detail}")
    assert remedy in found.remedy
