"""The tables of the schema `projects`."""

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.database.tables import history_table, idempotency_table
from shared.outbox.tables import outbox_tables

metadata = MetaData(schema="projects")
_MOMENT = TIMESTAMP(timezone=True)
_HERE = text("deleted_at IS NULL")


def _moment(name: str) -> Column[object]:
    return Column(name, _MOMENT, nullable=False, server_default=func.now())


def _version() -> Column[int]:
    return Column("version", Integer, nullable=False, server_default=text("1"))


projects = Table(
    "projects",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("name", String(255), nullable=False),
    Column("description", Text),
    Column("thread_id", Uuid, nullable=False),
    Column("created_by", Uuid, nullable=False),
    _moment("created_at"),
    _moment("updated_at"),
    _version(),
    Column("archived_at", _MOMENT),
    Column("deleted_at", _MOMENT),
    Index("projects_created_by", "created_by"),
)

project_members = Table(
    "project_members",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("project_id", Uuid, ForeignKey("projects.projects.id"), nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("role", String(32), nullable=False),
    Column("name", String(255), nullable=False),
    Column("workspace_role", String(32), nullable=False),
    _moment("joined_at"),
    _moment("updated_at"),
    _version(),
    Column("deleted_at", _MOMENT),
    UniqueConstraint("project_id", "user_id", name="project_members_once"),
    Index("project_members_in_order", "project_id", "joined_at", "id", postgresql_where=_HERE),
    Index("project_members_by_user", "user_id", "project_id", postgresql_where=_HERE),
    Index("project_members_owners", "project_id", postgresql_where=text("role = 'OWNER' AND deleted_at IS NULL")),
)

heads = Table(
    "heads",
    metadata,
    Column("project_id", Uuid, ForeignKey("projects.projects.id"), primary_key=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("last_number", Integer, nullable=False, server_default=text("0")),
)

task_columns = Table(
    "task_columns",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("project_id", Uuid, ForeignKey("projects.projects.id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("status", String(32), nullable=False),
    Column("position", Integer, nullable=False),
    _moment("created_at"),
    _moment("updated_at"),
    _version(),
    Column("deleted_at", _MOMENT),
    Index("task_columns_in_order", "project_id", "position"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("project_id", Uuid, ForeignKey("projects.projects.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("column_id", Uuid, ForeignKey("projects.task_columns.id"), nullable=False),
    Column("title", String(255), nullable=False),
    Column("description", Text),
    Column("status", String(32), nullable=False),
    Column("assignee_id", Uuid),
    Column("due_date", Date),
    Column("priority", String(32)),
    Column("position", BigInteger, nullable=False),
    Column("created_by", Uuid, nullable=False),
    _moment("created_at"),
    _moment("updated_at"),
    _version(),
    Column("deleted_at", _MOMENT),
    UniqueConstraint("project_id", "number", name="tasks_number"),
    Index("tasks_in_order", "project_id", "column_id", "position", postgresql_where=_HERE),
    Index("tasks_assignee", "assignee_id", postgresql_where=text("assignee_id IS NOT NULL")),
)

files = Table(
    "files",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("project_id", Uuid, ForeignKey("projects.projects.id"), nullable=False),
    Column("path", String(512, collation="C"), nullable=False),
    Column("name", String(255), nullable=False),
    Column("type", String(32), nullable=False),
    Column("language", String(32)),
    Column("content", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("created_by", Uuid, nullable=False),
    Column("updated_by", Uuid, nullable=False),
    _moment("created_at"),
    _moment("updated_at"),
    _version(),
    Column("deleted_at", _MOMENT),
    UniqueConstraint("project_id", "path", "deleted_at", name="files_path", postgresql_nulls_not_distinct=True, deferrable=True),
    Index("files_in_order", "project_id", "path", postgresql_where=_HERE),
)

pages = Table(
    "pages",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("project_id", Uuid, ForeignKey("projects.projects.id"), nullable=False),
    Column("name", String(255), nullable=False),
    Column("route", String(255, collation="C"), nullable=False),
    Column("structure", JSONB, nullable=False),
    Column("linked_file_id", Uuid, ForeignKey("projects.files.id")),
    Column("created_by", Uuid, nullable=False),
    Column("updated_by", Uuid, nullable=False),
    _moment("created_at"),
    _moment("updated_at"),
    _version(),
    Column("deleted_at", _MOMENT),
    UniqueConstraint("project_id", "route", "deleted_at", name="pages_route", postgresql_nulls_not_distinct=True),
    Index("pages_in_order", "project_id", "route", postgresql_where=_HERE),
    Index("pages_linked_file", "linked_file_id", postgresql_where=text("linked_file_id IS NOT NULL")),
)

projects_history = history_table(projects)
Index("projects_history_of", projects_history.c.id, projects_history.c.history_id)
project_members_history = history_table(project_members)
Index("project_members_history_of", project_members_history.c.project_id, project_members_history.c.history_id)
task_columns_history = history_table(task_columns)
Index("task_columns_history_of", task_columns_history.c.project_id, task_columns_history.c.history_id)
tasks_history = history_table(tasks)
Index("tasks_history_of", tasks_history.c.project_id, tasks_history.c.history_id)
files_history = history_table(files)
files_history.c.content.nullable = True  # one that stayed is that of the next version
Index("files_history_of", files_history.c.project_id, files_history.c.history_id)
Index("files_history_versions", files_history.c.id, files_history.c.version)
pages_history = history_table(pages)
Index("pages_history_of", pages_history.c.project_id, pages_history.c.history_id)

outbox, inbox, parked = outbox_tables(metadata, "projects")
idempotency_keys = idempotency_table(metadata, "projects")
