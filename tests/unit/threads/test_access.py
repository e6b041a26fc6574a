"""API.md's table of roles, as far as threads go."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.threads.domain.access import Gate, Part, Rights, access, may_open, rights
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import PermissionIsMissing, Refusal
from shared.contracts.roles import built_in_grants
from shared.contracts.threads.access import Access, Right, State, ThreadIsArchived, ThreadIsClosed, ThreadIsReadOnlyForYou, ThreadNotFound
from shared.contracts.threads.participants import ParticipantRole, ParticipantStatus
from shared.contracts.threads.threads import Kind
from shared.identifiers import new_id

THREAD, SOMEBODY_ELSE = new_id(), new_id()
MEMBER = Part(ParticipantRole.MEMBER, ParticipantStatus.ACTIVE)
MODERATOR = Part(ParticipantRole.MODERATOR, ParticipantStatus.ACTIVE)
OBSERVER = Part(ParticipantRole.OBSERVER, ParticipantStatus.ACTIVE)
GUEST = Part(ParticipantRole.GUEST, ParticipantStatus.ACTIVE)
MUTED = Part(ParticipantRole.MEMBER, ParticipantStatus.MUTED)
SILENT = Part(ParticipantRole.MEMBER, ParticipantStatus.ACTIVE, can_send_messages=False)
INVITING = Part(ParticipantRole.MEMBER, ParticipantStatus.ACTIVE, can_invite_others=True)

NOTHING = Rights(sees=False)
READS = Rights(sees=True)
POSTS = Rights(sees=True, posts=True)
MODERATES = Rights(sees=True, posts=True, manages=True)
EDITS = Rights(sees=True, posts=True, invites=True, edits=True, manages=True)
MANAGES = Rights(sees=True, posts=True, invites=True, edits=True, archives=True, manages=True)
SUPERVISES = Rights(sees=True, posts=True, invites=True, edits=True, archives=True, notes=True)
SILENTLY = replace(SUPERVISES, posts=False)
EVERYTHING = replace(SUPERVISES, manages=True)


def principal(role: Role) -> Principal:
    return Principal(user_id=new_id(), session_id=new_id(), workspace_id=new_id(), role=role, name="Ada", grants=built_in_grants(role))


def thread(
    *,
    kind: Kind = Kind.SUPPORT,
    creator_id: UUID = SOMEBODY_ELSE,
    is_private: bool = False,
    guest_access_allowed: bool = True,
    state: State = State.ACTIVE,
) -> Gate:
    return Gate(kind, creator_id, is_private, guest_access_allowed, state)


@pytest.mark.parametrize(
    ("role", "outside", "member", "observer", "muted", "moderator"),
    [
        (Role.ADMIN, SUPERVISES, SUPERVISES, SILENTLY, SILENTLY, EVERYTHING),
        (Role.AGENT, SUPERVISES, SUPERVISES, SILENTLY, SILENTLY, EVERYTHING),
        (Role.PRODUCT_OWNER, POSTS, POSTS, READS, READS, MANAGES),
        (Role.CLIENT, NOTHING, POSTS, READS, READS, EDITS),
        (Role.GUEST, NOTHING, POSTS, READS, READS, MODERATES),
        (Role.SYSTEM, NOTHING, POSTS, READS, READS, MODERATES),
    ],
)
def test_what_a_role_may_do_depends_on_the_part_taken(
    role: Role, outside: Rights, member: Rights, observer: Rights, muted: Rights, moderator: Rights
) -> None:
    caller, parts = principal(role), (None, MEMBER, OBSERVER, MUTED, MODERATOR)
    assert tuple(rights(caller, thread(), part) for part in parts) == (outside, member, observer, muted, moderator)


@pytest.mark.parametrize("role", Role)
def test_a_private_thread_is_seen_by_those_who_take_part_in_it_alone(role: Role) -> None:
    private = thread(is_private=True)
    assert rights(principal(role), private, None) == NOTHING
    assert rights(principal(role), private, MEMBER).sees


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("kind", [Kind.DIRECT, Kind.ASSISTANT])
def test_direct_and_assistant_threads_are_seen_by_those_who_take_part_in_them_alone(role: Role, kind: Kind) -> None:
    assert rights(principal(role), thread(kind=kind), None) == NOTHING
    assert rights(principal(role), thread(kind=kind), MEMBER).sees


@pytest.mark.parametrize(("part", "posts", "invites"), [(MEMBER, True, False), (SILENT, False, False), (INVITING, True, True)])
def test_a_participants_flags_say_what_they_may(part: Part, posts: bool, invites: bool) -> None:
    may = rights(principal(Role.CLIENT), thread(), part)
    assert (may.posts, may.invites) == (posts, invites)
    assert not rights(principal(Role.CLIENT), thread(), part._replace(status=ParticipantStatus.MUTED)).invites


@pytest.mark.parametrize(("kind", "part", "joins"), [(Kind.GROUP, None, True), (Kind.GROUP, MEMBER, False), (Kind.SUPPORT, None, False)])
def test_who_sees_a_group_may_join_it(kind: Kind, part: Part | None, joins: bool) -> None:
    assert rights(principal(Role.PRODUCT_OWNER), thread(kind=kind), part).joins == joins
    assert not rights(principal(Role.CLIENT), thread(kind=kind), part).joins or part is not None


def test_what_was_before_they_joined_is_hidden_from_who_may_not_see_it() -> None:
    joined = datetime(2026, 1, 1, tzinfo=UTC)
    late = MEMBER._replace(can_see_history=False, joined_at=joined)
    for part, seen_from in ((MEMBER._replace(joined_at=joined), None), (late, joined)):
        given = access(principal(Role.CLIENT), THREAD, thread(), part, Right.READ)
        assert isinstance(given, Access)
        assert (given.seen_from, given.joined_at) == (seen_from, joined)


@pytest.mark.parametrize("role", Role)
def test_only_guests_are_kept_out_of_a_thread_that_allows_none(role: Role) -> None:
    assert rights(principal(role), thread(guest_access_allowed=False), GUEST).sees == (role is not Role.GUEST)


def test_a_product_owner_manages_the_threads_they_made() -> None:
    caller = principal(Role.PRODUCT_OWNER)
    assert rights(caller, thread(creator_id=caller.user_id), MEMBER) == MANAGES


def test_a_client_edits_a_thread_they_made_and_cannot_archive_it() -> None:
    caller = principal(Role.CLIENT)
    assert rights(caller, thread(creator_id=caller.user_id), MODERATOR) == EDITS


@pytest.mark.parametrize(
    ("role", "kinds"),
    [
        (Role.ADMIN, set(Kind)),
        (Role.AGENT, set(Kind)),
        (Role.PRODUCT_OWNER, {Kind.BOOKING, Kind.GROUP, Kind.DIRECT, Kind.PROJECT}),
        (Role.CLIENT, {Kind.SUPPORT, Kind.GROUP, Kind.DIRECT, Kind.PROJECT}),
        (Role.GUEST, set()),
        (Role.SYSTEM, set()),
    ],
)
def test_a_role_opens_the_kinds_of_the_table(role: Role, kinds: set[Kind]) -> None:
    assert {kind for kind in Kind if opens(role, kind)} == kinds


def opens(role: Role, kind: Kind) -> bool:
    try:
        may_open(kind, principal(role))
    except PermissionIsMissing:
        return False
    return True


@pytest.mark.parametrize(
    ("role", "part", "state", "right", "answer"),
    [
        (Role.AGENT, None, State.ACTIVE, Right.POST, None),
        (Role.AGENT, None, State.CLOSED, Right.POST, ThreadIsClosed),
        (Role.AGENT, None, State.ARCHIVED, Right.POST, ThreadIsArchived),
        (Role.AGENT, None, State.ARCHIVED, Right.READ, None),
        (Role.AGENT, MUTED, State.ACTIVE, Right.POST, ThreadIsReadOnlyForYou),
        (Role.PRODUCT_OWNER, SILENT, State.ACTIVE, Right.POST, ThreadIsReadOnlyForYou),
        (Role.CLIENT, None, State.ACTIVE, Right.READ, ThreadNotFound),
        (Role.CLIENT, None, State.ARCHIVED, Right.POST, ThreadNotFound),
        (Role.CLIENT, MEMBER, State.ACTIVE, Right.POST, None),
        (Role.CLIENT, OBSERVER, State.ACTIVE, Right.READ, None),
        (Role.CLIENT, OBSERVER, State.ACTIVE, Right.POST, ThreadIsReadOnlyForYou),
        (Role.CLIENT, MUTED, State.ACTIVE, Right.POST, ThreadIsReadOnlyForYou),
        (Role.CLIENT, MUTED, State.ARCHIVED, Right.POST, ThreadIsReadOnlyForYou),
        (Role.CLIENT, MEMBER, State.CLOSED, Right.POST, ThreadIsClosed),
    ],
)
def test_a_right_is_given_or_refused(role: Role, part: Part | None, state: State, right: Right, answer: type[Refusal] | None) -> None:
    given = access(principal(role), THREAD, thread(state=state), part, right)
    if answer is None:
        staff = role is Role.AGENT
        assert given == Access(thread_id=THREAD, state=state, notes=staff, deletes_others=staff)
    else:
        assert isinstance(given, answer)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("right", Right)
def test_a_missing_thread_is_not_found_by_anybody(role: Role, right: Right) -> None:
    assert isinstance(access(principal(role), THREAD, None, None, right), ThreadNotFound)
