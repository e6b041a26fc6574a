"""Changing, archiving and restoring threads."""

import asyncio
from typing import Any

import pytest
from pydantic_core import from_json

from shared.contracts.refusals import Refusal, RequestIsInvalid
from shared.contracts.threads.access import State, ThreadIsArchived, ThreadIsReadOnlyForYou, ThreadNotFound
from shared.contracts.threads.participants import ParticipantsAreTooMany, ThreadNeedsAModerator
from shared.contracts.threads.threads import Status, Thread
from shared.identifiers import new_id
from tests.service.threads.conftest import People, Service, sent


async def told(threads: Service, thread: Thread) -> list[dict[str, Any]]:
    """What was said of a thread after its opening."""
    rows = await threads.database.fetch("SELECT subject, data FROM threads.outbox WHERE subject LIKE $1 ORDER BY id", f"%.{thread.id}")
    return [{"event": row["subject"].split(".")[2], **from_json(row["data"])} for row in rows[1 + thread.participant_count :]]


async def test_what_is_sent_is_changed_and_told(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent, clientName="Ann", settings={"a": 1})
    changed = await threads.change(thread, people.other_agent, title="Tour", clientName=None, status="Confirmed", settings={"b": 2})
    assert (changed.title, changed.client_name, changed.status, changed.settings) == ("Tour", None, Status.CONFIRMED, {"b": 2})
    assert changed.updated_at > thread.updated_at
    assert await threads.get(thread, people.agent) == changed
    (event,) = await told(threads, thread)
    assert (event["event"], event["version"], event["changed"]) == ("thread_changed", 2, ["title", "clientName", "status", "settings"])
    assert event["thread"]["title"] == "Tour"


async def test_what_is_as_it_was_changes_nothing(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent, participants=[sent(people.client)])
    same = await threads.change(thread, people.agent, title="Trip", participants=[sent(people.client)], archived=False)
    assert same == thread
    assert await told(threads, thread) == []


async def test_participants_are_replaced_and_those_who_stay_keep_their_place(threads: Service, people: People) -> None:
    ann = {"role": "client", "name": "Ann", "contact": "ann@x.org"}
    thread = await threads.open(people.agent, participants=[ann, sent(people.client), sent(people.other_client)])
    before = {one.name: one for one in thread.participants}
    listed = [{"role": "client", "contact": "ANN@x.org"}, sent(people.client), sent(people.guest)]
    changed = await threads.change(thread, people.agent, participants=listed)
    assert [one.user_id for one in changed.participants] == [people.agent.user_id, None, people.client.user_id, people.guest.user_id]
    assert changed.participant_count == 4
    creator, ann_now, client, _ = changed.participants
    assert (creator, client) == (before["Agent"], thread.participants[2])
    assert (ann_now.id, ann_now.name, ann_now.contact) == (before["Ann"].id, "Ann", "ANN@x.org")
    assert [event["event"] for event in await told(threads, thread)] == ["participant_removed", "participant_changed", "participant_added"]


async def test_what_is_said_of_one_who_stays_is_one_change(threads: Service, people: People) -> None:
    listed: list[dict[str, Any]] = [{"role": "client", "name": name, "contact": f"{name}@x.org"} for name in ("Ann", "Ben")]
    thread = await threads.open(people.agent, participants=listed)
    listed[0] |= {"name": "Ann Arbor", "contact": "ANN@x.org"}
    await threads.change(thread, people.agent, participants=listed, reason="A typo")
    (change,) = [one for one in (await threads.history(thread, people.admin)).changes if one.operation == "UPDATE"]
    assert (change.before["name"], change.before["contact"], change.reason) == ("Ann", "Ann@x.org", "A typo")


async def test_a_list_takes_no_last_moderator_from_those_who_stay(threads: Service, people: People) -> None:
    thread = await threads.open(people.client, participants=[sent(people.other_client), sent(people.other_agent)])
    await threads.set(thread, people.client, people.other_client.user_id, participantRole="moderator")
    await threads.remove(thread, people.client, people.client.user_id)
    for caller, listed in ((people.other_client, [sent(people.other_agent)]), (people.agent, [sent(people.guest)])):
        assert await refusal_of(threads.change(thread, caller, participants=listed)) is ThreadNeedsAModerator
    emptied = await threads.change(thread, people.agent, participants=[])
    assert emptied.participants == []
    assert (await threads.change(thread, people.agent, participants=[sent(people.guest)])).participant_count == 1


