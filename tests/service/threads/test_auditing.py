"""What supervisors do and read goes to the audit log; what threads were before is kept for auditors."""

import asyncio
from typing import Any

import pytest
from pydantic_core import from_json

from services.threads.repository.reads import Read, tell_reads
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.refusals import CursorIsNotValid
from shared.contracts.threads.access import Right, ThreadNotFound
from shared.contracts.threads.history import Changed
from shared.contracts.threads.threads import Thread
from shared.database.connections import Database
from tests.service.threads.conftest import People, Service, sent


async def reads(threads: Service, caller: Principal, count: int, action: str = "supervisor:chat:read") -> list[dict[str, Any]]:
    """What somebody's audited reads are, once there are so many."""
    async with asyncio.timeout(30):
        while len(found := [one for one in await threads.audited(caller) if one["action"] == action]) < count:
            await asyncio.sleep(0.02)
    return found


async def nothing_more(threads: Service, people: People) -> None:
    """Reads are told in their order: once a later one is, the earlier ones would be."""
    marker = await threads.open(people.other_agent)
    late = people.admin.model_copy(update={"user_id": people.guest.user_id})
    await threads.get(marker, late)
    await reads(threads, late, 1)


async def test_a_read_of_what_one_takes_no_part_in_is_audited_once(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent, participants=[sent(people.client)])
    for _ in range(3):
        await threads.get(thread, people.admin)
        await threads.access(thread, people.admin, Right.READ)
        await threads.get(thread, people.client)
        await threads.get(thread, people.agent)
    (told,) = await reads(threads, people.admin, 1)
    await nothing_more(threads, people)
    assert (told["actorId"], told["targetKind"], told["targetId"]) == (str(people.admin.user_id), "thread", str(thread.id))
    assert len(await threads.audited(people.admin)) == 1
    for caller in (people.client, people.agent):
        assert await threads.audited(caller) == []


async def test_who_is_told_of_a_thread_as_it_happens_and_takes_no_part_in_it_is_audited(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent, participants=[sent(people.client)])
    callers = (people.owner, people.agent, people.client, people.other_client)
    for _ in range(2):
        assert [one.place for one in (await threads.audience(thread.id, callers)).seen_by] == [0, 1, 2]
    (told,) = await reads(threads, people.owner, 1)
    await nothing_more(threads, people)
    assert told["targetId"] == str(thread.id)
    assert [len(await threads.audited(caller)) for caller in callers] == [1, 0, 0, 0]


async def test_what_messages_reads_for_somebody_is_audited_too_and_a_refusal_is_not(threads: Service, people: People) -> None:
    thread, hidden = await threads.open(people.agent), await threads.open(people.agent, isPrivate=True)
    await threads.access(thread, people.owner, Right.READ)
    with pytest.raises(ThreadNotFound):
        await threads.access(hidden, people.owner, Right.READ)
    (told,) = await reads(threads, people.owner, 1)
    await nothing_more(threads, people)
    assert (told["targetId"], len(await threads.audited(people.owner))) == (str(thread.id), 1)


async def test_who_takes_part_is_read_too(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent)
    await threads.participants(thread, people.admin)
    await threads.participant(thread, people.agent.user_id, people.owner)
    await threads.participants(thread, people.other_agent, status="removed")
    for caller in (people.admin, people.owner, people.other_agent):
        assert [one["targetId"] for one in await reads(threads, caller, 1)] == [str(thread.id)]
    await threads.participants(thread, people.agent)
    await threads.participant(thread, people.agent.user_id, people.agent)
    await nothing_more(threads, people)
    assert await threads.audited(people.agent) == []


async def test_an_hour_later_it_is_audited_again_by_any_process(threads: Service, people: People, background: Database) -> None:
    thread = await threads.open(people.agent)
    await threads.get(thread, people.admin)
    await reads(threads, people.admin, 1)
    kept = "SELECT count(*) FROM threads.audited_reads WHERE user_id = $1 AND at > now() - interval '1 hour'"
    assert await threads.database.fetchval(kept, people.admin.user_id) == 1
    older = "UPDATE threads.audited_reads SET at = at - interval '61 minutes' WHERE user_id = $1"
    await threads.database.execute(older, people.admin.user_id)
    for _ in range(2):
        await tell_reads(background, [Read(people.workspace_id, people.admin.user_id, thread.id, Permission.SUPERVISOR_READ)])
        assert len(await reads(threads, people.admin, 2)) == 2


async def test_what_a_supervisor_does_to_anothers_thread_is_audited(threads: Service, people: People) -> None:
    thread = await threads.open(people.client, participants=[sent(people.other_client)])
    await threads.change(thread, people.agent, title="Tour", reason="Unclear")
    await threads.set(thread, people.agent, people.other_client.user_id, status="muted", reason="Was rude")
    await threads.remove(thread, people.agent, people.other_client.user_id)
    await threads.archive(thread, people.agent)
    done = [(one["action"], one["details"]["did"], one["reason"]) for one in await threads.audited(people.agent)]
    assert [one for one in done if one[0] != "supervisor:chat:read"] == [
        ("supervisor:chat:update", ["thread_changed"], "Unclear"),
        ("supervisor:chat:update", ["participant_changed"], "Was rude"),
        ("supervisor:chat:update", ["participant_removed"], None),
        ("supervisor:chat:archive", ["thread_archived"], None),
    ]


