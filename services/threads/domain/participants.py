"""Who takes part in a thread, and how a list of them comes about."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import FieldError, RequestIsInvalid
from shared.contracts.threads.participants import NewParticipant, ParticipantRole, ThreadNeedsAModerator, contact_key
from shared.contracts.threads.threads import Kind, OpenThread


@dataclass(frozen=True, slots=True)
class Entry:
    """What is said of somebody who takes part."""

    role: Role
    participant_role: ParticipantRole
    name: str | None
    contact: str | None
    user_id: UUID | None

    @property
    def key(self) -> str | None:
        return contact_key(self.contact)


@dataclass(frozen=True, slots=True)
class Seat:
    """A participant as it is stored. A user who left keeps the seat, and takes it again when they are added again."""

    id: UUID
    entry: Entry
    left: bool
    version: int


@dataclass(frozen=True, slots=True)
class Seating:
    """How a list of participants comes about: those who go, those who stay with other words, come back, and come; `count` in the end."""

    removed: list[Seat]
    changed: list[tuple[Seat, Entry]]
    returned: list[tuple[Seat, Entry]]
    added: list[Entry]
    count: int


def opening(request: OpenThread, caller: Principal) -> list[Entry]:
    """Who takes part in a new thread: its creator first, sent or not, then those who were sent. Raises `RequestIsInvalid`."""
    others = _entries(request.participants)
    own = _own(others, caller)
    if own is not None:
        others.remove(own)
    if request.kind is Kind.DIRECT and not others:
        raise RequestIsInvalid(errors=[FieldError(field="participants", code="own", detail="A direct thread is with somebody else.")])
    contact = (own and own.contact) or caller.contact
    creator = Entry(
        role=Role.AGENT if caller.role is Role.ADMIN else caller.role,
        participant_role=ParticipantRole.MODERATOR,
        name=(own and own.name) or caller.name,
        contact=None if contact_key(contact) in {one.key for one in others} else contact,
        user_id=caller.user_id,
    )
    refuse_more_than(request.max_participants, 1 + len(others), "participants")
    return [creator, *others]


def direct_key(entries: Sequence[Entry]) -> str:
    """What a pair has one direct thread by, whoever of them asks."""
    return ":".join(sorted(str(one.user_id) for one in entries))


def refuse_strangers(named: Sequence[tuple[str, UUID | None]], members: Container[UUID]) -> None:
    """Raises `RequestIsInvalid` where a field names an account that is no member of the workspace."""
    strangers = [field for field, user_id in named if user_id is not None and user_id not in members]
    if strangers:
        detail = "No member of this workspace has this id."
        raise RequestIsInvalid(errors=[FieldError(field=field, code="not_a_member", detail=detail) for field in strangers])


def refuse_twins(sent: Sequence[NewParticipant], contacts: Mapping[UUID, str | None]) -> None:
    """Raises `RequestIsInvalid` where somebody is in a list by their account, and again by the contact that is verified to be theirs."""
    theirs = {contact_key(contacts.get(one.user_id)) for one in sent if one.user_id is not None} - {None}
    twins = [place for place, one in enumerate(sent) if one.user_id is None and contact_key(one.contact) in theirs]
    if twins:
        raise RequestIsInvalid(errors=[_duplicate(place, "contact") for place in twins])


def seating(seats: Sequence[Seat], sent: Sequence[NewParticipant], creator_id: UUID) -> Seating:
    """Replace a thread's participants; the creator stays, sent or not. Raises `RequestIsInvalid`, `ThreadNeedsAModerator`."""
    entries = _entries(sent)
    matched = _matched(seats, entries)
    result = Seating([], [], [], [one for place, one in enumerate(entries) if place not in matched.values()], 0)
    for seat in seats:
        place = matched.get(seat.id)
        if place is None:
            _leave(seat, entries, creator_id, result)
        elif seat.left:
            result.returned.append((seat, entries[place]))
        elif (kept := _kept(seat, entries[place], creator_id)) != seat.entry:
            result.changed.append((seat, kept))
    _refuse_unmoderated(seats, result)
    sat = sum(not seat.left for seat in seats)
    return replace(result, count=sat - len(result.removed) + len(result.returned) + len(result.added))


