"""Claims: a message takes its author's files."""

from services.attachments import domain
from services.attachments.service import Service
from shared.contracts.attachments.claims import AttachmentIsNotUsable, ClaimAttachments, ClaimedAttachments
from shared.contracts.principal import Principal
from shared.contracts.refusals import FieldError


async def claim_attachments(request: ClaimAttachments, caller: Principal, service: Service) -> ClaimedAttachments:
    """All or none. Whether the caller may post is for messages to ask."""
    claimed = await service.claims.claim(request, caller)
    if isinstance(claimed, set):
        detail = "It is not there, not yours, of another thread, in a message already, or was not found clean."
        raise AttachmentIsNotUsable(
            errors=[
                FieldError(field=f"attachmentIds.{place}", code="not_usable", detail=detail)
                for place, attachment_id in enumerate(request.attachment_ids)
                if attachment_id not in claimed or attachment_id in request.attachment_ids[:place]
            ]
        )
    return ClaimedAttachments(attachments=[domain.view(file) for file in claimed], versions=[file.version for file in claimed])
