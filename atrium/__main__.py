"""`python -m atrium`: the operator's program. One file holds one command."""

import sys
from collections.abc import Iterable
from importlib import import_module

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from atrium.settings import explain
from shared.application import CannotStart

COMMANDS = {
    "up": "atrium.up.command:up",
    "run": "atrium.run:run",
    "migrate": "atrium.migrate:migrate",
    "doctor": "atrium.doctor:doctor",
    "replay": "atrium.replay:replay",
    "events": "atrium.events:events",
    "watch": "atrium.watch:watch",
    "parked": "atrium.parked:parked",
    "users": "atrium.users:users",
    "scans": "atrium.scans:scans",
    "attachments": "atrium.attachments:attachments",
    "graph": "atrium.graph:graph",
}


def atrium() -> None:
    """Run, watch and mend Atrium.

    Start all of it on this machine: atrium up
    """


def build(names: Iterable[str]) -> typer.Typer:
    """The program with some of its commands."""
    app = typer.Typer(name="atrium", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    app.callback()(atrium)
    for name in names:
        module, _, attribute = COMMANDS[name].partition(":")
        command = getattr(import_module(module), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def main() -> None:
    """Run a command; what is wrong and can be mended is one line, and exit code 1."""
    called = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        # The one that is called alone: importing all of them takes seconds.
        build([called] if called in COMMANDS else COMMANDS)()
    except CannotStart as problem:
        sys.exit(f"atrium: {problem}")
    except (ValidationError, SettingsError) as problem:
        sys.exit(f"atrium: {explain(problem)}")


if __name__ == "__main__":
    main()
