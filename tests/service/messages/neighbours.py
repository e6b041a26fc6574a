"""A stand-in for attachments: it answers what messages asks of it, over the real NATS, from what a test tells it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar
from uuid import UUID

from shared.contracts.attachments.attachments import Attachment, AttachmentChanged, Change, ScanStatus
from shared.contracts.attachments.claims import CLAIM_ATTACHMENTS, AttachmentIsNotUsable, ClaimAttachments, ClaimedAttachments
from shared.contracts.messages.messages import Message
from shared.contracts.principal import Principal
from shared.contracts.refusals import FieldError
from shared.identifiers import new_id
from tests.service.stand_in import Answers, StandIn


@dataclass
class FakeAttachments(StandIn):
    """Answers CLAIM_ATTACHMENTS with what a test has uploaded, and whoever asks gets it."""

    there: dict[UUID, Attachment] = field(default_factory=dict)
    asked: list[ClaimAttachments] = field(default_factory=list)
    service: ClassVar[str] = "attachments"

    def answers(self) -> Answers:
        return {CLAIM_ATTACHMENTS: claim_attachments}

    def upload(self, thread_id: UUID, caller: Principal) -> Attachment:
        """A file, of version 1."""
        identifier = new_id()
        made = self.there[identifier] = Attachment(
            id=identifier,
            thread_id=thread_id,
            message_id=None,
            filename="a.png",
            url=f"/api/collab/attachments/{identifier}",
            size=5,
            mime_type="image/png",
            sha256="0" * 64,
            scan_status=ScanStatus.PENDING,
            scan_result=None,
            width=None,
            height=None,
            duration=None,
            waveform=None,
            preview_available=False,
            thumbnail_url=None,
            uploaded_by_id=caller.user_id,
            uploaded_by_role=caller.role,
            uploaded_by_name=caller.name,
            created_at=datetime.now(UTC).replace(microsecond=0),
        )
        return made


async def claim_attachments(request: ClaimAttachments, caller: Principal, attachments: FakeAttachments) -> ClaimedAttachments:
    attachments.asked.append(request)
    missing = [place for place, identifier in enumerate(request.attachment_ids) if identifier not in attachments.there]
    if missing:
        errors = [FieldError(field=f"attachmentIds.{place}", code="not_usable", detail="It is not there.") for place in missing]
        raise AttachmentIsNotUsable(errors=errors)
    found = [attachments.there[identifier] for identifier in request.attachment_ids]
    return ClaimedAttachments(attachments=found, versions=[1] * len(found))


def scanned(message: Message, place: int = 0, *, version: int = 2, status: ScanStatus = ScanStatus.CLEAN) -> AttachmentChanged:
    """The scan of one of a message's files went on."""
    file = message.attachments[place].model_copy(update={"scan_status": status})
    return AttachmentChanged(entity_id=file.id, version=version, change=Change.SCANNED, attachment=file)


def deleted(message: Message, place: int = 0, *, version: int = 9) -> AttachmentChanged:
    """One of a message's files is gone."""
    file = message.attachments[place]
    return AttachmentChanged(entity_id=file.id, version=version, change=Change.DELETED, attachment=file)
