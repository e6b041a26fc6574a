"""Clients that post over HTTP."""

import asyncio
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from itertools import count, cycle
from time import perf_counter
from typing import cast, override

from tests.bench.http import Response
from tests.bench.load import KEY
from tests.processes import HOST

CREATED = 201
PACED = 64
"""Clients, where posts come at a pace."""


class _Client(asyncio.Protocol):
    """Asks, and waits for the answer."""

    def __init__(self) -> None:
        self.response = Response()
        self.closed = False
        self._answered: asyncio.Future[None] | None = None

    async def ask(self, request: bytes) -> None:
        """Until its answer is whole. Raises `ConnectionError`."""
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        await self._answered

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's are of no class of asyncio's

    @override
    def data_received(self, data: bytes) -> None:
        if self.response.feed(data) and self._answered is not None:
            self._answered.set_result(None)
            self._answered = None

    @override
    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        if self._answered is not None:
            self._answered.set_exception(ConnectionError(str(error or "closed")))

    def close(self) -> None:
        self._transport.close()


class Posting:
    """Sends posts, each with a mark of its own in its content, and remembers when."""

    def __init__(self, port: int, requests: Sequence[bytes], unexpected: Counter[str]) -> None:
        self.sent: dict[int, float] = {}
        """By mark."""
        self.answered = list[float]()
        """Seconds until each was acknowledged."""
        self._port, self._unexpected = port, unexpected
        self._requests: Iterator[bytes] = cycle(requests)
        self._idle: deque[_Client] = deque()
        """Those that waited longest come first: a server closes who is silent for long."""

    async def __aenter__(self) -> "Posting":
        return self

    async def __aexit__(self, *error: object) -> None:
        for client in self._idle:
            client.close()

    async def warm(self, clients: int) -> None:
        """Have so many connections open."""
        self._idle.extend([await self._client() for _ in range(clients - len(self._idle))])

    async def post(self, due: float | None = None) -> int:
        """The mark of what was posted. due: when it was to be sent, if it could not be sent in time."""
        mark = next(_marks)
        request = next(self._requests).replace(KEY, b"mark%012d" % mark)
        client = await self._free()
        begin = perf_counter()
        self.sent[mark] = begin if due is None else due
        try:
            await client.ask(request)
        except ConnectionError as error:
            self._unexpected[f"no answer: {error}"] += 1
            return mark
        self._idle.append(client)
        if client.response.status == CREATED:
            self.answered.append(perf_counter() - begin)
        else:
            self._unexpected[client.response.refusal] += 1
        return mark

    async def burst(self, posts: int, clients: int) -> None:
        """As fast as so many clients can."""
        left = iter(range(posts))

        async def some() -> None:
            for _ in left:
                await self.post()

        await asyncio.gather(*(some() for _ in range(clients)))

    async def paced(self, per_second: float, posts: int) -> None:
        """So many a second, by clients that have their connections, each when it is due or as soon as one of them is free."""
        await self.warm(PACED)
        few, tasks = asyncio.Semaphore(PACED), set[asyncio.Task[None]]()

        async def one(due: float) -> None:
            async with few:
                await self.post(due)

        begin = perf_counter()
        for number in range(posts):
            due = begin + number / per_second
            await asyncio.sleep(max(due - perf_counter(), 0))
            task = asyncio.create_task(one(due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)

    async def _free(self) -> _Client:
        while self._idle:
            client = self._idle.popleft()
            if not client.closed:
                return client
        return await self._client()

    async def _client(self) -> _Client:
        _, client = await asyncio.get_running_loop().create_connection(_Client, HOST, self._port)
        return client


_marks = count(1)
