"""The files of messages that are about to be posted. Attachments is asked only where there are any, for all that came together at once."""

from collections.abc import Mapping

from services.messages.files import Files
from services.messages.service import Service
from shared.contracts.attachments.claims import CLAIM_ATTACHMENTS, ClaimAttachments
from shared.contracts.messages.messages import PostMessage
from shared.contracts.principal import Principal
from shared.contracts.refusals import Refusal
from shared.messaging.work import Ask


async def files_claimed(posts: Mapping[int, Ask[PostMessage, Principal]], service: Service) -> dict[int, Files | Refusal]:
    """By place, the files that a post may have, or why it may not."""
    if not posts:
        return {}
    asks = [
        Ask(ClaimAttachments(thread_id=post.request.thread_id, attachment_ids=post.request.attachment_ids), post.caller, post.context)
        for post in posts.values()
    ]
    try:
        answers = await service.call.together(CLAIM_ATTACHMENTS, asks)
    except Refusal as away:
        return dict.fromkeys(posts, away)
    return {
        place: answer if isinstance(answer, Refusal) else Files(answer.attachments, answer.versions)
        for place, answer in zip(posts, answers, strict=True)
    }
