"""How far a thread's messages go, asked of messages when somebody comes in."""

from uuid import UUID

from shared.contracts.messages.newest import FIND_NEWEST_MESSAGE, FindNewestMessage, NewestMessage
from shared.contracts.principal import Principal
from shared.contracts.refusals import ServiceIsUnavailable
from shared.messaging.caller import Caller


class NewestMessages:
    def __init__(self, call: Caller) -> None:
        self._call = call

    async def if_there(self, thread_id: UUID, caller: Principal) -> NewestMessage | None:
        """None while messages is away: nobody can say then."""
        try:
            return await self._call(FIND_NEWEST_MESSAGE, FindNewestMessage(thread_id=thread_id), caller)
        except ServiceIsUnavailable:
            return None
