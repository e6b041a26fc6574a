"""Messages: the entries of threads."""

from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from shared.contracts.attachments.attachments import Attachment
from shared.contracts.attachments.claims import AttachmentIsNotUsable
from shared.contracts.messages.content import CONTENT_LENGTH, AttachmentIds, Content
from shared.contracts.model import Event, Reason, Request, Text, Time, TrimmedText, View, storable_json
from shared.contracts.operations import ATTACHMENTS, GATEWAY, Operation
from shared.contracts.principal import Role
from shared.contracts.refusals import Conflict, CursorIsNotValid, Forbidden, Invalid, NotFound, PermissionIsMissing, RequestIsInvalid
from shared.contracts.threads.access import ThreadIsArchived, ThreadIsClosed, ThreadIsReadOnlyForYou, ThreadNotFound

METADATA_BYTES = 16 * 1024


class Channel(StrEnum):
    """The way a message came (spec 1, collaboration_messages)."""

    IN_APP = "in-app"
    WHATSAPP = "whatsapp"
    EMAIL = "email"
    SMS = "sms"
    CALL = "call"
    NOTE = "note"


class MessageType(StrEnum):
    """What an entry is (spec 2, message_type_enum). `robot` and `system` are said by service accounts alone."""

    CHAT = "chat"
    ROBOT = "robot"
    SYSTEM = "system"
    FILE = "file"
    IMAGE = "image"
    GRAPH = "graph"


class DeliveryStatus(StrEnum):
    """How far a message is (spec 2, delivery_status_enum). What people post is delivered at once."""

    STREAMING = "streaming"
    BATCH_DELAY = "batch-delay"
    DELIVERED = "delivered"
    FAILED = "failed"


ContactRole = Literal[Role.CLIENT, Role.PRODUCT_OWNER, Role.AGENT]
"""What a contact from outside may be in a thread (spec 1's author roles, of people)."""


EditedContent = Annotated[Text, Field(max_length=CONTENT_LENGTH)]
RobotId = Annotated[str, StringConstraints(pattern=r"^[ -~]{1,64}$")]
Metadata = Annotated[dict[str, Any], AfterValidator(storable_json(METADATA_BYTES))]
ClientKey = Annotated[str, StringConstraints(pattern=r"^[ -~]{1,64}$")]


class Message(View):
    """One entry of a thread (API.md, Messages). A deleted one keeps its place and says nothing.

    rootId: the message that its sub-conversation began with. mentions: users. authorId: null where a contact from outside speaks.
    """

    id: UUID
    thread_id: UUID
    seq: int
    sub_seq: int
    root_id: UUID | None
    author_id: UUID | None
    author_role: Role
    author_name: str | None
    channel: Channel
    message_type: MessageType
    content: str
    reply_to: UUID | None
    metadata: dict[str, Any]
    content_metadata: dict[str, Any]
    mentions: list[UUID]
    attachments: list[Attachment] = Field(default_factory=list)
    delivery_status: DeliveryStatus
    robot_id: str | None
    robot_response_to: UUID | None
    client_message_id: str | None
    created_at: Time
    edited_at: Time | None
    deleted_at: Time | None


class MessagePage(View):
    """Oldest first. `nextCursor` goes on the same way; by `after` it is never null.

    asOf: by `after`, and of the newest page, the next poll's `changedSince`. changed: what changed since, of the messages until then.
    """

    messages: list[Message]
    has_more: bool
    next_cursor: str | None
    as_of: str | None = None
    changed: list[Message] | None = None


class MessageNotFound(NotFound):
    """There is no such message, or it is not yours to see."""


class NoteIsNotAllowed(Forbidden):
    """Notes are for agents and admins."""


class RepliedMessageNotFound(Invalid):
    """The message that this replies to is not in this thread, or is deleted."""


class EditWindowIsOver(Conflict):
    """A message can be edited for five minutes."""


class MessageIsDeleted(Conflict):
    """The message is deleted."""


class DeliveryStatusDoesNotFollow(Conflict):
    """From where the message's delivery stands it does not go on to that."""


class NotTheAuthor(Forbidden):
    """Only its author may do this to a message."""


