"""What the users of NATS may not do, tried as one of them against the real server."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NoAnswer
from nats.js.api import ConsumerConfig

from shared.contracts.messages.messages import POST_MESSAGE
from shared.contracts.threads.access import CHECK_ACCESS
from shared.messaging.connection import inbox_prefix
from shared.messaging.permissions import NATS_CONF, configuration
from shared.messaging.streams import EVENTS
from tests.servers import Servers

USER = "messages"


class Messages:
    """A connection as the user `messages`, and what the server refused it."""

    def __init__(self, client: Client) -> None:
        self.client, self.refused = client, asyncio.Queue[str]()

    async def refusal(self) -> str:
        return await asyncio.wait_for(self.refused.get(), 2)

    async def nothing_refused(self) -> bool:
        await self.client.flush()
        await asyncio.sleep(0.05)
        return self.refused.empty()


@pytest_asyncio.fixture
async def messages(servers: Servers) -> AsyncIterator[Messages]:
    client = Client()
    user = Messages(client)

    async def refused(error: Exception) -> None:
        user.refused.put_nowait(str(error))

    await client.connect(
        servers.nats_url,
        user=USER,
        password=servers.credentials.nats[USER],
        inbox_prefix=inbox_prefix(USER).encode(),
        error_cb=refused,
    )
    yield user
    await client.close()


@pytest.mark.parametrize(
    "subject",
    [
        "event.threads.thread_opened.v1._.key",
        POST_MESSAGE.subject,
        "request.threads.open_thread.v1",
        "wake.threads.outbox",
        "_INBOX.anybody",
        "_INBOX_identity.somebody",
        f"$JS.API.STREAM.DELETE.{EVENTS}",
        f"$JS.API.STREAM.PURGE.{EVENTS}",
        f"$JS.API.STREAM.UPDATE.{EVENTS}",
        f"$JS.API.STREAM.MSG.DELETE.{EVENTS}",
        f"$JS.API.STREAM.MSG.GET.{EVENTS}",
        f"$JS.API.DIRECT.GET.{EVENTS}",
        "$JS.API.STREAM.CREATE.OTHER",
        f"$JS.API.CONSUMER.CREATE.{EVENTS}.any.event.threads.>",
        f"$JS.API.CONSUMER.CREATE.{EVENTS}.relay-messages.event.threads.>",
        f"$JS.API.CONSUMER.CREATE.{EVENTS}",
        f"$JS.API.CONSUMER.DELETE.{EVENTS}.threads-activity",
        f"$JS.API.CONSUMER.MSG.NEXT.{EVENTS}.threads-activity",
        f"$JS.ACK.{EVENTS}.threads-activity.1.1.1.1.1",
    ],
)
async def test_messages_may_not_publish(messages: Messages, subject: str) -> None:
    await messages.client.publish(subject, b"{}")
    assert f'permissions violation for publish to "{subject}"' in (await messages.refusal()).lower().replace(subject.lower(), subject)


@pytest.mark.parametrize(
    "subject", ["_INBOX.>", "_INBOX_gateway.>", "_INBOX_threads.>", "event.>", "request.threads.>", "request.>", ">", "$JS.>"]
)
async def test_messages_may_not_subscribe(messages: Messages, subject: str) -> None:
    await messages.client.subscribe(subject)
    assert f'permissions violation for subscription to "{subject}"' in (await messages.refusal()).lower().replace(subject.lower(), subject)


async def test_messages_may_say_answer_and_ask_what_is_theirs(messages: Messages) -> None:
    await messages.client.subscribe(POST_MESSAGE.subject, queue=USER)
    await messages.client.subscribe("wake.messages.outbox")
    await messages.client.publish("event.messages.message_posted.v1.elsewhere", b"{}")
    await messages.client.publish("wake.messages.outbox")
    await messages.client.publish("_INBOX_gateway.answer")
    await messages.client.publish(CHECK_ACCESS.subject, b"{}")
    assert await messages.nothing_refused()


async def test_the_stream_cannot_be_deleted_by_a_service(messages: Messages) -> None:
    jetstream = messages.client.jetstream(timeout=0.5)
    with pytest.raises((NoAnswer, NatsError)):
        await jetstream.delete_stream(EVENTS)
    assert (await jetstream.stream_info(EVENTS)).config.subjects == ["event.>"]


async def test_a_relays_consumer_cannot_be_widened_to_events_of_others(messages: Messages) -> None:
    """The subject of the request says its own events, the content says all: the server compares them."""
    config = ConsumerConfig(name="relay-messages", filter_subject="event.>").as_dict()
    answer = await messages.client.request(
        f"$JS.API.CONSUMER.CREATE.{EVENTS}.relay-messages.event.messages.>",
        json.dumps({"stream_name": EVENTS, "config": config}).encode(),
        timeout=1,
    )
    assert b'"error"' in answer.data


async def test_nobody_without_a_password_gets_in(servers: Servers) -> None:
    client = Client()
    with pytest.raises(NatsError):
        await client.connect(servers.nats_url, allow_reconnect=False, max_reconnect_attempts=1)


def test_the_configuration_for_compose_is_the_one_of_the_contracts() -> None:
    assert NATS_CONF.read_text() == configuration(), "run `python -m shared.messaging.permissions`"
