"""Which version of its schema a service is made for: without Alembic, which takes longer to import than a service to start."""

from pathlib import Path

SERVICES = Path(__file__).parents[2] / "services"


def wanted_version(service: str) -> str:
    """The newest migration: they are numbered, and none branches off."""
    return max(path.name for path in (SERVICES / service / "migrations" / "versions").glob("[0-9]*.py")).partition("_")[0]
