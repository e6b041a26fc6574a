"""The stream of events and its consumers: the operator's alone to make."""

import asyncio

from nats.errors import Error as NatsError

from shared.application import CannotStart
from shared.credentials import OPERATOR
from shared.messaging.connection import close, connect
from shared.messaging.streams import declare_events
from shared.settings import Settings

_PATIENCE = 5.0


async def declare_stream(url: str, password: str, settings: Settings) -> None:
    """Make them, or bring them up to date."""
    try:
        async with asyncio.timeout(_PATIENCE):
            client = await connect(url, OPERATOR, password, name="atrium")
        await declare_events(client.jetstream(), settings)
    except (OSError, NatsError) as error:
        raise CannotStart(f"The stream of events could not be declared ({error or type(error).__name__}): see `atrium doctor`.") from error
    await close(client)
