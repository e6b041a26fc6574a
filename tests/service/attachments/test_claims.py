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


async def refused(attachments: Service, thread: UUID, caller: Principal, *files: Attachment) -> list[str]:
    """The fields that stand against a claim."""
    with pytest.raises(AttachmentIsNotUsable) as refusal:
        await attachments.claim(thread, caller, *files)
    return [error.field for error in refusal.value.errors]


async def test_files_are_claimed_in_the_order_asked(attachments: Service, thread: UUID, agent: Principal) -> None:
    files = [await attachments.upload(thread, agent) for _ in range(3)]
    await attachments.scanned(files[0])
    claimed = await attachments.claim(thread, agent, *reversed(files))
    assert claimed.attachments == [files[2], files[1], files[0].model_copy(update={"scan_status": "clean"})]
    assert claimed.versions == [1, 1, 2]


async def test_what_is_not_usable_is_named_and_nothing_is_claimed(
    attachments: Service, thread: UUID, agent: Principal, client: Principal
) -> None:
    good, theirs = await attachments.upload(thread, agent), await attachments.upload(thread, client)
    elsewhere, infected = await attachments.upload(new_id(), agent), await attachments.upload(thread, agent)
    taken, deleted = await attachments.upload(thread, agent), await attachments.upload(thread, agent)
    await attachments.scanned(infected, "infected")
    await attachments.posted_with(message(thread), agent, taken, by=MessagePosted)
    await attachments.database.execute("UPDATE attachments.attachments SET deleted_at = now() WHERE id = $1", deleted.id)
    missing = good.model_copy(update={"id": new_id()})
    wrong = [theirs, elsewhere, infected, taken, deleted, missing]
    fields = await refused(attachments, thread, agent, good, *wrong)
    assert fields == [f"attachmentIds.{place}" for place in range(1, 7)]
    assert (await attachments.row(good))["claimed_at"] is None
    assert await refused(attachments, thread, agent, good, good) == ["attachmentIds.1"]


@pytest.mark.parametrize("status", ["pending", "scanning", "clean", "unscanned"])
async def test_what_may_yet_be_read_can_be_claimed(attachments: Service, thread: UUID, agent: Principal, status: str) -> None:
    file = await attachments.upload(thread, agent)
    await attachments.scanned(file, status)
    assert len((await attachments.claim(thread, agent, file)).attachments) == 1


async def test_a_file_of_another_workspace_is_not_there(attachments: Service, thread: UUID, agent: Principal) -> None:
    file = await attachments.upload(thread, agent)
    elsewhere = agent.model_copy(update={"workspace_id": new_id()})
    assert await refused(attachments, thread, elsewhere, file) == ["attachmentIds.0"]


async def test_what_was_claimed_and_not_posted_is_as_free_as_before(attachments: Service, thread: UUID, agent: Principal) -> None:
    files = [await attachments.upload(thread, agent) for _ in range(2)]
    first = await attachments.claim(thread, agent, *files)
    claims = (attachments.claim(thread, agent, *(files if turn % 2 else reversed(files))) for turn in range(20))
    assert len(await asyncio.gather(*claims)) == 20
    assert await attachments.claim(thread, agent, *files) == first


async def test_a_file_is_in_one_message_whoever_is_told_to_have_it(attachments: Service, thread: UUID, agent: Principal) -> None:
    file, first, second = await attachments.upload(thread, agent), message(thread), message(thread)
    said = [await attachments.claimed(one, agent, file) for one in (first, second)]
    await attachments.hears(*(MessagePosted(entity_id=one.id, version=1, message=one) for one in said))
    assert (await attachments.row(file))["message_id"] == first.id
    assert await refused(attachments, thread, agent, file) == ["attachmentIds.0"]


async def test_a_claimed_file_is_in_its_message_once_that_is_posted(
    attachments: Service, thread: UUID, agent: Principal, client: Principal
) -> None:
    file, said = await attachments.upload(thread, client), message(thread)
    await attachments.claim(thread, client, file)
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
    said = await attachments.claimed(said, client, file)
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
    said = await attachments.claimed(message(thread), agent, still, scanned)
    await attachments.scanned(scanned)
    await attachments.claim(thread, agent, still, scanned)  # of another message, which is told of a newer one
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
    file = await attachments.upload(thread, agent)
    said = await attachments.claimed(message(thread), agent, file)
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
