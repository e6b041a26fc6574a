"""Builds the messages service; nothing else does."""

from services.messages.consumers import follow_files, note_parts
from services.messages.handlers import artifacts, messages, newest, reading, receipts
from services.messages.partitions import Partitions
from services.messages.repository.artifacts import Artifacts
from services.messages.repository.history import History
from services.messages.repository.messages import Messages
from services.messages.repository.newest import NewestMessages
from services.messages.repository.pages import Pages
from services.messages.repository.posts import FORGET_KEYS, Posts
from services.messages.repository.receipts import Receipts
from services.messages.repository.unread import UnreadMessages
from services.messages.service import Service
from services.messages.settings import Settings
from shared.application import Dependency
from shared.contracts.messages.artifacts import DESCRIBE_ARTIFACTS, LIST_ARTIFACTS
from shared.contracts.messages.files import FIND_DELETED_MESSAGE, GET_MESSAGE_OF_ATTACHMENT
from shared.contracts.messages.history import GET_MESSAGE_HISTORY
from shared.contracts.messages.messages import DELETE_MESSAGE, EDIT_MESSAGE, GET_MESSAGE, LIST_MESSAGES, LIST_REPLIES, POST_MESSAGE
from shared.contracts.messages.newest import FIND_NEWEST_MESSAGE
from shared.contracts.messages.receipts import GET_UNREAD, LIST_RECEIPTS, MARK_DELIVERED, MARK_READ, MARK_THREADS_READ, MARK_UNREAD
from shared.contracts.messages.unread import COUNT_UNREAD
from shared.contracts.subscriptions import MESSAGES_FILES, MESSAGES_PARTS
from shared.foundation import Foundation
from shared.messaging.consumers import EventConsumers
from shared.messaging.local import Process
from shared.messaging.responder import Responder


class MessagesApplication:
    name = "messages"

    def __init__(self, settings: Settings, *, process: Process | None = None) -> None:
        # Planning a page over two years of partitions anew takes 1 ms, four times as long as reading it.
        self._foundation = foundation = Foundation(
            self.name, settings, process, {"plan_cache_mode": "force_generic_plan"}, forgets=[FORGET_KEYS]
        )
        self._partitions = Partitions(foundation.background)
        database, poke = foundation.database, foundation.relay.poke
        service = Service(
            call=foundation.caller,
            posts=Posts(database, poke),
            messages=Messages(database, poke),
            pages=Pages(database),
            history=History(database, poke),
            receipts=Receipts(database, poke),
            unread=UnreadMessages(database),
            newest=NewestMessages(database),
            artifacts=Artifacts(database, foundation.background),
        )
        self._consumers = EventConsumers(self.name, foundation.background, foundation.nats_url, foundation.nats_password)
        self._consumers.react(MESSAGES_PARTS, note_parts)
        self._consumers.react(MESSAGES_FILES, follow_files)
        foundation.responder.serve_together(POST_MESSAGE, messages.post_message, service)
        _serve(foundation.responder, service)

    async def start(self) -> None:
        await self._foundation.open()
        await self._partitions.start()
        await self._consumers.start()
        await self._foundation.serve()

    async def stop(self) -> None:
        await self._consumers.stop()
        await self._partitions.stop()
        await self._foundation.close()

    async def health(self) -> dict[str, Dependency]:
        return await self._foundation.health()


def _serve(responder: Responder, service: Service) -> None:
    responder.serve(GET_MESSAGE, reading.get_message, service)
    responder.serve(GET_MESSAGE_OF_ATTACHMENT, reading.get_message_of_attachment, service)
    responder.serve_anonymous(FIND_DELETED_MESSAGE, reading.find_deleted_message, service)
    responder.serve(LIST_MESSAGES, reading.list_messages, service)
    responder.serve(LIST_REPLIES, reading.list_replies, service)
    responder.serve(GET_MESSAGE_HISTORY, reading.get_message_history, service)
    responder.serve(EDIT_MESSAGE, messages.edit_message, service)
    responder.serve(DELETE_MESSAGE, messages.delete_message, service)
    responder.serve(FIND_NEWEST_MESSAGE, newest.find_newest_message, service)
    responder.serve_together(COUNT_UNREAD, receipts.count_unread, service)
    responder.serve(GET_UNREAD, receipts.get_unread, service)
    responder.serve(MARK_READ, receipts.mark_read, service)
    responder.serve(MARK_UNREAD, receipts.mark_unread, service)
    responder.serve(MARK_DELIVERED, receipts.mark_delivered, service)
    responder.serve(MARK_THREADS_READ, receipts.mark_threads_read, service)
    responder.serve(LIST_RECEIPTS, receipts.list_receipts, service)
    responder.serve(DESCRIBE_ARTIFACTS, artifacts.describe_artifacts, service)
    responder.serve_anonymous(LIST_ARTIFACTS, artifacts.list_artifacts, service)


def build(process: Process | None = None) -> MessagesApplication:
    return MessagesApplication(Settings(), process=process)
