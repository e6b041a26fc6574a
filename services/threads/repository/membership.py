"""One participant at a time: found, listed, invited, changed, gone."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg

from services.threads.domain.access import rights
from services.threads.domain.membership import GONE, Admission, Room, admission, alteration, departure, joined_at
from services.threads.repository import seats, writing
from services.threads.repository.access import part_in
from services.threads.repository.participants import events
from services.threads.repository.views import PARTICIPANT, READERS_PARTICIPANT, facts_of, participant_of
from shared.contracts.identity.directory import Member
from shared.contracts.messages.newest import NewestMessage
from shared.contracts.model import Event
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.threads.participants import (
    AddParticipant,
    ChangeParticipant,
    ListParticipants,
    Participant,
    ParticipantAdded,
    ParticipantChanged,
    ParticipantNotFound,
    ParticipantRemoved,
    ParticipantStatus,
    RemoveParticipant,
)
from shared.database.connections import Connection, Database, committed
from shared.database.idempotency import claim
from shared.database.turns import Turns
from shared.identifiers import FIRST_ID, new_id

_ADD = f"""
    INSERT INTO participants AS p (workspace_id, thread_id, id, role, participant_role, name, contact, contact_key, user_id,
        can_send_messages, can_invite_others, can_see_history, joined_at, status)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING {PARTICIPANT}, p.version"""


_HERE_AGAIN = {"left_at": None, "deleted_at": None, "left_muted": False}


def _page(here: Literal["NULL", "NOT NULL"]) -> str:
    return f"""
        SELECT row_to_json(shown)::text AS json, p.joined_at, p.id FROM (
            SELECT * FROM participants p
            WHERE p.thread_id = $1 AND p.left_at IS {here} AND ($2::text IS NULL OR p.status = $2) AND ($3::text IS NULL OR p.role = $3)
            AND ($4::text IS NULL OR p.participant_role = $4) AND (p.joined_at, p.id) > ($5::timestamptz, $6::uuid)
            ORDER BY p.joined_at, p.id LIMIT $7
        ) p CROSS JOIN LATERAL (SELECT {READERS_PARTICIPANT}) shown ORDER BY p.joined_at, p.id"""


_HERE, _LEFT = _page("NULL"), _page("NOT NULL")


@dataclass(frozen=True, slots=True)
class Seat:
    """A participant's place in the list."""

    joined_at: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class Listed:
    """Participants as JSON, with the place of the last of them, and whether more follow."""

    json: list[str]
    last: Seat | None
    more: bool


BEGINNING = Seat(datetime.min.replace(tzinfo=UTC), FIRST_ID)  # PostgreSQL's -infinity

type _Work = Callable[[Connection, asyncpg.Record, Room], Awaitable[Participant]]


