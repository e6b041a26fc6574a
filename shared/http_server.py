"""uvicorn on a socket of our own, started and stopped by whoever runs the process."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Literal

import uvicorn
from uvicorn._types import ASGI3Application

from shared.application import CannotStart

GRACE = 5  # seconds in which running requests may end
IDLE = 75  # seconds that a connection may wait for its next request: longer than proxies keep theirs


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are for the process, which stops all its services in order."""
        yield


class HttpServer:
    """Serves one ASGI app. `setting` is the setting that chose the port, for the one who reads that it is taken.

    shared_port: whether other processes of ours listen on the port too; the system gives each its part of the connections.
    trusted_proxies: addresses whose X-Forwarded-For is believed, with commas between.
    """

    def __init__(
        self,
        app: ASGI3Application,
        host: str,
        port: int,
        *,
        setting: str,
        protocol: type[asyncio.Protocol] | Literal["httptools"] = "httptools",
        sockets: type[asyncio.Protocol] | Literal["none"] = "none",
        trusted_proxies: str = "",
        shared_port: bool = False,
    ) -> None:
        self._shared_port = shared_port
        self._host, self._port, self._setting = host, port, setting
        self._server = _Server(
            uvicorn.Config(
                app,
                interface="asgi3",  # uvicorn takes a bound method for ASGI 2
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=IDLE,
                timeout_graceful_shutdown=GRACE,
                http=protocol,
                ws=sockets,
                proxy_headers=bool(trusted_proxies),
                forwarded_allow_ips=trusted_proxies,
            )
        )
        self._serving: asyncio.Task[None] | None = None
        self.url = ""

    async def start(self) -> None:
        listener = self._bound()
        port = listener.getsockname()[1]
        self.url = f"http://{f'[{self._host}]' if ':' in self._host else self._host}:{port}"
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        while not self._server.started:
            if self._serving.done():
                self._serving.result()
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Accept nothing new, let running requests end, close."""
        if self._serving is not None:
            self._server.should_exit = True
            await self._serving
            self._serving = None

    def _bound(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.socket(
            family, socket.SOCK_STREAM, socket.IPPROTO_TCP
        )  # asyncio sends small answers at once only where TCP is named
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self._shared_port:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            listener.bind((self._host, self._port))
            listener.listen(2048)
        except OSError as error:
            listener.close()
            reason = error.strerror or str(error)
            raise CannotStart(
                f"Port {self._port} of {self._host} cannot be used ({reason}): set {self._setting} to another, or stop what has it."
            ) from error
        listener.setblocking(False)
        return listener
