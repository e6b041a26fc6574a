"""What service accounts post: robot and system messages, what is delivered later, and for contacts from outside."""

from uuid import UUID

import pytest

from shared.contracts.messages.messages import (
    EDIT_MESSAGE,
    GET_MESSAGE,
    DeliveryStatus,
    DeliveryStatusDoesNotFollow,
    EditMessage,
    GetMessage,
    Message,
    MessageNotFound,
    NotTheAuthor,
    RepliedMessageNotFound,
)
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import PermissionIsMissing, RequestIsInvalid
from shared.identifiers import new_id
from tests.service.messages.conftest import Service
from tests.service.neighbours import principal

FOR_CONTACT = {"author_name": "Mia", "author_contact": "+39 011 555", "author_role": "client"}


@pytest.fixture
def robot(agent: Principal) -> Principal:
    return principal(Role.SYSTEM, agent.workspace_id, "Robbie")


@pytest.fixture
def guest(agent: Principal) -> Principal:
    return principal(Role.GUEST, agent.workspace_id, "Gil")


async def change(messages: Service, message: Message, caller: Principal, **fields: object) -> Message:
    return await messages.call(EDIT_MESSAGE, EditMessage.model_validate({"message_id": message.id, **fields}), caller)


@pytest.mark.parametrize(
    "fields",
    [
        {"message_type": "robot", "robot_id": "r2"},
        {"message_type": "system"},
        {"delivery_status": "streaming"},
        {"robot_id": "r2"},
        {"is_robot_visible_to_guests": True},
        {"author_name": "Somebody else"},
        {"author_role": "agent"},
        FOR_CONTACT,
    ],
    ids=str,
)
async def test_people_post_none_of_it(messages: Service, thread: UUID, agent: Principal, fields: dict[str, object]) -> None:
    with pytest.raises(PermissionIsMissing):
        await messages.post(thread, "beep", agent, **fields)


@pytest.mark.parametrize("kind", ["file", "image", "graph"])
async def test_people_post_files_images_and_graphs(messages: Service, thread: UUID, agent: Principal, kind: str) -> None:
    message = await messages.post(thread, "look", agent, message_type=kind, content_metadata={"width": 3})
    assert (message.message_type.value, message.content_metadata) == (kind, {"width": 3})
    assert (await messages.page(thread, agent)).messages == [message]


async def test_a_robot_message_that_is_not_for_guests_takes_no_seq_and_is_nowhere_for_them(
    messages: Service, thread: UUID, agent: Principal, robot: Principal, guest: Principal
) -> None:
    question = await messages.post(thread, "how?", agent)
    hidden = await messages.post(thread, "beep", robot, message_type="robot", robot_id="r2", robot_response_to=question.id)
    shown = await messages.post(thread, "boop", robot, message_type="robot", robot_id="r2", is_robot_visible_to_guests=True)
    assert [(message.seq, message.sub_seq) for message in (question, hidden, shown)] == [(1, 0), (1, 1), (2, 0)]
    assert (hidden.robot_id, hidden.robot_response_to, hidden.author_role) == ("r2", question.id, Role.SYSTEM)
    assert (await messages.page(thread, guest)).messages == [question, shown]
    assert (await messages.page(thread, principal(Role.CLIENT, agent.workspace_id))).messages == [question, hidden, shown]
    with pytest.raises(MessageNotFound):
        await messages.call(GET_MESSAGE, GetMessage(message_id=hidden.id), guest)
    with pytest.raises(RepliedMessageNotFound):
        await messages.post(thread, "what?", guest, reply_to=hidden.id)
    assert await messages.events(thread) == ["message_posted", "guarded_message_posted", "message_posted"]


async def test_a_reply_to_what_guests_cannot_see_is_hidden_from_them(
    messages: Service, thread: UUID, agent: Principal, robot: Principal, guest: Principal
) -> None:
    hidden = await messages.post(thread, "beep", robot, message_type="robot", robot_id="r2")
    reply = await messages.post(thread, "thanks", agent, reply_to=hidden.id)
    assert (reply.seq, reply.sub_seq, reply.root_id) == (0, 2, hidden.id)
    assert (await messages.page(thread, guest)).messages == []
    assert (await messages.page(thread, agent)).messages == [hidden, reply]
    changed = await change(messages, reply, agent, content="thank you")
    assert (await messages.page(thread, agent)).messages == [hidden, changed]
    assert (await messages.events(thread))[1:] == ["guarded_message_posted", "guarded_message_edited"]


async def test_what_a_robot_responds_to_is_in_the_thread(messages: Service, thread: UUID, robot: Principal) -> None:
    with pytest.raises(RepliedMessageNotFound):
        await messages.post(thread, "beep", robot, message_type="robot", robot_id="r2", robot_response_to=new_id())


