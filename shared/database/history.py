"""What a row was before each change, and who changed it (spec 2, Audit Tables).

A transaction says who by `app.actor`, and why by `app.reason` where the request gave one: `Database.workspace(…, actor=…, reason=…)`.
"""

from collections.abc import Collection, Sequence
from typing import Any

import asyncpg
from pydantic.alias_generators import to_camel
from pydantic_core import from_json

from shared.credentials import background_role, database_role

SYSTEM_ACTOR = "00000000-0000-0000-0000-000000000000"
"""Whoever changes something without being asked by anybody: the service itself, or its operator."""

_OF_EVERY_HISTORY = {"history_id", "changed_at", "operation_type", "changed_by", "reason", "workspace_id"}


def history_of(service: str, table: str, *, without: Sequence[str] = ()) -> str:
    """SQL that makes `<table>_history` and the trigger that fills it. A change without an actor fails.

    without: columns whose change alone is none, as counters and activity times.
    A migration that adds a column to the table adds it, at the end, to the history. One whose rows belong to workspaces needs its own
    row-level security: `workspace_table(service, "<table>_history", grants="SELECT")`.
    """
    same = "ARRAY[" + ", ".join(f"'{column}'" for column in (*without, "updated_at", "version")) + "]::text[]"
    return f"""
        CREATE TABLE {service}.{table}_history (
            history_id uuid PRIMARY KEY DEFAULT uuidv7(),
            changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            operation_type text NOT NULL,
            changed_by uuid NOT NULL,
            reason text,
            LIKE {service}.{table}
        );
        {_logging_function(service, table, "changes", "a change of", "OLD.*")}
        CREATE TRIGGER log_{table}_changes_trigger AFTER DELETE ON {service}.{table}
            FOR EACH ROW EXECUTE FUNCTION {service}.log_{table}_changes();
        CREATE TRIGGER log_{table}_updates_trigger AFTER UPDATE ON {service}.{table}
            FOR EACH ROW WHEN (to_jsonb(OLD) - {same} IS DISTINCT FROM to_jsonb(NEW) - {same})
            EXECUTE FUNCTION {service}.log_{table}_changes();
        GRANT SELECT ON {service}.{table}_history TO {database_role(service)}, {background_role(service)};
    """


def additions_of(service: str, table: str) -> str:
    """SQL that lets a table's history say who put a row there, and why: the row as it came, by INSERT. It has `history_of` already.

    For rows that one person adds to what is another's. A statement that adds a thousand rows takes one more.
    """
    return f"""
        {_logging_function(service, table, "additions", "an addition to", "added.* FROM added")}
        CREATE TRIGGER log_{table}_additions_trigger AFTER INSERT ON {service}.{table}
            REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION {service}.log_{table}_additions();
    """


def _logging_function(service: str, table: str, kind: str, of: str, rows: str) -> str:
    """A trigger's function: what it is given goes into the history, with who and why."""
    return f"""
        CREATE FUNCTION {service}.log_{table}_{kind}() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = {service}, pg_temp AS $body$
        DECLARE actor uuid := nullif(current_setting('app.actor', true), '')::uuid;
        BEGIN
            IF actor IS NULL THEN
                RAISE EXCEPTION '{of} {service}.{table} names nobody: app.actor is not set';
            END IF;
            INSERT INTO {service}.{table}_history
                SELECT uuidv7(), clock_timestamp(), TG_OP, actor, nullif(current_setting('app.reason', true), ''), {rows};
            RETURN NULL;
        END
        $body$;
        REVOKE ALL ON FUNCTION {service}.log_{table}_{kind}() FROM PUBLIC;"""


def change_of(row: asyncpg.Record, *, hidden: Collection[str] = ()) -> dict[str, Any]:
    """A change as views show it, by their fields' names. The row has `target_id`, and the history's row as JSON in `before`.

    hidden: columns that are nobody's but the service's.
    """
    before: dict[str, Any] = {} if row["operation_type"] == "INSERT" else from_json(row["before"])
    return {
        "id": row["history_id"],
        "target_id": row["target_id"],
        "operation": row["operation_type"],
        "changed_at": row["changed_at"],
        "changed_by": row["changed_by"],
        "reason": row["reason"],
        "before": {to_camel(name): value for name, value in before.items() if name not in _OF_EVERY_HISTORY and name not in hidden},
    }
