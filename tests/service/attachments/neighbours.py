"""A stand-in for messages: it answers what attachments asks of it, over the real NATS, from what a test tells it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar
from uuid import UUID

from shared.contracts.messages.files import (
    FIND_DELETED_MESSAGE,
    GET_MESSAGE_OF_ATTACHMENT,
    FindDeletedMessage,
    FoundDeletedMessage,
    GetMessageOfAttachment,
)
from shared.contracts.messages.messages import (
    GET_MESSAGE,
    Channel,
    DeliveryStatus,
    GetMessage,
    Message,
    MessageNotFound,
    MessageType,
)
from shared.contracts.principal import Principal, Role
from shared.identifiers import id_at, new_id
from tests.service.stand_in import Answers, StandIn


def message(thread_id: UUID, *, channel: Channel = Channel.IN_APP, identifier: UUID | None = None) -> Message:
    """As messages tells of it."""
    at = datetime.now(UTC).replace(microsecond=0)
    return Message(
        id=identifier or id_at(at),
        thread_id=thread_id,
        seq=1,
        sub_seq=0,
        root_id=None,
        author_id=new_id(),
        author_role=Role.AGENT,
        author_name="Ada",
        channel=channel,
        message_type=MessageType.CHAT,
        content="hello",
        reply_to=None,
        metadata={},
        content_metadata={},
        mentions=[],
        delivery_status=DeliveryStatus.DELIVERED,
        robot_id=None,
        robot_response_to=None,
        client_message_id=None,
        created_at=at,
        edited_at=None,
        deleted_at=None,
    )


@dataclass
class FakeMessages(StandIn):
    """Answers with messages: each is there for everybody but those it is hidden from."""

    there: dict[UUID, Message] = field(default_factory=dict)
    hidden: set[tuple[UUID, UUID]] = field(default_factory=set)
    service: ClassVar[str] = "messages"

    def answers(self) -> Answers:
        return {
            GET_MESSAGE: get_message,
            GET_MESSAGE_OF_ATTACHMENT: get_message_of_attachment,
            FIND_DELETED_MESSAGE: find_deleted_message,
        }


async def get_message(request: GetMessage, caller: Principal, messages: FakeMessages) -> Message:
    found = messages.there.get(request.message_id)
    if found is None or (request.message_id, caller.user_id) in messages.hidden:
        raise MessageNotFound
    return found


async def get_message_of_attachment(request: GetMessageOfAttachment, caller: Principal, messages: FakeMessages) -> Message:
    for message in messages.there.values():
        if any(file.id == request.attachment_id for file in message.attachments):
            return await get_message(GetMessage(message_id=message.id), caller, messages)
    raise MessageNotFound


async def find_deleted_message(request: FindDeletedMessage, messages: FakeMessages) -> FoundDeletedMessage:
    with_it = (message for message in messages.there.values() if any(file.id == request.attachment_id for file in message.attachments))
    return FoundDeletedMessage(deleted=any(message.deleted_at is not None for message in with_it))
