"""The tables of docs/operations.md say what the code has: every setting with its default, every metric, every command."""

import re
from importlib import import_module
from pathlib import Path

from prometheus_client import REGISTRY
from pydantic.fields import FieldInfo
from stamina.instrumentation import get_prometheus_counter

from atrium.__main__ import COMMANDS
from atrium.settings import all_settings
from shared.credentials import SERVICES

PAGE = (Path(__file__).parents[2] / "docs/operations.md").read_text()


def rows(first_cell: str) -> list[list[str]]:
    """The cells of the table whose head begins with a word."""
    (table,) = re.findall(rf"^\| {first_cell} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]


def shown(field: FieldInfo) -> str:
    """A default as the table writes it."""
    if field.default in (None, ""):
        return "–"
    return f"`{field.default:g}`" if isinstance(field.default, float) else f"`{field.default}`"


def fields() -> dict[str, FieldInfo]:
    return {f"`ATRIUM_{name.upper()}`": field for settings in all_settings() for name, field in settings.model_fields.items()}


def metrics() -> set[str]:
    for service in SERVICES:
        import_module(f"services.{service}.main")
    get_prometheus_counter()  # it is made at the first retry
    families = [family for family in REGISTRY.collect() if not family.name.startswith(("python_", "process_"))]
    return {f"`{family.name}{'_total' if family.type == 'counter' else ''}`" for family in families}


def test_every_setting_is_in_the_table_once_and_nothing_else() -> None:
    assert sorted(row[0] for row in rows("Variable")) == sorted(fields())


def test_every_setting_has_the_default_that_the_table_says() -> None:
    assert {row[0]: row[1] for row in rows("Variable")} == {name: shown(field) for name, field in fields().items()}


def test_every_setting_is_explained_in_the_code_and_in_the_table() -> None:
    assert [name for name, field in fields().items() if not field.description] == []
    assert [row[0] for row in rows("Variable") if not row[2]] == []


def test_no_setting_has_two_defaults() -> None:
    defaults = {(name, repr(field.default)) for settings in all_settings() for name, field in settings.model_fields.items()}
    assert len(defaults) == len(fields())


def test_every_metric_is_in_the_table_and_nothing_else() -> None:
    assert sorted(row[0] for row in rows("Metric")) == sorted(metrics())


def test_every_command_is_in_the_table_and_nothing_else() -> None:
    assert {row[0].split()[1].rstrip("`") for row in rows("Command")} == set(COMMANDS)
