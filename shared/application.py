"""What a service's `main.py` builds: something that starts, says how it is, and stops."""

from typing import Protocol

from shared.contracts.model import Model


class Dependency(Model):
    """How something that a process needs is: `needed` where the process is not ready without it.

    notice: what operators are told though all is well.
    """

    ok: bool
    detail: str | None = None
    needed: bool = True
    notice: str | None = None


class Application(Protocol):
    """One service. It runs alone in a process or beside others."""

    name: str

    async def start(self) -> None:
        """Connect, check and serve. Raises `CannotStart` with one line for people."""

    async def stop(self) -> None:
        """Take nothing new, answer what was taken, close."""

    async def health(self) -> dict[str, Dependency]:
        """Its dependencies by name, asked now, each within a second."""


class CannotStart(Exception):
    """What is wrong and how to mend it, in one line."""
