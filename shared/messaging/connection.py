"""A connection to NATS, as one service's own user."""

import os
import signal
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import structlog
from nats.aio.client import Client

log = structlog.get_logger()

RECONNECT_WAIT = 0.25  # seconds


def inbox_prefix(user: str) -> str:
    """Every user has its own: on the shared `_INBOX.>` anyone could read everyone's replies."""
    return f"_INBOX_{user}"


def sign_in(url: str, user: str, password: str | None) -> dict[str, str]:
    """User and password for a server; none when the URL carries its own."""
    return {} if "@" in urlsplit(url).netloc or password is None else {"user": user, "password": password}


async def connect(
    url: str,
    user: str,
    password: str | None,
    *,
    name: str,
    on_disconnect: Callable[[], Awaitable[None]] | None = None,
    on_reconnect: Callable[[], Awaitable[None]] | None = None,
) -> Client:
    """Connect, and reconnect for ever.

    Nothing is buffered while the connection is away: a request sent late would act after its caller was told 503.
    """

    async def failed(error: Exception) -> None:
        log.warning("nats_error", name=name, error=str(error) or type(error).__name__)

    async def closed() -> None:
        if not client.options.get("closing"):
            log.error("nats_connection_closed", name=name)
            os.kill(os.getpid(), signal.SIGTERM)  # a process without its broker is of no use; whoever runs it starts it again

    client = Client()
    await client.connect(
        url,
        name=name,
        **sign_in(url, user, password),  # type: ignore[arg-type]
        inbox_prefix=inbox_prefix(user),
        pending_size=0,
        max_reconnect_attempts=-1,
        reconnect_time_wait=RECONNECT_WAIT,  # type: ignore[arg-type]
        connect_timeout=3,
        ping_interval=5,
        error_cb=failed,
        closed_cb=closed,
        disconnected_cb=on_disconnect,
        reconnected_cb=on_reconnect,
    )
    return client


async def close(client: Client) -> None:
    """Close on purpose, which ends no process."""
    client.options["closing"] = True
    if not client.is_closed:
        await client.close()
