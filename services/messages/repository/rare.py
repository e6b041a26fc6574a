"""What most messages do not have, as the insert of posts takes it."""

from collections.abc import Sequence
from uuid import UUID

from pydantic_core import to_json

from services.messages.domain import Draft
from shared.contracts.messages.messages import DeliveryStatus, Message, MessageType


def rare_columns(draft: Draft, message: Message) -> str | None:
    """By column, what most messages do not have; it rides in one array, so that an ordinary post has none of it sent and read."""
    if (
        message.root_id is None
        and not message.mentions
        and not message.attachments
        and message.message_type is MessageType.CHAT
        and message.delivery_status is DeliveryStatus.DELIVERED
        and draft.contact is None
    ):
        return None
    rare: dict[str, object] = {
        "root_id": message.root_id,
        "mentions": _array(message.mentions) if message.mentions else None,
        "message_type": message.message_type,
        "delivery_status": message.delivery_status,
        "robot_id": message.robot_id,
        "robot_response_to": message.robot_response_to,
        "is_robot_visible_to_guests": draft.visible_to_guests or None,
        "posted_by": None if draft.contact is None else draft.author_id,
        "author_contact": draft.contact,
        "attachments": message.attachments or None,
        "attachment_versions": _array(draft.files.versions) if message.attachments else None,
    }
    return to_json({column: value for column, value in rare.items() if value is not None}).decode()


def _array(values: Sequence[UUID | int]) -> str:
    """PostgreSQL's text of an array."""
    return f"{{{','.join(map(str, values))}}}"
