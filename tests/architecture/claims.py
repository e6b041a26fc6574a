"""What a row of docs/spec-map.md may claim, and how each claim is looked up: in the code, or among the facts of the database."""

import ast
import importlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import asyncpg

from services.gateway.live_routing import LIVE_ROUTES, AnyRoute
from services.gateway.routing import OWN_ROUTES, ROUTES
from shared.settings import Settings

ROOT = Path(__file__).parents[2]
CODE = ("atrium", "services", "shared")


def kind_of(claim: str) -> str | None:
    """The claim's first words, where they are a known form."""
    return next((kind for kind in (*DATABASE_KINDS, *FINDERS) if claim.startswith(f"{kind} ")), None)


def holds(claim: str) -> bool:
    """Whether what a claim says of the code is so."""
    kind = kind_of(claim)
    return kind in FINDERS and FINDERS[kind](claim.removeprefix(f"{kind} "))


@cache
def tree(path: str) -> ast.Module | None:
    file = ROOT / path
    return ast.parse(file.read_text()) if file.is_file() else None


def names_in(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    names: dict[str, ast.stmt] = {}
    for statement in body:
        match statement:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names[name] = statement
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) | ast.TypeAlias(name=ast.Name(id=name)):
                names[name] = statement
    return names


def definition(place: str) -> ast.stmt | None:
    """The statement that defines `path.py::Name.attribute`, in the class itself or in a base of the same module."""
    path, _, dotted = place.partition("::")
    name, _, attribute = dotted.partition(".")
    module = tree(path)
    found = names_in(module.body).get(name) if module else None
    if not attribute or not isinstance(found, ast.ClassDef):
        return None if attribute else found
    inherited = (definition(f"{path}::{base.id}.{attribute}") for base in found.bases if isinstance(base, ast.Name))
    return names_in(found.body).get(attribute) or next(filter(None, inherited), None)


def code_is_there(claim: str) -> bool:
    place, said, value = claim.partition(" = ")
    found = definition(place)
    if found is None or not said:
        return found is not None
    written = getattr(found, "value", None)
    return written is not None and ast.unparse(written) == ast.unparse(ast.parse(value, mode="eval"))


def fields_are_there(claim: str) -> bool:
    place, _, fields = claim.removesuffix(")").partition(" (")
    return all(definition(f"{place}.{name}") for name in fields.split(", "))


def values_are_these(claim: str) -> bool:
    place, _, values = claim.partition(" = ")
    found = definition(place)
    members = found.body if isinstance(found, ast.ClassDef) else [found]
    constants = [node for member in members if isinstance(member, ast.Assign) for node in ast.walk(member.value)]
    return [node.value for node in constants if isinstance(node, ast.Constant)] == values.split(", ")


def proof_is_there(claim: str) -> bool:
    path, _, name = claim.partition("::")
    parsed = tree(path)
    functions = [node.name for node in ast.walk(parsed) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)] if parsed else []
    return name.startswith("test_") and name in functions


def heading_is_there(claim: str) -> bool:
    path, _, anchor = claim.partition("#")
    page = ROOT / path
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE) if page.is_file() else []
    return page.is_file() and (not anchor or anchor in [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings])


@cache
def all_code() -> str:
    return "\n".join(file.read_text() for folder in CODE for file in sorted((ROOT / folder).rglob("*.py")))


@cache
def routes() -> frozenset[str]:
    """The gateway's routes as `METHOD /path/{threadId}`."""
    importlib.import_module("services.gateway.routes")  # it fills the table
    entries: list[AnyRoute] = [*ROUTES, *OWN_ROUTES, *LIVE_ROUTES]
    return frozenset(f"{entry.method} {entry.path}" for entry in entries)


@cache
def settings() -> frozenset[str]:
    """`ATRIUM_NAME` and `ATRIUM_NAME = default` of every settings class."""
    for file in [*(ROOT / "services").glob("*/settings.py"), *(ROOT / "atrium").glob("settings.py")]:
        importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
    classes = [Settings]
    for known in classes:
        classes += known.__subclasses__()
    fields = {f"ATRIUM_{name.upper()}": field.default for known in classes for name, field in known.model_fields.items()}
    return frozenset(fields) | {f"{name} = {default}" for name, default in fields.items()}


FINDERS: dict[str, Callable[[str], bool]] = {
    "route": lambda claim: claim in routes(),
    "setting": lambda claim: claim in settings(),
    "metric": lambda claim: f'"{claim}"' in all_code(),
    "code": code_is_there,
    "fields": fields_are_there,
    "values": values_are_these,
    "file": lambda claim: (ROOT / claim).is_file(),
    "doc": heading_is_there,
    "test": proof_is_there,
}
DATABASE_KINDS = ("table", "column", "primary key", "unique", "foreign key", "index", "partitioned", "row security", "role")

TABLES = """
SELECT nspname || '.' || relname AS name, relrowsecurity AS secured, pg_get_partkeydef(class.oid) AS partitioned
FROM pg_class AS class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE relkind IN ('r', 'p')
"""
COLUMNS = """
SELECT nspname || '.' || relname || '.' || attname AS name, attnotnull AS required, pg_get_expr(adbin, adrelid) AS otherwise
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
"""
CONSTRAINTS = """
SELECT nspname || '.' || relname AS name, contype::text AS kind,
       ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS key (number, place)
             JOIN pg_attribute ON attrelid = conrelid AND attnum = number ORDER BY place) AS columns
FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
"""
INDEXES = """
SELECT nspname || '.' || relname AS name, indisunique AS only_once, pg_get_expr(indpred, indrelid) AS condition,
       ARRAY(SELECT replace(pg_get_indexdef(indexrelid, place, true), '"', '')
                 || CASE WHEN indoption[place - 1] & 1 = 1 THEN ' desc' ELSE '' END
             FROM generate_series(1, indnkeyatts) AS place) AS columns
FROM pg_index JOIN pg_class ON pg_class.oid = indrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
"""


async def facts_of(database: asyncpg.Connection) -> set[str]:
    """Everything that a row may claim of the database, each fact in the words of its claim."""
    facts = {f"role {row['rolname']}" for row in await database.fetch("SELECT rolname FROM pg_roles")}
    for row in await database.fetch(TABLES):
        facts.add(f"table {row['name']}")
        facts |= {f"row security {row['name']}"} if row["secured"] else set()
        facts |= {f"partitioned {row['name']} {row['partitioned'].removeprefix('RANGE ')}"} if row["partitioned"] else set()
    for row in await database.fetch(COLUMNS):
        default = re.sub(r"::[\w. ]+|'", "", row["otherwise"] or "")
        ends = {"", " not null" if row["required"] else ""}
        facts |= {f"column {row['name']}{end}{start}" for end in ends for start in ("", f" default {default}" if default else "")}
    words = {"p": "primary key", "u": "unique", "f": "foreign key"}
    facts |= {
        f"{words[row['kind']]} {row['name']} ({', '.join(row['columns'])})"
        for row in await database.fetch(CONSTRAINTS)
        if row["kind"] in words
    }
    for row in await database.fetch(INDEXES):
        facts |= {f"index {row['name']} ({', '.join(row['columns'][:count])})" for count in range(1, len(row["columns"]) + 1)}
        if row["only_once"] and re.fullmatch(r"\(\w+ IS NOT NULL\)", row["condition"] or "(a IS NOT NULL)"):
            facts.add(f"unique {row['name']} ({', '.join(row['columns'])})")
    return facts
