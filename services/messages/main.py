"""Builds the messages service; nothing else does."""

from services.messages import handlers
from services.messages.partitions import Partitions
from services.messages.repository.messages import Messages
from services.messages.repository.posts import FORGET_KEYS, Posts
from services.messages.settings import Settings
from shared.application import Dependency
from shared.contracts.messages.messages import DELETE_MESSAGE, EDIT_MESSAGE, GET_MESSAGE, LIST_MESSAGES, POST_MESSAGE
from shared.foundation import Foundation
from shared.messaging.local import Process


class MessagesApplication:
    name = "messages"

    def __init__(self, settings: Settings, *, process: Process | None = None) -> None:
        # Planning a page over two years of partitions anew takes 1 ms, four times as long as reading it.
        self._foundation = foundation = Foundation(
            self.name, settings, process, {"plan_cache_mode": "force_generic_plan"}, forgets=[FORGET_KEYS]
        )
        self._partitions = Partitions(foundation.background)
        service = handlers.Service(
            call=foundation.caller,
            posts=Posts(foundation.database, foundation.relay.poke),
            messages=Messages(foundation.database, foundation.relay.poke),
        )
        foundation.responder.serve_together(POST_MESSAGE, handlers.post_message, service)
        foundation.responder.serve(GET_MESSAGE, handlers.get_message, service)
        foundation.responder.serve(LIST_MESSAGES, handlers.list_messages, service)
        foundation.responder.serve(EDIT_MESSAGE, handlers.edit_message, service)
        foundation.responder.serve(DELETE_MESSAGE, handlers.delete_message, service)

    async def start(self) -> None:
        await self._foundation.open()
        await self._partitions.start()
        await self._foundation.serve()

    async def stop(self) -> None:
        await self._partitions.stop()
        await self._foundation.close()

    async def health(self) -> dict[str, Dependency]:
        return await self._foundation.health()


def build(process: Process | None = None) -> MessagesApplication:
    return MessagesApplication(Settings(), process=process)