async def test_a_message_streams_until_it_is_delivered(messages: Service, thread: UUID, robot: Principal) -> None:
    message = await messages.post(thread, "To", robot, message_type="robot", robot_id="r2", delivery_status="streaming")
    message = await messages.backdated(message, seconds=400)  # making it may take longer than an edit may wait
    more = await change(messages, message, robot, content="To be or")
    assert (more.content, more.edited_at, more.delivery_status) == ("To be or", None, DeliveryStatus.STREAMING)
    whole = await change(messages, message, robot, content="To be or not", delivery_status="delivered")
    assert (whole.content, whole.delivery_status) == ("To be or not", DeliveryStatus.DELIVERED)
    for status in ("streaming", "batch-delay", "failed"):
        with pytest.raises(DeliveryStatusDoesNotFollow):
            await change(messages, message, robot, delivery_status=status)
    assert await change(messages, message, robot, delivery_status="delivered") == whole
    assert (await messages.events(thread))[1:] == ["guarded_message_edited"] * 2


@pytest.mark.parametrize(
    ("path", "follows"),
    [
        (["streaming", "batch-delay", "delivered"], True),
        (["streaming", "batch-delay", "streaming", "failed"], True),
        (["streaming", "failed", "streaming", "delivered"], True),
        (["failed", "delivered"], False),
        (["delivered", "failed"], False),
    ],
)
async def test_a_delivery_goes_on_as_it_may(messages: Service, thread: UUID, robot: Principal, path: list[str], follows: bool) -> None:
    message = await messages.post(thread, "beep", robot, delivery_status=path[0])
    for status in path[1:-1]:
        await change(messages, message, robot, delivery_status=status)
    if follows:
        assert (await change(messages, message, robot, delivery_status=path[-1])).delivery_status.value == path[-1]
    else:
        with pytest.raises(DeliveryStatusDoesNotFollow):
            await change(messages, message, robot, delivery_status=path[-1])


async def test_nobody_else_moves_a_delivery(messages: Service, thread: UUID, agent: Principal, robot: Principal) -> None:
    streaming = await messages.post(thread, "beep", robot, delivery_status="streaming")
    own = await messages.post(thread, "mine", agent)
    with pytest.raises(NotTheAuthor):
        await change(messages, streaming, agent, delivery_status="delivered")
    with pytest.raises(PermissionIsMissing):
        await change(messages, own, agent, delivery_status="failed")


async def test_a_service_account_posts_for_a_contact_and_is_answerable_for_it(messages: Service, thread: UUID, agent: Principal) -> None:
    bridge = principal(Role.SYSTEM, agent.workspace_id, "WhatsApp", Permission.MESSAGE_FOR_CONTACT)
    message = await messages.post(thread, "ciao", bridge, channel="whatsapp", client_message_id="wa-1", **FOR_CONTACT)
    assert (message.author_id, message.author_name, message.author_role) == (None, "Mia", Role.CLIENT)
    again = await messages.post(thread, "ciao", bridge, channel="whatsapp", client_message_id="wa-1", **FOR_CONTACT)
    assert again == message == (await messages.page(thread, agent)).messages[0]
    row = await messages.database.fetchrow("SELECT posted_by, author_contact FROM messages.messages WHERE id = $1", message.id)
    assert row is not None
    assert tuple(row) == (bridge.user_id, "+39 011 555")
    assert (await change(messages, message, bridge, content="ciao!")).content == "ciao!"
    with pytest.raises(PermissionIsMissing):
        await messages.post(thread, "ciao", principal(Role.SYSTEM, agent.workspace_id), **FOR_CONTACT)
    with pytest.raises(PermissionIsMissing):
        await messages.post(thread, "ciao", principal(Role.ADMIN, agent.workspace_id, "Eve", Permission.MESSAGE_FOR_CONTACT), **FOR_CONTACT)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"author_name": "Mia"}, {"authorContact": "missing", "authorRole": "missing"}),
        ({"message_type": "robot"}, {"robotId": "missing"}),
        ({"robot_id": "r2", "is_robot_visible_to_guests": True}, {"robotId": "not_of_a_robot", "isRobotVisibleToGuests": "not_of_a_robot"}),
    ],
    ids=str,
)
async def test_what_belongs_together_is_given_together(
    messages: Service, thread: UUID, agent: Principal, fields: dict[str, object], wrong: dict[str, str]
) -> None:
    bridge = principal(Role.SYSTEM, agent.workspace_id, "WhatsApp", Permission.MESSAGE_FOR_CONTACT)
    with pytest.raises(RequestIsInvalid) as refused:
        await messages.post(thread, "ciao", bridge, **fields)
    assert {error.field: error.code for error in refused.value.errors} == wrong
