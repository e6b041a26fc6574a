"""Messages with files: a file is in one message, and a message tells of its files as attachments does, in whatever order it hears of it."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from shared.contracts.attachments.attachments import AttachmentChanged, GuardedAttachmentChanged, NoteAttachmentChanged, ScanStatus
from shared.contracts.attachments.claims import AttachmentIsNotUsable
from shared.contracts.messages.files import FIND_DELETED_MESSAGE, GET_MESSAGE_OF_ATTACHMENT, FindDeletedMessage, GetMessageOfAttachment
from shared.contracts.messages.history import GET_MESSAGE_HISTORY, GetMessageHistory
from shared.contracts.messages.messages import (
    DELETE_MESSAGE,
    EDIT_MESSAGE,
    GET_MESSAGE,
    DeleteMessage,
    EditMessage,
    GetMessage,
    Message,
    MessageNotFound,
    RepliedMessageNotFound,
)
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import KeyWasUsedForAnother, RequestIsInvalid
from shared.identifiers import new_id
from tests.service.messages.conftest import Service
from tests.service.messages.neighbours import deleted, scanned
from tests.service.neighbours import principal


async def post_with(messages: Service, thread: UUID, caller: Principal, files: int = 1, content: str = "", **fields: object) -> Message:
    """A message with files that nobody has had before."""
    uploaded = [messages.attachments.upload(thread, caller).id for _ in range(files)]
    return await messages.post(thread, content, caller, attachment_ids=uploaded, **fields)


async def now(messages: Service, message: Message, caller: Principal) -> Message:
    return await messages.call(GET_MESSAGE, GetMessage(message_id=message.id), caller)


def states(message: Message) -> list[ScanStatus]:
    return [file.scan_status for file in message.attachments]


async def test_a_message_has_its_files_in_the_order_asked(messages: Service, thread: UUID, agent: Principal) -> None:
    files = [messages.attachments.upload(thread, agent) for _ in range(10)]
    message = await messages.post(thread, "", agent, attachment_ids=[file.id for file in reversed(files)])
    assert message.attachments == [file.model_copy(update={"message_id": message.id}) for file in reversed(files)]
    assert (await messages.page(thread, agent)).messages == [message]
    assert await now(messages, message, agent) == message
    (said,) = await messages.said("message_posted", thread)
    assert Message.model_validate(said["message"]) == message


async def test_a_post_without_files_asks_nobody_for_them(messages: Service, thread: UUID, agent: Principal) -> None:
    before = len(messages.attachments.asked)
    message = await messages.post(thread, "hello", agent)
    assert (message.attachments, len(messages.attachments.asked)) == ([], before)


async def test_what_is_refused_refuses_the_post_whole(messages: Service, thread: UUID, agent: Principal) -> None:
    good = messages.attachments.upload(thread, agent)
    with pytest.raises(AttachmentIsNotUsable) as refused:
        await messages.post(thread, "hello", agent, attachment_ids=[good.id, new_id()])
    assert [error.field for error in refused.value.errors] == ["attachmentIds.1"]
    assert (await messages.page(thread, agent)).messages == []
    assert (await messages.post(thread, "hello", agent, attachment_ids=[good.id])).seq == 1


async def test_files_of_a_post_that_failed_can_be_posted(messages: Service, thread: UUID, agent: Principal) -> None:
    file = messages.attachments.upload(thread, agent)
    with pytest.raises(RepliedMessageNotFound):
        await messages.post(thread, "hello", agent, attachment_ids=[file.id], reply_to=new_id())
    assert (await messages.post(thread, "hello", agent, attachment_ids=[file.id])).attachments[0].id == file.id


async def test_of_posts_at_once_one_has_the_file(messages: Service, thread: UUID, agent: Principal) -> None:
    files = [messages.attachments.upload(thread, agent).id for _ in range(2)]
    posts = (messages.post(thread, "", agent, attachment_ids=files if turn % 2 else files[::-1]) for turn in range(20))
    outcomes = await asyncio.gather(*posts, return_exceptions=True)
    (posted,) = (await messages.page(thread, agent)).messages
    assert [outcome for outcome in outcomes if not isinstance(outcome, AttachmentIsNotUsable)] == [posted]


async def test_a_replay_is_answered_though_its_files_are_taken(messages: Service, thread: UUID, agent: Principal) -> None:
    message = await post_with(messages, thread, agent, 2, client_message_id="k")
    files = [file.id for file in message.attachments]
    again = await messages.post(thread, "", agent, attachment_ids=files, client_message_id="k")
    assert again == message
    for file in files:
        del messages.attachments.there[file]  # as those are that are in a message: they cannot be claimed again
    assert await messages.post(thread, "", agent, attachment_ids=files, client_message_id="k") == message
    with pytest.raises(KeyWasUsedForAnother):
        await messages.post(thread, "", agent, attachment_ids=files[:1], client_message_id="k")
    with pytest.raises(AttachmentIsNotUsable):
        await messages.post(thread, "", agent, attachment_ids=files, client_message_id="l")


@pytest.mark.parametrize("content", ["<script>alert(1)</script>", "  "])
async def test_a_content_of_nothing_is_taken_beside_files(messages: Service, thread: UUID, agent: Principal, content: str) -> None:
    message = await post_with(messages, thread, agent, content=content)
    assert message.content.strip() == ""
    edited = await messages.call(EDIT_MESSAGE, EditMessage(message_id=message.id, content=""), agent)
    assert (edited.content, edited.attachments) == ("", message.attachments)
    plain = await messages.post(thread, "hello", agent)
    with pytest.raises(RequestIsInvalid):
        await messages.call(EDIT_MESSAGE, EditMessage(message_id=plain.id, content=""), agent)


async def test_a_file_is_told_as_it_is_and_never_as_it_was(messages: Service, thread: UUID, agent: Principal) -> None:
    message = await post_with(messages, thread, agent, 2)
    await messages.hears(scanned(message, version=3))
    assert states(await now(messages, message, agent)) == ["clean", "pending"]
    told = await now(messages, message, agent)
    await messages.hears(scanned(message, version=2, status=ScanStatus.SCANNING), scanned(message, version=3, status=ScanStatus.FAILED))
    assert await now(messages, message, agent) == told
    await messages.hears(deleted(message), scanned(message, version=10), scanned(message, 1, version=2))
    after = await now(messages, message, agent)
    assert ([file.id for file in after.attachments], states(after)) == ([message.attachments[1].id], ["clean"])


async def test_those_who_poll_are_told_once_of_each_message(messages: Service, thread: UUID, agent: Principal) -> None:
    said = [await post_with(messages, thread, agent) for _ in range(3)]
    poll = await messages.page(thread, agent, after=str(said[-1].id))
    await messages.hears(*(scanned(message) for message in said), scanned(said[0], version=3, status=ScanStatus.INFECTED))
    found: list[Message] = []
    for _ in range(4):
        poll = await messages.page(thread, agent, after=poll.next_cursor, changed_since=poll.as_of, limit=1)
        found += poll.changed or []
    assert sorted((message.seq, *states(message)) for message in found) == [(1, "infected"), (2, "clean"), (3, "clean")]
    await messages.hears(*(scanned(message) for message in said))
    again = await messages.page(thread, agent, after=poll.next_cursor, changed_since=poll.as_of)
    assert (again.changed, again.as_of) == ([], poll.as_of), "what was said before is no change"


@pytest.mark.parametrize(
    ("by", "fields", "hidden_from"),
    [
        (NoteAttachmentChanged, {"channel": "note"}, Role.CLIENT),
        (GuardedAttachmentChanged, {"message_type": "robot", "robot_id": "helper"}, Role.GUEST),
    ],
)
async def test_who_cannot_see_a_message_is_not_told_that_its_files_moved(
    messages: Service, thread: UUID, agent: Principal, by: type[AttachmentChanged], fields: dict[str, Any], hidden_from: Role
) -> None:
    other, robot = principal(hidden_from, agent.workspace_id), principal(Role.SYSTEM, agent.workspace_id)
    seen = await messages.post(thread, "hello", agent)
    hidden = await post_with(messages, thread, robot if "robot_id" in fields else agent, content="psst", **fields)
    polls = [await messages.page(thread, reader, after=str(seen.id)) for reader in (agent, other)]
    await messages.hears(by.model_validate(scanned(hidden).model_dump()))
    changed = [
        (await messages.page(thread, reader, after=poll.next_cursor, changed_since=poll.as_of)).changed
        for reader, poll in zip((agent, other), polls, strict=True)
    ]
    assert [[states(message) for message in found or []] for found in changed] == [[["clean"]], []]


async def test_an_edit_keeps_the_files_and_their_change_is_no_edit(messages: Service, thread: UUID, agent: Principal) -> None:
    message = await post_with(messages, thread, agent, content="frist")
    await messages.hears(scanned(message))
    edited = await messages.call(EDIT_MESSAGE, EditMessage(message_id=message.id, content="first"), agent)
    assert (edited.content, states(edited)) == ("first", ["clean"])
    await messages.hears(deleted(message))
    history = (await messages.call(GET_MESSAGE_HISTORY, GetMessageHistory(message_id=message.id), agent)).history
    assert [(version.message.content, states(version.message)) for version in history] == [("frist", ["clean"])]
    assert await messages.events(thread) == ["message_posted", "message_edited"]


async def test_a_deleted_message_shows_no_files_and_moves_no_more(messages: Service, thread: UUID, agent: Principal) -> None:
    message = await post_with(messages, thread, agent, content="hello")
    gone = await messages.call(DELETE_MESSAGE, DeleteMessage(message_id=message.id), agent)
    assert gone.attachments == []
    page = await messages.page(thread, agent, after=str(message.id))
    await messages.hears(deleted(message))
    assert await messages.page(thread, agent, after=str(message.id)) == page
    assert (await messages.page(thread, agent)).messages == [gone]


async def test_an_event_of_a_message_that_is_not_there_is_passed_over(messages: Service, thread: UUID, agent: Principal) -> None:
    message = await post_with(messages, thread, agent)
    files = [file.model_copy(update={"message_id": new_id()}) for file in message.attachments]
    await messages.hears(scanned(message.model_copy(update={"attachments": files})))
    assert await now(messages, message, agent) == message


async def test_the_message_of_a_file_is_found_by_those_who_may_see_it(messages: Service, thread: UUID, agent: Principal) -> None:
    note = await post_with(messages, thread, agent, content="psst", channel="note")
    asked = GetMessageOfAttachment(attachment_id=note.attachments[0].id)
    call = messages.attachments.caller
    assert await call(GET_MESSAGE_OF_ATTACHMENT, asked, agent) == note
    for caller in (principal(Role.CLIENT, agent.workspace_id), principal()):
        with pytest.raises(MessageNotFound):
            await call(GET_MESSAGE_OF_ATTACHMENT, asked, caller)
    unposted = messages.attachments.upload(thread, agent)
    with pytest.raises(MessageNotFound):
        await call(GET_MESSAGE_OF_ATTACHMENT, GetMessageOfAttachment(attachment_id=unposted.id), agent)


async def test_whether_a_file_s_message_is_deleted_is_told_at_once(messages: Service, thread: UUID, agent: Principal) -> None:
    message = await post_with(messages, thread, agent)
    file, elsewhere = message.attachments[0].id, new_id()
    asked = [
        FindDeletedMessage(workspace_id=workspace, attachment_id=file, message_id=named)
        for workspace, named in ((agent.workspace_id, None), (agent.workspace_id, message.id), (elsewhere, None), (elsewhere, message.id))
    ]

    async def told() -> list[bool]:
        return [(await messages.attachments.caller(FIND_DELETED_MESSAGE, each, None)).deleted for each in asked]

    assert await told() == [False] * 4
    await messages.call(DELETE_MESSAGE, DeleteMessage(message_id=message.id), agent)
    assert await told() == [True, True, False, False]


async def test_events_come_out_of_the_stream(messages: Service, thread: UUID, agent: Principal) -> None:
    message = await post_with(messages, thread, agent)
    client = messages.attachments.caller.client
    assert client is not None
    await client.jetstream().publish(
        AttachmentChanged.subject(agent.workspace_id, thread),
        scanned(message).model_dump_json(by_alias=True).encode(),
        headers={"ce-type": AttachmentChanged.event_type, "ce-id": str(new_id())},
    )
    async with asyncio.timeout(20):
        while states(await now(messages, message, agent)) != ["clean"]:
            await asyncio.sleep(0.05)