class PostMessage(Request):
    """Post to a thread as the caller (spec 1, Message Operations).

    Service accounts alone say `robot` and `system` messages, and what is not delivered yet; with the permission for it, they post for a
    contact from outside, whose name, contact and role they give.
    attachmentIds: files that the caller has uploaded to the thread; with them the content may be empty.
    """

    thread_id: UUID
    attachment_ids: AttachmentIds = Field(default_factory=list)  # copying a default takes 1 µs a post
    content: Content
    channel: Channel = Channel.IN_APP
    reply_to: UUID | None = None
    metadata: Metadata = Field(default_factory=dict)
    content_metadata: Metadata = Field(default_factory=dict)
    client_message_id: ClientKey | None = None
    message_type: MessageType = MessageType.CHAT
    delivery_status: DeliveryStatus = DeliveryStatus.DELIVERED
    robot_id: RobotId | None = None
    robot_response_to: UUID | None = None
    is_robot_visible_to_guests: bool = False
    author_name: Annotated[TrimmedText, Field(min_length=1, max_length=255)] | None = None
    author_contact: Annotated[TrimmedText, Field(min_length=1, max_length=255)] | None = None
    author_role: ContactRole | None = None


class EditMessage(Request):
    """Change the content of one's own message, within five minutes (spec 1). Service accounts move the delivery of theirs."""

    message_id: UUID
    content: EditedContent | None = None
    delivery_status: DeliveryStatus | None = None
    reason: Reason | None = None

    @model_validator(mode="after")
    def something_changes(self) -> "EditMessage":
        if self.content is None and self.delivery_status is None:
            raise ValueError("content or deliveryStatus is needed")
        return self


class DeleteMessage(Request):
    """Blank a message for its readers; again changes nothing."""

    message_id: UUID
    reason: Reason | None = None


class GetMessage(Request):
    message_id: UUID


class ListMessages(Request):
    """A page of a thread: the newest, or before or after a cursor or a message's id."""

    thread_id: UUID
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    before: Annotated[str, Field(max_length=500)] | None = None
    after: Annotated[str, Field(max_length=500)] | None = None
    changed_since: Annotated[str, Field(max_length=500)] | None = None

    @model_validator(mode="after")
    def one_direction(self) -> "ListMessages":
        if self.before is not None and self.after is not None:
            raise ValueError("before and after exclude each other")
        if self.changed_since is not None and self.after is None:
            raise ValueError("changedSince goes with after")
        return self


class ListReplies(Request):
    """The sub-conversation that began with a message, oldest first; of a message within one, what replies to it."""

    message_id: UUID
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=500)] | None = None


POST_MESSAGE = Operation(
    PostMessage,
    Message,
    called_by=[GATEWAY],
    refuses=[
        ThreadNotFound,
        ThreadIsArchived,
        ThreadIsClosed,
        ThreadIsReadOnlyForYou,
        NoteIsNotAllowed,
        RepliedMessageNotFound,
        AttachmentIsNotUsable,
        PermissionIsMissing,
        RequestIsInvalid,
    ],
    keyed=True,
)
EDIT_MESSAGE = Operation(
    EditMessage,
    Message,
    called_by=[GATEWAY],
    refuses=[
        MessageNotFound,
        ThreadIsArchived,
        ThreadIsClosed,
        ThreadIsReadOnlyForYou,
        NotTheAuthor,
        MessageIsDeleted,
        EditWindowIsOver,
        DeliveryStatusDoesNotFollow,
        PermissionIsMissing,
        RequestIsInvalid,
    ],
)
DELETE_MESSAGE = Operation(
    DeleteMessage, Message, called_by=[GATEWAY], refuses=[MessageNotFound, ThreadIsArchived, ThreadIsReadOnlyForYou, NotTheAuthor]
)
GET_MESSAGE = Operation(GetMessage, Message, called_by=[GATEWAY, ATTACHMENTS], refuses=[MessageNotFound])
LIST_MESSAGES = Operation(ListMessages, MessagePage, called_by=[GATEWAY], refuses=[ThreadNotFound, CursorIsNotValid], coalesced=False)
LIST_REPLIES = Operation(ListReplies, MessagePage, called_by=[GATEWAY], refuses=[MessageNotFound, CursorIsNotValid], coalesced=False)


class MessagePosted(Event):
    """A message is in its thread, for everyone who may read the thread."""

    message: Message


class MessageEdited(Event):
    """A message says something else now, or its delivery went on."""

    message: Message


class MessageDeleted(Event):
    """A message is deleted; its place stays."""

    message: Message


class NotePosted(Event):
    """A note is in its thread, for agents and admins."""

    message: Message


class NoteEdited(Event):
    """A note says something else now."""

    message: Message


class NoteDeleted(Event):
    """A note is deleted."""

    message: Message
