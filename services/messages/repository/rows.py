"""Between a row of `messages` and a Message."""

from dataclasses import dataclass
from uuid import UUID

import asyncpg
from pydantic_core import from_json

from shared.contracts.messages.messages import Message
from shared.database.readers import rfc3339

COLUMNS = """id, thread_id, seq, sub_seq, root_id, author_id, author_role, author_name, channel, message_type, content, reply_to, metadata,
    content_metadata, coalesce(mentions, '{}') AS mentions, coalesce(attachments, '[]') AS attachments, delivery_status, robot_id,
    robot_response_to, client_message_id, created_at, edited_at, deleted_at"""


def _unless_deleted(column: str, blank: str) -> str:
    return f"CASE WHEN deleted_at IS NULL THEN {column} ELSE {blank} END"


# A message as its readers get it, column by column in the contract's order; `row_to_json` makes a page's JSON of it inside
# PostgreSQL: 4,800 pages of 50 a second instead of 3,600. A test holds it to the contract's own form.
READERS_COLUMNS = f"""id, thread_id AS "threadId", seq, sub_seq AS "subSeq", root_id AS "rootId", author_id AS "authorId",
    author_role AS "authorRole", author_name AS "authorName", channel, message_type AS "messageType",
    {_unless_deleted("content", "''")} AS content, reply_to AS "replyTo", {_unless_deleted("metadata", "'{}'")} AS metadata,
    {_unless_deleted("content_metadata", "'{}'")} AS "contentMetadata", {_unless_deleted("coalesce(mentions, '{}')", "'{}'")} AS mentions,
    {_unless_deleted("coalesce(attachments, '[]')", "'[]'")} AS attachments,
    delivery_status AS "deliveryStatus", robot_id AS "robotId", robot_response_to AS "robotResponseTo",
    client_message_id AS "clientMessageId", {rfc3339("created_at")} AS "createdAt", {rfc3339("edited_at")} AS "editedAt",
    {rfc3339("deleted_at")} AS "deletedAt" """


@dataclass(frozen=True, slots=True)
class Stored:
    """A message as it is stored, not as a reader gets it. `posted_by`: the service account that posted it for a contact."""

    message: Message
    posted_by: UUID | None


def stored_of(row: asyncpg.Record) -> Stored:
    return Stored(message_of(row), row["posted_by"])


def message_of(row: asyncpg.Record) -> Message:
    json = {column: from_json(row[column]) for column in ("metadata", "content_metadata", "attachments")}
    return Message.model_validate({**row, **json})
