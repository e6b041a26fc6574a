"""Between a row of `messages` and a Message."""

from typing import Any

import asyncpg
from pydantic_core import from_json

from shared.contracts.messages import Channel, DeliveryStatus, Message, MessageType
from shared.contracts.principal import Role

COLUMNS = """id, thread_id, seq, sub_seq, author_id, author_role, author_name, channel, message_type, content, reply_to, metadata,
    content_metadata, delivery_status, client_message_id, created_at, edited_at, deleted_at"""


def _time(column: str) -> str:
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""


def _unless_deleted(column: str, blank: str) -> str:
    return f"CASE WHEN deleted_at IS NULL THEN {column} ELSE {blank} END"


# PostgreSQL writes a page's JSON itself: 4,800 pages of 50 a second instead of 3,600 (a test holds it to the contract's own form).
AS_JSON = f"""json_build_object('id', id, 'threadId', thread_id, 'seq', seq, 'subSeq', sub_seq, 'authorId', author_id,
    'authorRole', author_role, 'authorName', author_name, 'channel', channel, 'messageType', message_type,
    'content', {_unless_deleted("content", "''")}, 'replyTo', reply_to, 'metadata', {_unless_deleted("metadata", "'{}'")},
    'contentMetadata', {_unless_deleted("content_metadata", "'{}'")}, 'deliveryStatus', delivery_status,
    'clientMessageId', client_message_id, 'createdAt', {_time("created_at")}, 'editedAt', {_time("edited_at")},
    'deletedAt', {_time("deleted_at")})::text"""


def message_of(row: asyncpg.Record) -> Message:
    """The message as it is stored, not as a reader gets it."""
    fields: dict[str, Any] = dict(row)
    fields["author_role"] = Role(row["author_role"])
    fields["channel"] = Channel(row["channel"])
    fields["message_type"] = MessageType(row["message_type"])
    fields["delivery_status"] = DeliveryStatus(row["delivery_status"])
    fields["metadata"] = from_json(row["metadata"])
    fields["content_metadata"] = from_json(row["content_metadata"])
    fields.pop("version", None)
    return Message.model_construct(**fields)
