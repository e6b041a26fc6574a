"""A relay in a process of its own, for tests that kill or freeze it."""

import asyncio
import sys

from shared.database.connections import Database
from shared.outbox.relay import Relay


async def main(url: str, nats_url: str, password: str) -> None:
    database = Database(url, "messages", connections=2)
    await database.open()
    relay = Relay("messages", database, url, nats_url, password)
    await relay.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
