"""A message takes its author's files, once; what its events say of them."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from shared.contracts.attachments.attachments import OPEN_ATTACHMENT, Attachment, AttachmentNotFound, OpenAttachment
from shared.contracts.attachments.claims import AttachmentIsNotUsable
from shared.contracts.messages.hidden import GuardedMessagePosted
from shared.contracts.messages.messages import Channel, MessageDeleted, MessagePosted, NotePosted
from shared.contracts.model import Event
from shared.contracts.principal import Principal, Role
from shared.identifiers import new_id
from tests.service.attachments.conftest import Service
from tests.service.attachments.neighbours import message
from tests.service.neighbours import principal

ELEVEN_MINUTES = timedelta(minutes=11)


async def refused(attachments: Service, thread: UUID, message_id: UUID, caller: Principal, *files: Attachment) -> list[str]:
    """The fields that stand against a claim."""
    with pytest.raises(AttachmentIsNotUsable) as refusal:
        await attachments.claim(thread, message_id, caller, *files)
    return [error.field for error in refusal.value.errors]


async def test_files_are_claimed_in_the_order_asked(attachments: Service, thread: UUID, agent: Principal) -> None:
    files = [await attachments.upload(thread, agent) for _ in range(3)]
    message_id = new_id()
    claimed = await attachments.claim(thread, message_id, agent, *reversed(files))
    assert claimed == [file.model_copy(update={"message_id": message_id}) for file in reversed(files)]


async def test_a_claim_of_the_same_message_changes_nothing(attachments: Service, thread: UUID, agent: Principal) -> None:
    file, message_id = await attachments.upload(thread, agent), new_id()
    first = await attachments.claim(thread, message_id, agent, file)
    claimed_at = (await attachments.row(file))["claimed_at"]
    assert await attachments.claim(thread, message_id, agent, file) == first
    assert (await attachments.row(file))["claimed_at"] == claimed_at


async def test_what_is_not_usable_is_named_and_nothing_is_claimed(
    attachments: Service, thread: UUID, agent: Principal, client: Principal
) -> None:
    good, theirs = await attachments.upload(thread, agent), await attachments.upload(thread, client)
    elsewhere, infected = await attachments.upload(new_id(), agent), await attachments.upload(thread, agent)
    taken, deleted = await attachments.upload(thread, agent), await attachments.upload(thread, agent)
    await attachments.scanned(infected, "infected")
    await attachments.claim(thread, new_id(), agent, taken)
    await attachments.database.execute("UPDATE attachments.attachments SET deleted_at = now() WHERE id = $1", deleted.id)
    missing = good.model_copy(update={"id": new_id()})
    wrong = [theirs, elsewhere, infected, taken, deleted, missing]
    fields = await refused(attachments, thread, new_id(), agent, good, *wrong)
    assert fields == [f"attachmentIds.{place}" for place in range(1, 7)]
    assert (await attachments.row(good))["message_id"] is None
    assert await refused(attachments, thread, new_id(), agent, good, good) == ["attachmentIds.1"]


@pytest.mark.parametrize("status", ["pending", "scanning", "clean", "unscanned"])
async def test_what_may_yet_be_read_can_be_claimed(attachments: Service, thread: UUID, agent: Principal, status: str) -> None:
    file = await attachments.upload(thread, agent)
    await attachments.scanned(file, status)
    assert len(await attachments.claim(thread, new_id(), agent, file)) == 1


async def test_a_file_of_another_workspace_is_not_there(attachments: Service, thread: UUID, agent: Principal) -> None:
    file = await attachments.upload(thread, agent)
    elsewhere = agent.model_copy(update={"workspace_id": new_id()})
    assert await refused(attachments, thread, new_id(), elsewhere, file) == ["attachmentIds.0"]


async def test_of_messages_that_claim_a_file_at_once_one_has_it(attachments: Service, thread: UUID, agent: Principal) -> None:
    files = [await attachments.upload(thread, agent) for _ in range(2)]
    claims = (attachments.claim(thread, new_id(), agent, *(files if turn % 2 else reversed(files))) for turn in range(20))
    outcomes = await asyncio.gather(*claims, return_exceptions=True)
    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 1
    assert all(isinstance(outcome, list | AttachmentIsNotUsable) for outcome in outcomes)


async def test_a_claim_that_was_not_posted_lapses_after_ten_minutes(attachments: Service, thread: UUID, agent: Principal) -> None:
    file, second = await attachments.upload(thread, agent), new_id()
    await attachments.claim(thread, new_id(), agent, file)
    assert await refused(attachments, thread, second, agent, file) == ["attachmentIds.0"]
    await attachments.aged("attachments", file.id, "claimed_at", ELEVEN_MINUTES)
    (claimed,) = await attachments.claim(thread, second, agent, file)
    assert claimed.message_id == second


async def test_a_claim_that_was_posted_never_lapses(attachments: Service, thread: UUID, agent: Principal) -> None:
    file = await attachments.upload(thread, agent)
    await attachments.posted_with(message(thread), agent, file, by=MessagePosted)
    await attachments.aged("attachments", file.id, "claimed_at", ELEVEN_MINUTES)
    assert await refused(attachments, thread, new_id(), agent, file) == ["attachmentIds.0"]


async def test_a_post_that_is_told_late_has_its_file_all_the_same(attachments: Service, thread: UUID, agent: Principal) -> None:
    file, said = await attachments.upload(thread, agent), message(thread)
    await attachments.claim(thread, said.id, agent, file)
    await attachments.aged("attachments", file.id, "claimed_at", ELEVEN_MINUTES)
    await attachments.hears(MessagePosted(entity_id=said.id, version=1, message=said))
    assert (await attachments.row(file))["posted_at"] == said.created_at


async def test_a_claimed_file_is_in_its_message_once_that_is_posted(
    attachments: Service, thread: UUID, agent: Principal, client: Principal
) -> None:
    file, said = await attachments.upload(thread, client), message(thread)
    await attachments.claim(thread, said.id, client, file)
    assert (await attachments.listed(thread, agent)).attachments == []
    assert [one.message_id for one in (await attachments.listed(thread, client)).attachments] == [None]
    await attachments.posted_with(said, client, file, by=MessagePosted)
    for reader in (agent, client):
        assert [one.message_id for one in (await attachments.listed(thread, reader)).attachments] == [said.id]


async def test_who_sees_the_message_sees_its_file_before_the_service_has_heard_of_it(
    attachments: Service, thread: UUID, agent: Principal, client: Principal
) -> None:
    file, said = await attachments.upload(thread, client), message(thread)
    await attachments.scanned(file)
    await attachments.claim(thread, said.id, client, file)
    with pytest.raises(AttachmentNotFound):
        await attachments.gateway(OPEN_ATTACHMENT, OpenAttachment(attachment_id=file.id), agent)
    attachments.messages.there[said.id] = said
    opened = await attachments.gateway(OPEN_ATTACHMENT, OpenAttachment(attachment_id=file.id), agent)
    assert (opened.size, opened.etag) == (file.size, file.sha256)


@pytest.mark.parametrize(
    ("posted", "seen_by", "name"),
    [
        (MessagePosted, [Role.AGENT, Role.CLIENT, Role.GUEST], "attachment_changed"),
        (NotePosted, [Role.AGENT], "note_attachment_changed"),
        (GuardedMessagePosted, [Role.AGENT, Role.CLIENT], "guarded_attachment_changed"),
    ],
)
async def test_a_file_is_hidden_as_its_message_is(
    attachments: Service, thread: UUID, agent: Principal, posted: type[Event], seen_by: list[Role], name: str
) -> None:
    file = await attachments.upload(thread, agent)
    await attachments.posted_with(message(thread, channel=Channel.NOTE), agent, file, by=posted)
    readers = {role: principal(role, agent.workspace_id) for role in (Role.AGENT, Role.CLIENT, Role.GUEST)}
    assert [role for role, reader in readers.items() if (await attachments.listed(thread, reader)).attachments] == seen_by
    await attachments.hears(
        MessageDeleted(entity_id=new_id(), version=2, message=message(thread, identifier=(await attachments.row(file))["message_id"]))
    )
    assert [said for said, _ in await attachments.said(thread)] == [name]


async def test_what_was_posted_before_a_reader_came_is_hidden_from_them(
    attachments: Service, thread: UUID, agent: Principal, client: Principal
) -> None:
    file, said = await attachments.upload(thread, agent), message(thread)
    await attachments.posted_with(said, agent, file, by=MessagePosted)
    attachments.threads.seen_from[thread, client.user_id] = said.created_at + timedelta(seconds=1)
    assert (await attachments.listed(thread, client)).attachments == []
    attachments.threads.seen_from[thread, client.user_id] = said.created_at
    assert len((await attachments.listed(thread, client)).attachments) == 1


async def test_an_upload_is_told_to_its_uploader_alone(attachments: Service, thread: UUID, agent: Principal) -> None:
    file = await attachments.upload(thread, agent)
    ((name, event),) = await attachments.said(agent.user_id)
    assert (name, event["change"], event["entityId"], event["version"]) == ("own_attachment_changed", "uploaded", str(file.id), 1)
    assert event["attachment"]["id"] == str(file.id)
    assert await attachments.said(thread) == []


async def test_what_happened_between_claim_and_post_is_told_to_those_who_see_the_message(
    attachments: Service, thread: UUID, agent: Principal
) -> None:
    still, scanned = await attachments.upload(thread, agent), await attachments.upload(thread, agent)
    said = message(thread)
    await attachments.claim(thread, said.id, agent, still, scanned)
    await attachments.scanned(scanned)
    await attachments.hears(MessagePosted(entity_id=said.id, version=1, message=said))
    ((name, event),) = await attachments.said(thread)
    assert (name, event["change"], event["attachment"]["id"]) == ("attachment_changed", "scanned", str(scanned.id))
    assert (event["attachment"]["scanStatus"], event["attachment"]["messageId"]) == ("clean", str(said.id))


async def test_a_deleted_message_takes_its_files_with_it(attachments: Service, thread: UUID, agent: Principal) -> None:
    file, said = await attachments.upload(thread, agent), message(thread)
    await attachments.posted_with(said, agent, file, by=MessagePosted)
    await attachments.hears(MessageDeleted(entity_id=said.id, version=2, message=said))
    assert (await attachments.listed(thread, agent)).attachments == []
    assert [(name, event["change"]) for name, event in await attachments.said(thread)] == [("attachment_changed", "deleted")]


async def test_events_come_out_of_the_stream(attachments: Service, thread: UUID, agent: Principal) -> None:
    file, said = await attachments.upload(thread, agent), message(thread)
    await attachments.claim(thread, said.id, agent, file)
    event = NotePosted(entity_id=said.id, version=1, message=said)
    client = attachments.messages.caller.client
    assert client is not None
    await client.jetstream().publish(
        NotePosted.subject(agent.workspace_id, thread),
        event.model_dump_json(by_alias=True).encode(),
        headers={"ce-type": NotePosted.event_type, "ce-id": str(new_id())},
    )
    async with asyncio.timeout(20):
        while (await attachments.row(file))["posted_at"] is None:
            await asyncio.sleep(0.05)
    assert (await attachments.row(file))["hidden_from"] == 1