async def test_what_one_does_to_ones_own_thread_is_not_audited(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent, participants=[sent(people.client)])
    await threads.change(thread, people.agent, title="Tour", participants=[])
    await threads.invite(thread, people.agent, people.guest)
    await threads.archive(thread, people.agent)
    assert await threads.audited(people.agent) == []


async def test_an_audit_is_told_where_readers_of_the_thread_do_not_listen(threads: Service, people: People) -> None:
    thread = await threads.open(people.client)
    await threads.change(thread, people.agent, title="Tour")
    subject = f"event.threads.action_audited.v1.{people.workspace_id}.{people.agent.user_id}"
    rows = await threads.database.fetch("SELECT data FROM threads.outbox WHERE subject = $1", subject)
    assert [from_json(row["data"])["targetId"] for row in rows] == [str(thread.id)]
    assert "action_audited" not in await threads.events(thread)


async def changed(threads: Service, people: People) -> Thread:
    thread = await threads.open(people.client, participants=[sent(people.other_client)])
    await threads.change(thread, people.agent, title="Tour", settings={"colour": "red"}, reason="Unclear")
    await threads.set(thread, people.client, people.other_client.user_id, status="muted", name="Ben")
    await threads.remove(thread, people.client, people.other_client.user_id, reason="Was rude")
    return thread


async def test_the_history_says_what_was_before_who_changed_it_and_why(threads: Service, people: People) -> None:
    thread = await changed(threads, people)
    removed, muted, renamed, *opened = (await threads.history(thread, people.admin)).changes
    assert [(one.target_id, one.operation, one.changed_by) for one in opened] == [
        (one.id, "INSERT", people.client.user_id) for one in reversed(thread.participants)
    ]
    participant = thread.participants[1]
    assert (renamed.kind, renamed.target_id, renamed.operation) == (Changed.THREAD, thread.id, "UPDATE")
    assert (renamed.changed_by, renamed.reason) == (people.agent.user_id, "Unclear")
    assert (renamed.before["title"], renamed.before["settings"], renamed.before["maxParticipants"]) == ("Trip", {}, 50)
    assert (muted.kind, muted.target_id, muted.changed_by, muted.reason) == (
        Changed.PARTICIPANT,
        participant.id,
        people.client.user_id,
        None,
    )
    assert (muted.before["status"], muted.before["name"]) == ("active", participant.name)
    assert (removed.before["status"], removed.before["name"], removed.reason) == ("muted", "Ben", "Was rude")
    assert removed.changed_at > muted.changed_at > renamed.changed_at
    assert not {"workspaceId", "contactKey", "directKey", "historyId"} & (renamed.before.keys() | removed.before.keys())


async def test_the_history_says_who_brought_somebody_in_and_why(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent)
    added = await threads.invite(thread, people.other_agent, people.client, reason="Asked by mail")
    listed = [sent(people.client, name=added.name), sent(people.guest)]
    await threads.change(thread, people.agent, participants=listed, reason="Their son")
    by_list, by_one, _ = (await threads.history(thread, people.admin)).changes
    assert (by_one.kind, by_one.target_id, by_one.operation, by_one.before) == (Changed.PARTICIPANT, added.id, "INSERT", {})
    assert (by_one.changed_by, by_one.reason) == (people.other_agent.user_id, "Asked by mail")
    assert (by_list.operation, by_list.changed_by, by_list.reason) == ("INSERT", people.agent.user_id, "Their son")
    await threads.remove(thread, people.client, added.id)
    await threads.invite(thread, people.agent, people.client, reason="Again")
    again, *_ = (await threads.history(thread, people.admin)).changes
    assert (again.operation, again.before["status"], again.reason) == ("UPDATE", "left", "Again")


async def test_the_history_is_paged_and_its_cursor_is_its_own(threads: Service, people: People) -> None:
    thread = await changed(threads, people)
    everything = (await threads.history(thread, people.admin)).changes
    page = await threads.history(thread, people.admin, limit=2)
    assert (page.changes, page.has_more) == (everything[:2], True)
    rest = await threads.history(thread, people.admin, limit=3, cursor=page.next_cursor)
    assert (rest.changes, rest.has_more, rest.next_cursor) == (everything[2:], False, None)
    other = await threads.open(people.agent)
    with pytest.raises(CursorIsNotValid):
        await threads.history(other, people.admin, cursor=page.next_cursor)


async def test_the_history_of_what_is_hidden_is_hidden(threads: Service, people: People) -> None:
    private = await threads.open(people.agent, isPrivate=True)
    with pytest.raises(ThreadNotFound):
        await threads.history(private, people.admin)
    assert [one.operation for one in (await threads.history(private, people.agent)).changes] == ["INSERT"]


async def test_a_read_of_history_is_audited_whoever_takes_part(threads: Service, people: People) -> None:
    own = await threads.open(people.admin)
    for _ in range(2):
        await threads.history(own, people.admin)
    (told,) = await reads(threads, people.admin, 1, "audit:history:read")
    await nothing_more(threads, people)
    assert (told["targetId"], len(await threads.audited(people.admin))) == (str(own.id), 1)
