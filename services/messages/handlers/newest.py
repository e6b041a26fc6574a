"""How far the messages of a thread go, for those who come in."""

from services.messages.service import Service
from shared.contracts.messages.newest import FindNewestMessage, NewestMessage
from shared.contracts.principal import Principal


async def find_newest_message(request: FindNewestMessage, caller: Principal, service: Service) -> NewestMessage:
    return NewestMessage(at=await service.newest.at(caller.workspace_id, request.thread_id))