async def test_a_list_replaces_no_more_than_are_shown(threads: Service, people: People) -> None:
    crowd = [{"role": "client", "name": f"{number}"} for number in range(100)]
    thread = await threads.open(people.agent, participants=crowd, maxParticipants=200)
    assert (len(thread.participants), thread.participant_count) == (100, 101)
    shown = [{"role": one.role, "name": one.name, "userId": one.user_id} for one in thread.participants]
    assert await refusal_of(threads.change(thread, people.agent, title="Tour", participants=shown)) is ParticipantsAreTooMany
    assert await threads.get(thread, people.agent) == thread
    await threads.remove(thread, people.agent, thread.participants[1].id)
    assert (await threads.change(thread, people.agent, participants=[])).participant_count == 1


async def test_contacts_may_go_round_in_a_list(threads: Service, people: People) -> None:
    one, other = sent(people.client, contact="a@x.org"), sent(people.other_client, contact="b@x.org")
    thread = await threads.open(people.agent, participants=[one, other])
    swapped = [one | {"contact": "b@x.org"}, other | {"contact": "a@x.org"}]
    changed = await threads.change(thread, people.agent, participants=swapped)
    assert [participant.contact for participant in changed.participants] == [None, "b@x.org", "a@x.org"]


async def test_one_who_was_removed_takes_their_place_again(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent, participants=[sent(people.client)])
    await threads.change(thread, people.agent, participants=[])
    changed = await threads.change(thread, people.agent, participants=[sent(people.client)])
    assert [one.id for one in changed.participants] == [one.id for one in thread.participants]
    assert changed.participants[1].joined_at > thread.participants[1].joined_at
    removed, added = await told(threads, thread)
    assert (removed["event"], removed["version"], removed["participant"]["status"]) == ("participant_removed", 2, "removed")
    assert (added["event"], added["version"], added["participant"]["status"]) == ("participant_added", 3, "active")


async def test_no_more_take_part_than_may(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent, maxParticipants=2)
    with pytest.raises(RequestIsInvalid) as refusal:
        await threads.change(thread, people.agent, participants=[sent(people.client), sent(people.guest)])
    assert [error.field for error in refusal.value.errors] == ["participants"]
    changed = await threads.change(thread, people.agent, participants=[sent(people.client), sent(people.guest)], maxParticipants=3)
    with pytest.raises(RequestIsInvalid) as refusal:
        await threads.change(thread, people.agent, maxParticipants=2)
    assert [error.field for error in refusal.value.errors] == ["maxParticipants"]
    assert await threads.get(thread, people.agent) == changed


async def test_a_refused_change_changes_nothing_at_all(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent)
    with pytest.raises(RequestIsInvalid):
        await threads.change(thread, people.agent, title="Tour", maxParticipants=1, participants=[sent(people.client)])
    assert await threads.get(thread, people.agent) == thread
    assert await told(threads, thread) == []


@pytest.mark.parametrize(
    ("who", "edit", "archive"),
    [
        ("admin", None, None),
        ("other_agent", None, None),
        ("owner", ThreadIsReadOnlyForYou, ThreadIsReadOnlyForYou),
        ("client", ThreadIsReadOnlyForYou, ThreadIsReadOnlyForYou),
        ("guest", ThreadIsReadOnlyForYou, ThreadIsReadOnlyForYou),
        ("other_client", ThreadNotFound, ThreadNotFound),
    ],
)
async def test_a_role_changes_what_the_table_grants(
    threads: Service, people: People, who: str, edit: type[Refusal] | None, archive: type[Refusal] | None
) -> None:
    thread = await threads.open(people.agent, participants=[sent(people.client), sent(people.guest)])
    caller = getattr(people, who)
    assert await refusal_of(threads.change(thread, caller, title="Tour")) is edit
    assert await refusal_of(threads.change(thread, caller, archived=True)) is archive
    if archive is None:
        await threads.change(thread, people.agent, archived=False)
    assert await refusal_of(threads.archive(thread, caller)) is archive


