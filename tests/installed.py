"""Programs that tests need and a machine may lack."""

import os
import shutil

import pytest


def installed(name: str, how: str, found: str | None = None) -> str:
    """Where it is. In CI it is there; elsewhere what needs it is skipped without it."""
    place = found or shutil.which(name)
    if place is None:
        assert not os.environ.get("CI"), f"{name} is missing: .ci/run installs it"
        pytest.skip(f"{name} is not installed: {how}")
    return place
