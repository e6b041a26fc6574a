"""Events into JetStream, in atomic batches (ADR-50)."""

import asyncio
import json
from collections.abc import Sequence
from typing import NamedTuple

import asyncpg
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from shared.identifiers import new_id
from shared.messaging.streams import EVENTS

PATIENCE = 5.0
_WRONG_LAST_SEQUENCE, _DUPLICATE_IN_BATCH = 10071, 10201


class NotAcknowledged(NatsError):
    """JetStream did not take a batch."""

    def __init__(self, code: int | None, description: str) -> None:
        super().__init__(description)
        self.code, self.description = code, description

    def __str__(self) -> str:
        return self.description


class SomebodyElsePublished(NotAcknowledged):
    """The service's newest event in the stream is not the one that we know."""


class DuplicateInBatch(NotAcknowledged):
    """JetStream has one of the batch's events already, and refuses them all."""


class Acknowledged(NamedTuple):
    """The sequence of the batch's last event; those of the others run up to it."""

    seq: int
    duplicate: bool


class Batches:
    """Publishes batches one after the other; the answers come to `inbox`."""

    def __init__(self, client: Client, inbox: str) -> None:
        self._client, self._inbox = client, inbox
        self._acknowledgement: asyncio.Future[Msg] | None = None
        self._count = 0

    async def open(self) -> None:
        await self._client.subscribe(f"{self._inbox}.*", cb=self._take)

    async def publish(self, rows: Sequence[asyncpg.Record], condition: str = "") -> Acknowledged:
        """Publish all or none. `condition` is header lines for the first event, on which JetStream makes the batch depend."""
        self._count += 1
        self._acknowledgement = asyncio.get_running_loop().create_future()
        frame = batch_frame(rows, f"{self._inbox}.{self._count}", condition)
        if not self._client.is_connected:
            raise NotAcknowledged(None, "the connection is away")
        # What `Client.publish` does, once for a batch: with its checks of each header it takes 36 µs an event, this takes 6.
        await self._client._send_command(frame)
        await self._client._flush_pending()
        return _read(await asyncio.wait_for(self._acknowledgement, PATIENCE))

    def give_up(self) -> None:
        """The connection is gone, and with it the acknowledgement."""
        if self._acknowledgement is not None and not self._acknowledgement.done():
            self._acknowledgement.set_exception(NotAcknowledged(None, "the connection broke"))

    async def _take(self, message: Msg) -> None:
        """An acknowledgement; one that nobody waits for any more is dropped."""
        waiting = self._acknowledgement
        if waiting is not None and not waiting.done() and message.subject == f"{self._inbox}.{self._count}":
            waiting.set_result(message)


def _read(answer: Msg) -> Acknowledged:
    if answer.headers and answer.headers.get("Status") == "503":
        raise NotAcknowledged(503, f"there is no stream {EVENTS}")
    said = json.loads(answer.data)
    if error := said.get("error"):
        kind = {_WRONG_LAST_SEQUENCE: SomebodyElsePublished, _DUPLICATE_IN_BATCH: DuplicateInBatch}.get(error["err_code"], NotAcknowledged)
        raise kind(error["err_code"], error["description"])
    return Acknowledged(said["seq"], said.get("duplicate", False))


def batch_frame(rows: Sequence[asyncpg.Record], reply: str, condition: str) -> bytes:
    """The protocol's bytes of a batch; its last event commits it."""
    if len(rows) == 1:
        return event_frame(rows[0], f" {reply}", condition)
    batch, last = new_id().hex, len(rows)
    parts = []
    for place, row in enumerate(rows, start=1):
        headers = f"Nats-Batch-Id: {batch}\r\nNats-Batch-Sequence: {place}\r\n"
        if place == 1:
            parts.append(event_frame(row, "", headers + condition))
        elif place == last:
            parts.append(event_frame(row, f" {reply}", f"{headers}Nats-Batch-Commit: 1\r\n"))
        else:
            parts.append(event_frame(row, "", headers))
    return b"".join(parts)


def event_frame(row: asyncpg.Record, reply: str, extra: str) -> bytes:
    """One event as a message: CloudEvents 1.0 in binary mode, its attributes in the headers."""
    _, event_id, subject, data, trace, occurred_at, *_ = row
    _, owner, name, version, _, key = subject.split(".")
    header = (
        f"NATS/1.0\r\nNats-Msg-Id: {event_id}\r\n{extra}"
        f"ce-specversion: 1.0\r\nce-id: {event_id}\r\nce-source: /atrium/{owner}\r\nce-type: {owner}.{name}.{version}\r\n"
        f"ce-subject: {key}\r\nce-time: {occurred_at.isoformat(timespec='milliseconds')}\r\n"
        f"ce-dataschema: /schemas/{owner}.{name}.{version}.json\r\ncontent-type: application/json\r\n"
        + (f"traceparent: {trace}\r\n\r\n" if trace else "\r\n")
    ).encode()
    body = data.encode()
    return b"HPUB %b%b %d %d\r\n%b%b\r\n" % (subject.encode(), reply.encode(), len(header), len(header) + len(body), header, body)
