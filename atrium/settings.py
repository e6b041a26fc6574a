"""All settings of all processes, looked at before anything is started."""

import os
from difflib import get_close_matches
from importlib import import_module

from pydantic import ValidationError
from pydantic_settings import SettingsError

from shared.application import CannotStart
from shared.credentials import SERVICES
from shared.scanning import ScanningSettings as ScanningSettings
from shared.settings import Settings

PREFIX = "ATRIUM_"
OF_THE_TESTS = {"ATRIUM_TEST_SERVERS", "ATRIUM_TEST_NEO4J"}


def all_settings() -> list[type[Settings]]:
    """The settings of every process, and of each service that has its own."""
    for service in SERVICES:
        import_module(f"services.{service}.settings")
    known: list[type[Settings]] = [Settings]
    for each in known:
        known += each.__subclasses__()
    return known


def variables() -> dict[str, str]:
    """Every variable that a process of Atrium reads, with what it is for."""
    return {
        PREFIX + name.upper(): field.description or ""
        for settings in all_settings()
        for name, field in settings.model_fields.items()
    }  # fmt: skip


def check_settings() -> None:
    """Refuse what is wrong, before it makes a process fail over and over."""
    for settings in all_settings():
        try:
            settings()
        except (ValidationError, SettingsError) as problem:
            raise CannotStart(explain(problem)) from problem


def unknown_variables() -> list[str]:
    """A line for each ATRIUM_ variable that nothing reads: mostly a slip of the pen."""
    known = variables()
    lines = []
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known and name not in OF_THE_TESTS:
            near = get_close_matches(name.removeprefix(PREFIX), [setting.removeprefix(PREFIX) for setting in known], 1)
            lines.append(f"{name} is no setting and is ignored." + (f" Did you mean {PREFIX}{near[0]}?" if near else ""))
    return lines


def explain(problem: ValidationError | SettingsError) -> str:
    """What is wrong with the settings, in one line."""
    if isinstance(problem, SettingsError):
        return f"A setting is wrong: {problem}. Set it right, or unset it."
    return " ".join(_explain(str(error["loc"][0]), error["input"], error["msg"]) for error in problem.errors())


def _explain(field: str, value: object, wrong: str) -> str:
    name = PREFIX + field.upper()
    purpose = variables().get(name, "")
    return f"{name}={value!s} is wrong: {wrong[0].lower()}{wrong[1:]}. Set it right, or unset it. ({purpose})"
