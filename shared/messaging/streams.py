"""The one declaration of the stream of events. The operator's user declares it; services may neither change, purge nor delete it."""

from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, DiscardPolicy, RePublish, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from shared.contracts.subscriptions import Subscription
from shared.settings import Settings

EVENTS = "EVENTS"
SUBJECTS = "event.>"
LIVE_SUBJECTS = f"live.{SUBJECTS}"
"""Each event again as it is stored, with its sequence, for gateways: plain NATS, which keeps nothing."""

REPLAYING = "atrium-replaying"
"""In the stream's metadata while a replay fills it: relays wait until it is gone."""

DAY = 86_400.0
ACK_WAIT = 30.0
"""Seconds after which an event that a consumer was given and has said nothing about is given again."""


def events_stream(settings: Settings, *, first_seq: int | None = None, replaying: bool = False) -> StreamConfig:
    """A cache of what the outboxes hold: it lets go of the oldest, and never refuses a new event."""
    return StreamConfig(
        name=EVENTS,
        description="What happened in Atrium, for consumers and for clients that resume.",
        subjects=[SUBJECTS],
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.OLD,
        storage=StorageType.FILE,
        max_age=settings.events_retention_days * DAY,
        duplicate_window=settings.events_duplicate_window,
        allow_atomic=True,
        allow_direct=True,
        republish=RePublish(src=SUBJECTS, dest=LIVE_SUBJECTS),
        num_replicas=1,
        first_seq=first_seq,
        metadata={REPLAYING: "true"} if replaying else {},
    )


async def declare_events(js: JetStreamContext, settings: Settings) -> None:
    """Make the stream and its durable consumers, or bring them up to date. Run again, it changes nothing."""
    try:
        found = (await js.stream_info(EVENTS)).config
    except NotFoundError:
        await js.add_stream(events_stream(settings))
    else:
        replaying = REPLAYING in (found.metadata or {})
        await js.update_stream(events_stream(settings, first_seq=found.first_seq, replaying=replaying))
    await declare_consumers(js)


async def declare_consumers(js: JetStreamContext) -> None:
    for subscription in Subscription.known:
        await js.add_consumer(EVENTS, durable_consumer(subscription))


def durable_consumer(subscription: Subscription) -> ConsumerConfig:
    """How often an event is given is for the consumer to say, which parks what it cannot take: so there is no limit here."""
    return ConsumerConfig(
        name=subscription.consumer,
        durable_name=subscription.consumer,
        filter_subjects=list(subscription.subjects),
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT,
        max_ack_pending=2_000,
    )
