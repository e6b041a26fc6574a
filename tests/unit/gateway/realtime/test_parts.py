"""The past in parts: those who see the same share what was worked out once, and nobody is told what another sees."""

from collections.abc import Sequence
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.realtime.frames import frame
from services.gateway.realtime.happenings import Happening
from services.gateway.realtime.kinds import KINDS, Kind, Scope
from services.gateway.realtime.parts import MOST_KINDS, Part, Parts, Seen
from services.gateway.realtime.visibility import SLACK, Sight, shows
from shared.contracts.identity.profiles import UserChanged
from shared.contracts.messages.messages import MessagePosted, NotePosted
from shared.contracts.messages.receipts import ThreadRead
from shared.contracts.model import Event
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal, Role
from shared.contracts.threads.participants import ParticipantAdded

WORKSPACE, ANOTHER, THREAD, SECOND, ADA, BOB = (UUID(int=number) for number in range(1, 7))
ALL = sum(permission.bit for permission in Permission)


def viewer(user_id: UUID = ADA, grants: int = ALL, workspace_id: UUID = WORKSPACE) -> Principal:
    return Principal(user_id=user_id, session_id=user_id, workspace_id=workspace_id, role=Role.CLIENT, name="Ada", grants=grants)


def happened(event: type[Event], seq: int, key: UUID = THREAD, at: float = 1_000.0, payload: bytes = b"{}") -> Happening:
    kind: Kind = KINDS[event.event_type]
    return Happening(seq, at, kind, kind.scope, WORKSPACE, key, frame(kind.type, {"seq": seq}), payload)


def added(seq: int, user_id: UUID) -> Happening:
    return happened(ParticipantAdded, seq, payload=b'{"participant": {"userId": "%b", "contact": null}}' % str(user_id).encode())


def seen(first: Sight | None, second: Sight | None = None) -> Seen:
    return {(Scope.THREAD, THREAD): first, (Scope.THREAD, SECOND): second}


def one_by_one(happenings: Sequence[Happening], principal: Principal, sights: Seen) -> list[int]:
    found = []
    for one in happenings:
        sight = sights[one.scope, one.key] if principal.workspace_id == one.workspace_id else None
        if sight is not None and shows(one, principal, sight):
            found.append(one.seq)
    return found


def seqs(part: Part, principal: Principal, sights: Seen) -> list[int]:
    by_frame = {id(one.frame): one.seq for one in part.happenings}
    return [by_frame[id(each)] for each in part.told(principal, sights)]


SIGHTS = st.none() | st.builds(
    Sight,
    notes=st.booleans(),
    guarded=st.booleans(),
    seen_from=st.none() | st.sampled_from([990.0, 1_000.0, 1_010.0]),
    joined_at=st.none() | st.sampled_from([900.0, 1_000.0, 1_000.0 + SLACK, 1_011.0, 1_100.0]),
)
EVENTS = st.tuples(st.sampled_from([NotePosted, ThreadRead]), st.sampled_from([THREAD, SECOND]), st.floats(980, 1_020))
VIEWERS = st.tuples(st.sampled_from([ALL, 0, Permission.MESSAGE_READ.bit]), st.sampled_from([WORKSPACE, ANOTHER]), SIGHTS, SIGHTS)


@given(st.lists(EVENTS, max_size=8), st.lists(VIEWERS, max_size=12))
def test_whoever_asked_before_one_is_told_what_one_sees(
    events: list[tuple[type[Event], UUID, float]], viewers: list[tuple[int, UUID, Sight | None, Sight | None]]
) -> None:
    made = b'{"message": {"createdAt": "1970-01-01T00:16:40Z"}}'
    happenings = [happened(event, seq, key, at, made) for seq, (event, key, at) in enumerate(events)]
    part = Part(happenings, len(happenings))
    for grants, workspace_id, first, second in viewers:
        principal, sights = viewer(grants=grants, workspace_id=workspace_id), seen(first, second)
        assert seqs(part, principal, sights) == one_by_one(happenings, principal, sights)


def test_those_who_were_in_before_share_one_list_whenever_they_came() -> None:
    part = Part([happened(ThreadRead, 1)], 1)
    first = part.told(viewer(ADA), seen(Sight(joined_at=500.0)))
    assert part.told(viewer(BOB), seen(Sight(joined_at=600.0))) is first
    assert part.told(viewer(BOB), seen(Sight(joined_at=1_600.0))) == []


def test_kinds_of_viewers_that_a_part_keeps_are_bounded() -> None:
    part = Part([happened(ThreadRead, 1)], 1)
    for number in range(3 * MOST_KINDS):
        part.told(viewer(), seen(Sight(joined_at=2_000.0 + number)))
    assert len(part._told) <= MOST_KINDS


def test_what_is_for_one_alone_is_personal_to_them() -> None:
    part = Part([happened(MessagePosted, 1), happened(UserChanged, 2, key=ADA), added(3, BOB)], 3)
    assert part.is_personal(viewer(ADA))
    assert part.is_personal(viewer(BOB))
    assert not part.is_personal(viewer(UUID(int=9)))
    assert not part.is_personal(viewer(ADA, workspace_id=ANOTHER))


def test_the_last_parts_are_kept_for_who_comes_next() -> None:
    parts, part = Parts(), Part([], 7)
    parts.keep(part, "stream", 3, 7)
    assert parts.find("stream", 3, 7) is part
    assert parts.find("stream", 3, 8) is None
    assert parts.find("another", 3, 7) is None
    for after in range(100, 200):
        parts.keep(Part([], after), "stream", after, after)
    assert parts.find("stream", 3, 7) is None