def _refuse_unmoderated(seats: Sequence[Seat], seating: Seating) -> None:
    """As for one who goes alone: the last moderator stays while anybody with an account does."""
    gone, words = {seat.id for seat in seating.removed}, {seat.id: entry for seat, entry in (*seating.changed, *seating.returned)}
    here = [words.get(seat.id, seat.entry) for seat in seats if seat.id not in gone and (seat.id in words or not seat.left)] + seating.added
    let_go = any(seat.entry.participant_role is ParticipantRole.MODERATOR for seat in seating.removed)
    if let_go and any(one.user_id for one in here) and not any(one.participant_role is ParticipantRole.MODERATOR for one in here):
        raise ThreadNeedsAModerator


def refuse_more_than(most: int, count: int, field: str) -> None:
    if count > most:
        raise RequestIsInvalid(errors=[FieldError(field=field, code="too_many", detail=f"{count} would take part; {most} may.")])


def _entries(sent: Sequence[NewParticipant]) -> list[Entry]:
    """Raises `RequestIsInvalid` where somebody is in the list twice."""
    errors, seen = [], set[UUID | str]()
    for place, one in enumerate(sent):
        for name, value in (("userId", one.user_id), ("contact", contact_key(one.contact))):
            if value is not None and value in seen:
                errors.append(_duplicate(place, name))
            elif value is not None:
                seen.add(value)
    if errors:
        raise RequestIsInvalid(errors=errors)
    return [_entry(one) for one in sent]


def _duplicate(place: int, name: str) -> FieldError:
    return FieldError(field=f"participants.{place}.{name}", code="duplicate", detail="Is in the list twice.")


def _entry(sent: NewParticipant) -> Entry:
    participant_role = ParticipantRole.GUEST if sent.role is Role.GUEST else ParticipantRole.MEMBER
    return Entry(sent.role, participant_role, sent.name, sent.contact, sent.user_id)


def _own(others: Sequence[Entry], caller: Principal) -> Entry | None:
    own = contact_key(caller.contact)
    by_user = (one for one in others if one.user_id == caller.user_id)
    by_contact = (one for one in others if own and one.user_id is None and one.key == own)
    return next(by_user, None) or next(by_contact, None)


def _matched(seats: Sequence[Seat], entries: Sequence[Entry]) -> dict[UUID, int]:
    """Whose seat each entry takes: by userId, then by contact, then, for those who have neither, by role and name."""
    matched: dict[UUID, int] = {}
    by_user = {seat.entry.user_id: seat for seat in seats if seat.entry.user_id}
    for place, one in enumerate(entries):
        if one.user_id and one.user_id in by_user:
            matched[by_user[one.user_id].id] = place
    by_contact = {seat.entry.key: seat for seat in seats if seat.entry.key and not seat.left}
    for place, one in enumerate(entries):
        if one.user_id and one.user_id in by_user:
            continue
        seat = by_contact.get(one.key) if one.key else _namesake(seats, one, matched)
        if seat and seat.id not in matched and not (one.user_id and seat.entry.user_id):
            matched[seat.id] = place
    return matched


def _namesake(seats: Sequence[Seat], one: Entry, taken: Container[UUID]) -> Seat | None:
    if one.user_id:
        return None
    free = (seat for seat in seats if not seat.left and seat.id not in taken and not seat.entry.user_id and not seat.entry.key)
    return next((seat for seat in free if (seat.entry.role, seat.entry.name) == (one.role, one.name)), None)


def _kept(seat: Seat, sent: Entry, creator_id: UUID) -> Entry:
    """The seat's state with the words that were sent; the creator's role is what they opened it as, and no one loses their account."""
    return Entry(
        role=seat.entry.role if seat.entry.user_id == creator_id else sent.role,
        participant_role=seat.entry.participant_role,
        name=sent.name or seat.entry.name,
        contact=sent.contact,
        user_id=sent.user_id or seat.entry.user_id,
    )


def _leave(seat: Seat, entries: Sequence[Entry], creator_id: UUID, result: Seating) -> None:
    """A seat that nobody in the list takes: its participant goes, or is the creator, whose contact another may have taken."""
    if seat.left:
        return
    if seat.entry.user_id != creator_id:
        result.removed.append(seat)
    elif seat.entry.key and seat.entry.key in {one.key for one in entries}:
        result.changed.append((seat, replace(seat.entry, contact=None)))