async def refusal_of(asking: Any) -> type[Refusal] | None:
    try:
        await asking
    except Refusal as refusal:
        return type(refusal)
    return None


async def test_a_product_owner_changes_and_archives_their_own(threads: Service, people: People) -> None:
    thread = await threads.open(people.owner)
    await threads.change(thread, people.owner, title="Tour")
    assert (await threads.archive(thread, people.owner)).archived
    assert not (await threads.change(thread, people.owner, archived=False)).archived


async def test_a_client_changes_and_closes_their_own_and_cannot_archive_it(threads: Service, people: People) -> None:
    thread = await threads.open(people.client, kind="support")
    await threads.change(thread, people.client, participants=[sent(people.other_client)])
    assert (await threads.change(thread, people.client, state="closed")).state is State.CLOSED
    assert await refusal_of(threads.archive(thread, people.client)) is ThreadIsReadOnlyForYou
    assert await refusal_of(threads.change(thread, people.client, archived=True)) is ThreadIsReadOnlyForYou


async def test_an_archived_thread_takes_its_restoring_alone(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent)
    archived = await threads.archive(thread, people.agent)
    assert (archived.state, archived.archived) == (State.ARCHIVED, True)
    both = {"archived": False, "title": "Tour"}
    refused: list[dict[str, Any]] = [{"title": "Tour"}, both, {"participants": []}, {"state": "closed"}, {"archived": True}]
    for change in refused:
        assert await refusal_of(threads.change(thread, people.agent, **change)) is ThreadIsArchived
    assert await threads.get(thread, people.agent) == archived
    restored = await threads.change(thread, people.agent, archived=False)
    assert (restored.state, restored.archived) == (State.ACTIVE, False)
    await threads.change(thread, people.agent, state="archived")
    await threads.change(thread, people.agent, state="active")
    events = ["thread_archived", "thread_restored", "thread_archived", "thread_restored"]
    assert [(one["event"], one["version"]) for one in await told(threads, thread)] == list(zip(events, (2, 3, 4, 5), strict=True))


async def test_archiving_again_changes_nothing(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent)
    archived = await threads.archive(thread, people.agent)
    assert await threads.archive(thread, people.agent) == archived
    assert len(await told(threads, thread)) == 1


async def test_a_change_that_archives_too_tells_both_in_order(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent)
    await threads.change(thread, people.agent, title="Tour", archived=True)
    changed, archived = await told(threads, thread)
    assert (changed["event"], changed["changed"], changed["version"]) == ("thread_changed", ["title"], 2)
    assert (archived["event"], archived["version"]) == ("thread_archived", 3)


async def test_closing_and_opening_again_is_told_as_a_change(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent)
    await threads.change(thread, people.agent, state="closed")
    await threads.change(thread, people.agent, state="active")
    assert [(one["changed"], one["thread"]["state"]) for one in await told(threads, thread)] == [
        (["state"], "closed"),
        (["state"], "active"),
    ]


async def test_a_thread_that_is_not_there_cannot_be_changed(threads: Service, people: People) -> None:
    thread = (await threads.open(people.agent)).model_copy(update={"id": new_id()})
    assert await refusal_of(threads.change(thread, people.agent, title="Tour")) is ThreadNotFound
    assert await refusal_of(threads.archive(thread, people.agent)) is ThreadNotFound


async def test_changes_made_at_once_all_hold(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent)
    lists = [[sent(people.client)], [sent(people.guest), sent(people.client)], [sent(people.other_client, contact="c@x.org")], []]
    await asyncio.gather(
        *(threads.change(thread, people.agent, participants=one) for one in lists * 5),
        *(threads.change(thread, people.agent, title=f"Trip {number}") for number in range(20)),
    )
    shown = await threads.get(thread, people.agent)
    assert shown.participant_count == len(shown.participants)
    versions = [one["version"] for one in await told(threads, thread) if one["event"] == "thread_changed"]
    assert versions == list(range(2, 22))
