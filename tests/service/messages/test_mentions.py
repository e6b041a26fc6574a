"""Who is mentioned, and what that counts."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from shared.contracts.identity.directory import Member
from shared.contracts.messages.messages import DELETE_MESSAGE, EDIT_MESSAGE, DeleteMessage, EditMessage, Message
from shared.contracts.messages.receipts import GET_UNREAD, MARK_READ, GetUnread, MarkRead
from shared.contracts.principal import Principal, Role
from shared.identifiers import new_id
from tests.service.messages.conftest import Service
from tests.service.neighbours import principal


@pytest.fixture
def bob(messages: Service) -> Member:
    messages.identity.members.clear()
    messages.identity.asked.clear()
    messages.identity.away = False
    return messages.identity.member("bob.2")


@pytest.fixture
def reader(messages: Service, thread: UUID, agent: Principal, bob: Member) -> Principal:
    """Bob, who takes part."""
    reader = principal(bob.role, agent.workspace_id).model_copy(update={"user_id": bob.id})
    messages.threads.joined[thread, bob.id] = datetime.now(UTC)
    return reader


async def mentioned(messages: Service, thread: UUID, reader: Principal) -> int:
    return (await messages.call(GET_UNREAD, GetUnread(thread_id=thread), reader)).mention_count


async def edit(messages: Service, message: Message, content: str, caller: Principal) -> Message:
    return await messages.call(EDIT_MESSAGE, EditMessage(message_id=message.id, content=content), caller)


async def test_members_are_mentioned_by_their_usernames(messages: Service, thread: UUID, agent: Principal, bob: Member) -> None:
    ada = messages.identity.member("ada")
    message = await messages.post(thread, "<p>@Bob.2, and <b>@ada</b>: ask @nobody. @bob.2!</p>", agent)
    assert message.mentions == [bob.id, ada.id]
    assert (await messages.page(thread, agent)).messages == [message]
    assert [request.usernames for request in messages.identity.asked] == [["bob.2", "ada", "nobody"]]


async def test_identity_is_asked_only_where_somebody_may_be_meant(messages: Service, thread: UUID, agent: Principal, bob: Member) -> None:
    for content in ("hello", "mail bob.2@example.com", '<a href="https://x.example/@bob.2">x</a>', "@ 5"):
        assert (await messages.post(thread, content, agent)).mentions == []
    assert messages.identity.asked == []


async def test_a_message_is_not_lost_for_a_mention(messages: Service, thread: UUID, agent: Principal, bob: Member) -> None:
    message = await messages.post(thread, "@bob.2 first", agent)
    messages.identity.away = True
    assert (await messages.post(thread, "@bob.2 second", agent)).mentions == []
    assert (await edit(messages, message, "@bob.2 still", agent)).mentions == [bob.id]


async def test_whoever_cannot_see_a_message_is_not_mentioned_in_it(messages: Service, thread: UUID, agent: Principal, bob: Member) -> None:
    client = messages.identity.member("client", Role.CLIENT)
    guest = messages.identity.member("guest", Role.GUEST)
    everybody = "@bob.2 @client @guest"
    assert (await messages.post(thread, everybody, agent)).mentions == [bob.id, client.id, guest.id]
    assert (await messages.post(thread, everybody, agent, channel="note")).mentions == [bob.id]
    robot = principal(Role.SYSTEM, agent.workspace_id)
    assert (await messages.post(thread, everybody, robot, message_type="robot", robot_id="r2")).mentions == [bob.id, client.id]


async def test_mentions_count_while_they_are_unread(messages: Service, thread: UUID, agent: Principal, reader: Principal) -> None:
    first = await messages.post(thread, "@bob.2", agent)
    await messages.post(thread, "hello", agent)
    note = await messages.post(thread, "careful, @bob.2", agent, channel="note")
    await messages.post(thread, "I, @bob.2", reader)
    await messages.post(new_id(), "@bob.2 elsewhere", agent)
    assert await mentioned(messages, thread, reader) == 2
    await messages.call(MARK_READ, MarkRead(thread_id=thread, last_message_id=first.id), reader)
    assert await mentioned(messages, thread, reader) == 1
    demoted = reader.model_copy(update={"role": Role.CLIENT})
    assert await mentioned(messages, thread, demoted) == 0
    await messages.call(DELETE_MESSAGE, DeleteMessage(message_id=note.id), agent)
    assert await mentioned(messages, thread, reader) == 0


async def test_an_edit_mentions_others(messages: Service, thread: UUID, agent: Principal, reader: Principal) -> None:
    messages.identity.member("ada")
    message = await messages.post(thread, "@ada", agent)
    assert await mentioned(messages, thread, reader) == 0
    assert (await edit(messages, message, "@ada @bob.2", agent)).mentions[1:] == [reader.user_id]
    assert await mentioned(messages, thread, reader) == 1
    assert (await edit(messages, message, "nobody", agent)).mentions == []
    assert await mentioned(messages, thread, reader) == 0


async def test_a_deleted_message_mentions_nobody(messages: Service, thread: UUID, agent: Principal, bob: Member) -> None:
    message = await messages.post(thread, "@bob.2", agent)
    gone = await messages.call(DELETE_MESSAGE, DeleteMessage(message_id=message.id), agent)
    assert gone.mentions == []
    assert (await messages.page(thread, agent)).messages == [gone]