class Membership:
    def __init__(self, database: Database, on_commit: Callable[[], None], turns: Turns) -> None:
        self._database, self._on_commit, self._turns = database, on_commit, turns

    async def page(self, request: ListParticipants, after: Seat | None, workspace_id: UUID) -> Listed:
        """A page of a thread that the caller sees."""
        start = after or BEGINNING
        async with self._database.reading(workspace_id) as connection:
            rows = await connection.fetch(
                _LEFT if request.status in GONE else _HERE,
                request.thread_id,
                *(value.value if value else None for value in (request.status, request.role, request.participant_role)),
                start.joined_at,
                start.id,
                request.limit + 1,
            )
        shown = rows[: request.limit]
        last = Seat(shown[-1]["joined_at"], shown[-1]["id"]) if shown else None
        return Listed([row["json"] for row in shown], last, len(rows) > request.limit)

    async def get(self, thread_id: UUID, participant_id: UUID, caller: Principal) -> Participant:
        """The one whom the caller asks about, who sees the thread. Raises `ParticipantNotFound`."""
        async with self._database.reading(caller.workspace_id) as connection:
            found = await seats.one(connection, thread_id, participant_id, seats.own_contact(participant_id, caller))
        if found is None or found.status in GONE:
            raise ParticipantNotFound
        return found

    async def user_of(self, thread_id: UUID, participant_id: UUID, workspace_id: UUID) -> UUID | None:
        """The account of a seat, whose id may be the account's own."""
        async with self._database.reading(workspace_id) as connection:
            return await seats.user_of(connection, thread_id, participant_id)

    async def add(self, request: AddParticipant, caller: Principal, person: Member | None, newest: NewestMessage | None) -> Participant:
        """Raises what `domain.membership.admission` and `joined_at` do, `MadeBefore` and `KeyWasUsedForAnother`.

        person: the member who comes in, by their account or by their contact.
        """
        member = person if request.user_id else None

        async def work(connection: Connection, row: asyncpg.Record, room: Room) -> Participant:
            known = await seats.known(connection, request, person)
            seat_id = known.seat.id if known else new_id()
            # The moment tells one coming from another of the same participant, who may leave and come again.
            await claim(connection, request, caller, f"{seat_id} {row['now'].timestamp()}")
            admitted = admission(request, room, caller, known, member)
            columns = _columns(admitted, joined_at(row["now"], newest, sees_history=admitted.can_see_history))
            if known is None:
                seated = await _seat(connection, caller.workspace_id, request.thread_id, seat_id, columns)
            else:
                seated = await _write(connection, seat_id, row["now"], columns | _HERE_AGAIN)
            await writing.move(connection, request.thread_id, row["now"], row["participant_count"] + 1, archived=False)
            return await _told(connection, caller, room, ParticipantAdded, seated, request.thread_id, request.reason)

        return await self._alter(request.thread_id, caller, request.reason, work)

    async def change(self, request: ChangeParticipant, caller: Principal) -> Participant:
        """Raises what `domain.membership.alteration` does."""

        async def work(connection: Connection, row: asyncpg.Record, room: Room) -> Participant:
            own = seats.own_contact(request.participant_id, caller)
            found = await seats.one(connection, request.thread_id, request.participant_id, own)
            fields = alteration(request, await seats.with_others(connection, room, found), found)
            assert found is not None, "the rule refuses to change nobody"
            if not fields:
                return found
            seated = await _write(connection, found.id, row["now"], fields)
            await writing.touch(connection, request.thread_id)
            return await _told(connection, caller, room, ParticipantChanged, seated, request.thread_id, request.reason)

        return await self._alter(request.thread_id, caller, request.reason, work)

    async def remove(self, request: RemoveParticipant, caller: Principal, contact: str | None) -> Participant:
        """Raises what `domain.membership.departure` does.

        contact: that of the account which is meant; who has a seat by either has none afterwards.
        """

        async def work(connection: Connection, row: asyncpg.Record, room: Room) -> Participant:
            found = await seats.one(connection, request.thread_id, request.participant_id, contact)
            status = departure(await seats.with_others(connection, room, found), caller, found)
            assert found is not None, "the rule refuses to remove nobody"
            if status is None:
                return found
            twin = await seats.twin(connection, found, request.thread_id, contact)
            gone = [found, twin] if twin else [found]
            await writing.move(connection, request.thread_id, row["now"], row["participant_count"] - len(gone), archived=False)
            for one in gone:
                seated = await _write(connection, one.id, row["now"], _leaving(one, status, row["now"]))
                await _told(connection, caller, room, ParticipantRemoved, seated, request.thread_id, request.reason)
            return found

        return await self._alter(request.thread_id, caller, request.reason, work)

    async def _alter(self, thread_id: UUID, caller: Principal, reason: str | None, work: _Work) -> Participant:
        """Under the thread's lock, which holds how many take part."""

        async def attempt() -> Participant:
            async with self._database.workspace(caller.workspace_id, actor=caller.user_id, reason=reason) as connection:
                row = await writing.lock(connection, thread_id)
                part = await part_in(connection, thread_id, caller)
                facts = facts_of(row)
                return await work(connection, row, Room(facts, rights(caller, facts, part), part, row["participant_count"]))

        async with self._turns.of(thread_id):
            return await committed(attempt, self._on_commit)


async def _seat(connection: Connection, workspace_id: UUID, thread_id: UUID, seat_id: UUID, columns: Mapping[str, Any]) -> asyncpg.Record:
    row = await connection.fetchrow(_ADD, workspace_id, thread_id, seat_id, *columns.values())
    assert row is not None
    return row


def _columns(admitted: Admission, joined: datetime) -> dict[str, Any]:
    """In the order of `_ADD`."""
    entry = admitted.entry
    return {
        "role": entry.role.value,
        "participant_role": entry.participant_role.value,
        "name": entry.name,
        "contact": entry.contact,
        "contact_key": entry.key,
        "user_id": entry.user_id,
        "can_send_messages": admitted.can_send_messages,
        "can_invite_others": admitted.can_invite_others,
        "can_see_history": admitted.can_see_history,
        "joined_at": joined,
        "status": admitted.status.value,
    }


def _leaving(seat: Participant, status: ParticipantStatus, now: datetime) -> dict[str, Any]:
    return {"status": status, "left_at": now, "deleted_at": now, "left_muted": seat.status is ParticipantStatus.MUTED}


async def _write(connection: Connection, participant_id: UUID, now: datetime, fields: Mapping[str, Any]) -> asyncpg.Record:
    """The columns are the rules', never a request's own words."""
    columns = {**fields, "updated_at": now}
    assignments = ", ".join(f"{name} = ${place}" for place, name in enumerate(columns, start=2))
    row = await connection.fetchrow(
        f"UPDATE participants p SET {assignments}, version = version + 1 WHERE p.id = $1 RETURNING {PARTICIPANT}, p.version",
        participant_id,
        *columns.values(),
    )
    assert row is not None
    return row


async def _told(
    connection: Connection,
    caller: Principal,
    room: Room,
    event: type[ParticipantAdded] | type[ParticipantChanged] | type[ParticipantRemoved],
    row: asyncpg.Record,
    thread_id: UUID,
    reason: str | None,
) -> Participant:
    """Say what happened, and in the audit log what a supervisor did."""
    told: list[Event] = events(event, thread_id, [row])
    await writing.tell(connection, caller.workspace_id, thread_id, *told)
    participant = participant_of(row)
    if not room.may.manages and room.may.edits and participant.user_id != caller.user_id:
        details = {"did": [told[0].event_type.split(".")[1]], "participantId": str(participant.id)}
        await writing.tell_audit(connection, caller, Permission.SUPERVISOR_UPDATE, thread_id, details, reason=reason)
    return participant
