"""The process of all clients, as the bench speaks to it."""

import asyncio
import signal
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

import uvloop

from tests.bench.realtime.clients import AT_ONCE, Back, Burst, Clients, Told


class Crowd:
    """A call goes through a pipe, and is answered when all of it was done."""

    async def __aenter__(self) -> "Crowd":
        context = get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_run, args=(other,), daemon=True)
        self._process.start()
        other.close()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.terminate()
        self._process.join()

    async def open(self, name: str, port: int, path: str, tokens: Sequence[str], at_once: int = AT_ONCE) -> None:
        await self._call("open", name, port, path, tokens, at_once)

    async def close(self, name: str) -> None:
        await self._call("close", name)

    async def renew(self, name: str, tokens: Sequence[str]) -> None:
        await self._call("renew", name, tokens)

    async def singly(self, name: str, port: int, requests: Sequence[bytes], posts: int) -> Told:
        told: Told = await self._call("singly", name, port, requests, posts)
        return told

    async def burst(self, name: str, port: int, requests: Sequence[bytes], posts: int, clients: int) -> Burst:
        burst: Burst = await self._call("burst", name, port, requests, posts, clients)
        return burst

    async def paced(self, name: str, port: int, requests: Sequence[bytes], per_second: float, seconds: float) -> Told:
        told: Told = await self._call("paced", name, port, requests, per_second, seconds)
        return told

    async def come_back(self, name: str, port: int, path: str, tokens: Sequence[str], behind: int) -> Back:
        back: Back = await self._call("come_back", name, port, path, tokens, behind)
        return back

    async def unexpected(self) -> dict[str, int]:
        unexpected: dict[str, int] = await self._call("unexpected")
        return unexpected

    async def cpu_seconds(self) -> float:
        seconds: float = await self._call("cpu_seconds")
        return seconds

    async def _call(self, name: str, *arguments: object) -> Any:
        self._pipe.send((name, arguments))
        answer = await asyncio.to_thread(self._pipe.recv)
        if isinstance(answer, Exception):
            raise answer
        return answer


def _run(pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the bench, which ends this process in order
    uvloop.run(_serve(pipe))


async def _serve(pipe: Connection) -> None:
    clients = Clients()
    while True:
        name, arguments = await asyncio.to_thread(pipe.recv)
        try:
            answer = await getattr(clients, name)(*arguments)
        except Exception as error:
            answer = RuntimeError(f"{name}: {error!r}; {await clients.unexpected()}")
        pipe.send(answer)
