"""What a group of posts is decided by, read under its threads' locks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.messages.domain import Draft, Head, HiddenFrom, Key, Replied, Sight, UsedKey
from services.messages.files import TAKEN
from shared.contracts.refusals import Refusal
from shared.database.connections import Connection
from shared.identifiers import time_of

_LOCK_HEADS = """
    SELECT thread_id, last_seq, last_sub_seq, last_at, clock_timestamp() AS now
    FROM heads WHERE thread_id = ANY($1::uuid[]) ORDER BY thread_id FOR UPDATE"""

# LATERAL with LIMIT: one index look-up for each, whatever the planner believes of a table that was empty when it last looked.
# An Idempotency-Key has its workspace where a clientMessageId has its thread.
_USED_KEYS = """
    SELECT wanted.*, used.digest, used.message_id FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS wanted (thread_id, author_id, key)
    CROSS JOIN LATERAL (
        SELECT digest, message_id FROM message_keys k
        WHERE k.thread_id = wanted.thread_id AND k.author_id = wanted.author_id AND k.key = wanted.key LIMIT 1) used"""

_REPLIED = """
    SELECT replied.* FROM unnest($1::uuid[], $2::timestamptz[]) AS wanted (id, created_at)
    CROSS JOIN LATERAL (
        SELECT m.id, m.thread_id, coalesce(m.root_id, m.id) AS root_id, m.hidden_from, m.created_at AS at,
            m.deleted_at IS NOT NULL AS deleted
        FROM messages m
        WHERE m.id = wanted.id AND m.created_at = wanted.created_at LIMIT 1) replied"""


@dataclass(frozen=True, slots=True)
class Posting:
    """A draft, and what its author sees of the thread. refused: why it cannot have its files, unless it was posted before."""

    draft: Draft
    sight: Sight
    refused: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """What a group's drafts are decided by: heads are locked, keys and replied-to messages read after that."""

    heads: dict[UUID, Head]
    now: datetime
    keys: dict[Key, UsedKey]
    replied: dict[UUID, Replied]


async def read(connection: Connection, threads: list[UUID], postings: Sequence[Posting]) -> Group | None:
    """None where a thread has no head yet."""
    rows = await connection.fetch(_LOCK_HEADS, threads)
    if len(rows) < len(threads):
        return None
    keys = [key for posting in postings for key in keys_of(posting.draft)]
    drafts = [posting.draft for posting in postings]
    named = [named for draft in drafts for named in (draft.reply_to, draft.robot_response_to) if named]
    replied = {message_id: time for message_id in named if (time := time_of(message_id))}
    return Group(
        heads={row["thread_id"]: _head(row) for row in rows},
        now=rows[0]["now"],
        keys=await _used_keys(connection, keys) if keys else {},
        replied=await _replied(connection, replied) if replied else {},
    )


def keys_of(draft: Draft) -> Mapping[Key, bytes]:
    """What a draft leaves behind: what a retry is known by, and that its files are taken."""
    return draft.keys | dict.fromkeys(_of_files(draft), b"") if draft.files.attachments else draft.keys


def taken(group: Group, draft: Draft) -> set[UUID]:
    """Those of a draft's files that are in a message already."""
    return {key.scope for key in _of_files(draft) if key in group.keys}


def _of_files(draft: Draft) -> list[Key]:
    """The scope of each is the file."""
    return [Key(attachment.id, draft.author_id, TAKEN) for attachment in draft.files.attachments]


def _head(row: asyncpg.Record) -> Head:
    return Head(row["thread_id"], row["last_seq"], row["last_sub_seq"], row["last_at"])


async def _used_keys(connection: Connection, keys: list[Key]) -> dict[Key, UsedKey]:
    scopes, authors, names = zip(*keys, strict=True)
    rows = await connection.fetch(_USED_KEYS, scopes, authors, names)
    return {Key(row["thread_id"], row["author_id"], row["key"]): UsedKey(row["digest"], row["message_id"]) for row in rows}


async def _replied(connection: Connection, replied: dict[UUID, datetime]) -> dict[UUID, Replied]:
    rows = await connection.fetch(_REPLIED, list(replied), list(replied.values()))
    return {row["id"]: Replied(row["thread_id"], row["root_id"], HiddenFrom(row["hidden_from"]), row["at"], row["deleted"]) for row in rows}
