"""Between a row of `attachments` and a Stored, and what is said of its changes."""

import asyncpg
from pydantic_core import from_json

from services.attachments.domain import HiddenFrom, Stored, changed
from shared.contracts.attachments.attachments import Change, OwnAttachmentChanged, ScanStatus, Unreadable
from shared.contracts.principal import Role
from shared.outbox.outbox import Emission, emission

COLUMNS = """id, workspace_id, thread_id, message_id, hidden_from, claimed_at, posted_at, filename, mime_type, size_bytes, sha256,
    storage_key, uploaded_by_id, uploaded_by_role, uploaded_by_name, voice, scan_status, scan_result, width, height, duration, waveform,
    unreadable, preview_widths, version, created_at, deleted_at"""


def columns(table: str) -> str:
    """The same, of one of several tables."""
    return ", ".join(f"{table}.{column.strip()}" for column in COLUMNS.split(","))


def stored_of(row: asyncpg.Record) -> Stored:
    return Stored(
        id=row["id"],
        workspace_id=row["workspace_id"],
        thread_id=row["thread_id"],
        message_id=row["message_id"],
        hidden_from=HiddenFrom(row["hidden_from"]),
        claimed_at=row["claimed_at"],
        posted_at=row["posted_at"],
        filename=row["filename"],
        mime_type=row["mime_type"],
        size=row["size_bytes"],
        sha256=row["sha256"],
        storage_key=row["storage_key"],
        uploaded_by_id=row["uploaded_by_id"],
        uploaded_by_role=Role(row["uploaded_by_role"]),
        uploaded_by_name=row["uploaded_by_name"],
        voice=row["voice"],
        scan_status=ScanStatus(row["scan_status"]),
        scan_result=row["scan_result"],
        width=row["width"],
        height=row["height"],
        duration=row["duration"],
        waveform=from_json(row["waveform"]) if row["waveform"] is not None else None,
        unreadable=Unreadable(row["unreadable"]) if row["unreadable"] is not None else None,
        preview_widths=row["preview_widths"],
        version=row["version"],
        created_at=row["created_at"],
        deleted_at=row["deleted_at"],
    )


def said_of(file: Stored, change: Change) -> Emission:
    """The event of a change, keyed by the thread; while the file is its uploader's alone, by them."""
    event = changed(file, change)
    return emission(event, file.workspace_id, file.uploaded_by_id if isinstance(event, OwnAttachmentChanged) else file.thread_id)
