"""What the handlers work with."""

from dataclasses import dataclass
from uuid import UUID

from services.messages import domain
from services.messages.repository.artifacts import Artifacts
from services.messages.repository.history import History
from services.messages.repository.messages import Messages
from services.messages.repository.newest import NewestMessages
from services.messages.repository.pages import Pages
from services.messages.repository.posts import Posts
from services.messages.repository.receipts import Receipts
from services.messages.repository.rows import Stored
from services.messages.repository.unread import UnreadMessages
from shared.contracts.messages.messages import Message, MessageNotFound
from shared.contracts.principal import Principal
from shared.contracts.threads.access import CHECK_ACCESS, Access, CheckAccess, Right, ThreadNotFound
from shared.messaging.caller import Caller


@dataclass(frozen=True, slots=True)
class Service:
    call: Caller
    posts: Posts
    messages: Messages
    pages: Pages
    history: History
    receipts: Receipts
    unread: UnreadMessages
    newest: NewestMessages
    artifacts: Artifacts

    async def access(self, right: Right, thread_id: UUID, caller: Principal) -> Access:
        """What the caller may do in a thread: asked of threads each time, and answered before anything is done."""
        return await self.call(CHECK_ACCESS, CheckAccess(thread_id=thread_id, right=right), caller)

    async def readable(self, message_id: UUID, caller: Principal) -> tuple[Message, Access]:
        """A message that the caller may read, as it is stored. Hidden and missing are the same `MessageNotFound`."""
        message = (await self.stored(message_id, caller)).message
        try:
            access = await self.access(Right.READ, message.thread_id, caller)
        except ThreadNotFound:
            raise MessageNotFound from None
        if not domain.sight(access).sees(domain.hidden_from(message), message.created_at):
            raise MessageNotFound
        return message, access

    async def stored(self, message_id: UUID, caller: Principal) -> Stored:
        found = await self.messages.get(caller.workspace_id, message_id)
        if found is None:
            raise MessageNotFound
        return found

    async def seen(self, message_id: UUID, access: Access, caller: Principal) -> Message | None:
        """A message of a thread, if it is there for the caller to see."""
        return seen_in(await self.messages.get(caller.workspace_id, message_id), access)


def seen_in(found: Stored | None, access: Access) -> Message | None:
    """What was found, if it is in the thread and there for the caller to see."""
    if found is None or found.message.thread_id != access.thread_id:
        return None
    message = found.message
    return message if domain.sight(access).sees(domain.hidden_from(message), message.created_at) else None
