"""Threads as people see them: their fields, their activity and the first of those who take part."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic_core import from_json

from shared.contracts.principal import Role
from shared.contracts.threads.access import State
from shared.contracts.threads.participants import Participant, ParticipantRole, ParticipantStatus
from shared.contracts.threads.threads import SHOWN_PARTICIPANTS, Kind, LastMessage, Status, Thread, ThreadFacts
from shared.database.connections import Connection
from shared.database.readers import rfc3339

COLUMNS = """t.id, t.kind, t.booking_id, t.ref, t.title, t.client_name, t.status, t.state, t.description, t.issue_id, t.issue_description,
    t.is_private, t.guest_access_allowed, t.max_participants, t.creator_id, t.parent_thread_id, t.project_id,
    t.escalation_level, t.settings,
    t.created_at, a.at AS updated_at, a.participant_count, a.revision, a.last_seq, a.last_message_id, a.last_message_author,
    a.last_message_preview, a.last_message_at"""
PARTICIPANT = """p.id, p.user_id, p.role, p.participant_role, p.name, p.contact, p.status, p.can_send_messages, p.can_invite_others,
    p.can_see_history, p.joined_at, p.last_read_at"""

# The same as readers get it, column by column in the contract's order; a test holds it to the contract's own form.
READERS_PARTICIPANT = f"""p.id, p.user_id AS "userId", p.role, p.participant_role AS "participantRole", p.name, p.contact, p.status,
    p.can_send_messages AS "canSendMessages", p.can_invite_others AS "canInviteOthers", p.can_see_history AS "canSeeHistory",
    {rfc3339("p.joined_at")} AS "joinedAt", {rfc3339("p.last_read_at")} AS "lastReadAt" """

_FIRST = f"""FROM participants p WHERE p.thread_id = {{}} AND p.left_at IS NULL
    ORDER BY p.joined_at, p.id LIMIT {SHOWN_PARTICIPANTS}"""

_READERS_THREAD = f"""t.id, t.kind, t.booking_id AS "bookingId", t.ref, t.title, t.client_name AS "clientName", t.status, t.state,
    t.state = 'archived' AS archived, t.description, t.issue_id AS "issueId", t.issue_description AS "issueDescription",
    t.is_private AS "isPrivate", t.guest_access_allowed AS "guestAccessAllowed", t.max_participants AS "maxParticipants",
    t.creator_id AS "creatorId", t.parent_thread_id AS "parentThreadId", t.project_id AS "projectId",
    t.escalation_level AS "escalationLevel", t.settings,
    {rfc3339("t.created_at")} AS "createdAt", {rfc3339("a.at")} AS "updatedAt",
    array_to_json(ARRAY(SELECT row_to_json(person) FROM (
        SELECT {READERS_PARTICIPANT} {_FIRST.format("shown.thread_id")}) AS person)) AS participants,
    a.participant_count AS "participantCount",
    (SELECT row_to_json(last) FROM (
        SELECT a.last_message_id AS id, a.last_seq AS seq, a.last_message_author AS "authorName", a.last_message_preview AS preview,
            {rfc3339("a.last_message_at")} AS "createdAt") AS last
        WHERE a.last_message_at >= coalesce(shown.seen_from, '-infinity')) AS "lastMessage",
    a.last_seq AS "lastSeq" """

# LATERAL with LIMIT: one look-up for each, where the planner takes the workspace for a small one and would rather read all of it.
_READERS_THREADS = f"""
    SELECT shown.thread_id, row_to_json(written)::text AS json FROM unnest($1::uuid[], $2::timestamptz[]) AS shown (thread_id, seen_from)
    CROSS JOIN LATERAL (SELECT * FROM threads WHERE id = shown.thread_id LIMIT 1) AS t
    CROSS JOIN LATERAL (SELECT * FROM activity WHERE thread_id = t.id LIMIT 1) AS a
    CROSS JOIN LATERAL (SELECT {_READERS_THREAD}) AS written"""

_GET = f"SELECT {COLUMNS} FROM threads t JOIN activity a ON a.thread_id = t.id WHERE t.id = $1"

_PARTICIPANTS = f"SELECT {PARTICIPANT} {_FIRST.format('$1')}"


async def thread(connection: Connection, thread_id: UUID) -> Thread:
    """A thread that is there."""
    _, found = await thread_at(connection, thread_id)
    return found


async def thread_at(connection: Connection, thread_id: UUID) -> tuple[int, Thread]:
    """A thread that is there, and its revision. That is read first: the view is never older than it."""
    row = await connection.fetchrow(_GET, thread_id)
    assert row is not None, "whoever asks has seen that it is there"
    people = await connection.fetch(_PARTICIPANTS, thread_id)
    return row["revision"], Thread.model_construct(
        **_facts(row),
        participants=[participant_of(one) for one in people],
        participant_count=row["participant_count"],
        last_message=_last_message(row),
        last_seq=row["last_seq"],
        unread_count=None,
        mention_count=None,
    )


async def readers_threads(connection: Connection, seen_from: Mapping[UUID, datetime | None]) -> dict[UUID, str]:
    """Threads as one reader gets them, as JSON that PostgreSQL writes; what they have not read is not in it.

    seen_from: by thread, the moment before which everything is hidden from them.
    """
    rows = await connection.fetch(_READERS_THREADS, list(seen_from), list(seen_from.values()))
    return {row["thread_id"]: row["json"] for row in rows}


def facts_of(row: asyncpg.Record) -> ThreadFacts:
    return ThreadFacts.model_construct(**_facts(row))


def participant_of(row: asyncpg.Record) -> Participant:
    return Participant.model_construct(
        id=row["id"],
        user_id=row["user_id"],
        role=Role(row["role"]),
        participant_role=ParticipantRole(row["participant_role"]),
        name=row["name"],
        contact=row["contact"],
        status=ParticipantStatus(row["status"]),
        can_send_messages=row["can_send_messages"],
        can_invite_others=row["can_invite_others"],
        can_see_history=row["can_see_history"],
        joined_at=row["joined_at"],
        last_read_at=row["last_read_at"],
    )


def _facts(row: asyncpg.Record) -> dict[str, Any]:
    facts = {name: row[name] for name in ThreadFacts.model_fields if name != "archived"}
    state = State(row["state"])
    return facts | {
        "kind": Kind(row["kind"]),
        "status": Status(row["status"]),
        "state": state,
        "archived": state is State.ARCHIVED,
        "settings": from_json(row["settings"]),
    }


def _last_message(row: asyncpg.Record) -> LastMessage | None:
    if row["last_message_id"] is None:
        return None
    return LastMessage.model_construct(
        id=row["last_message_id"],
        seq=row["last_seq"],
        author_name=row["last_message_author"],
        preview=row["last_message_preview"],
        created_at=row["last_message_at"],
    )
