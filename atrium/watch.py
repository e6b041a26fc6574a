"""`atrium watch`: everything that one user may see, as it happens."""

import asyncio
import json
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import httpx2
import typer
from pydantic_core import from_json, to_json
from rich.console import Console
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from shared.application import CannotStart

type Json = dict[str, Any]

SIGN_IN_AGAIN, ACCESS_LOST = 4401, 4403
LONGEST_PAUSE = 30.0
EARLY = 60.0  # seconds before a token ends at which it is renewed
PATIENCE = 10.0


def watch(
    email: Annotated[str, typer.Option(help="Who follows.")],
    url: Annotated[str, typer.Option(help="The gateway.")] = "http://127.0.0.1:8080",
    thread: Annotated[list[UUID] | None, typer.Option("--thread", help="Only this thread; can be given more than once.")] = None,
    kind: Annotated[list[str] | None, typer.Option("--type", help="Only such events, as messagePosted; more than once.")] = None,
    cursor: Annotated[str | None, typer.Option("--from", metavar="CURSOR", help="Begin after this cursor; else now.")] = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Take the password from standard input.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One frame a line, as it came.")] = False,
) -> None:
    """Follow what a user may see until Ctrl-C. It comes back by itself, and misses nothing.

    Example: atrium watch --email ada@example.org --thread 0198c0de-0000-7000-8000-000000000000
    """
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else typer.prompt("Password", hide_input=True)
    watcher = Watcher(url.rstrip("/"), [str(one) for one in thread or ()], kind or [], as_json, cursor)
    try:
        asyncio.run(watcher.follow(email, password))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


@dataclass
class Watcher:
    """cursor: of the last frame that was shown; the next connection goes on from there."""

    url: str
    threads: Sequence[str]
    types: Sequence[str]
    as_json: bool
    cursor: str | None = None
    failures: int = 0
    signed_in: Json = field(default_factory=dict)
    console: Console = field(default_factory=lambda: Console(highlight=False))

    async def follow(self, email: str, password: str) -> None:
        self.signed_in = await self._ask("login", {"email": email, "password": password})
        while True:
            try:
                await self._follow()
            except ConnectionClosed as closed:
                await self._closed(closed)
            except (OSError, InvalidHandshake, TimeoutError) as error:
                self._say(f"not connected: {error or type(error).__name__}")
            except InvalidURI as error:
                raise CannotStart(f"--url is no address of a gateway: {error}") from error
            self.failures += 1
            await asyncio.sleep(random.uniform(0.5, 1) * min(2.0**self.failures / 2, LONGEST_PAUSE))

    async def _follow(self) -> None:
        address = f"ws{self.url.removeprefix('http')}/api/collab/ws"
        async with connect(address, open_timeout=PATIENCE, max_size=None) as socket:
            asked = {"type": "auth", "token": self.signed_in["accessToken"]} | ({"cursor": self.cursor} if self.cursor else {})
            if self.threads or self.types:
                await self._send(socket, asked | {"threads": self.threads, "types": self.types})
            else:
                await self._send(socket, asked)
            renewing = asyncio.create_task(self._renew(socket))
            try:
                async for text in socket:
                    self._take(text)
            finally:
                renewing.cancel()
            raise ConnectionClosed(socket.protocol.close_rcvd, socket.protocol.close_sent)

    def _take(self, text: str | bytes) -> None:
        frame: Json = from_json(text)
        self.failures = 0
        self.cursor = frame.get("cursor", self.cursor)
        if frame["type"] in ("reply", "heartbeat"):
            return
        if self.as_json:
            typer.echo(text)
        elif frame["type"] == "refused":
            raise CannotStart(f"{frame['code']}: {frame['detail']}")
        elif frame["type"] == "ready":
            self._say("connected")
        elif frame["type"] == "reset":
            self._say(f"what happened meanwhile is not there any more ({frame['data']['reason']}): look at the threads themselves")
        else:
            self._show(frame)

    async def _closed(self, closed: ConnectionClosed) -> None:
        code = closed.rcvd.code if closed.rcvd else 1006
        reason = closed.rcvd.reason if closed.rcvd else "the connection broke"
        if code == ACCESS_LOST:
            raise CannotStart(f"Access was lost: {reason}.")
        self._say(f"closed, {code}: {reason}")
        if code == SIGN_IN_AGAIN:
            await self._refresh()

    async def _renew(self, socket: ClientConnection) -> None:
        """A new token before the old one ends, on the open socket."""
        while True:
            left = datetime.fromisoformat(self.signed_in["expiresAt"]) - datetime.now(UTC)
            await asyncio.sleep(max(left.total_seconds() - EARLY, 1))
            await self._refresh()
            await self._send(socket, {"type": "auth", "token": self.signed_in["accessToken"]})

    async def _refresh(self) -> None:
        self.signed_in = await self._ask("refresh", {"refreshToken": self.signed_in["refreshToken"]})

    async def _ask(self, what: str, body: Json) -> Json:
        """Raises `CannotStart` where it is refused, OSError where nobody answers."""
        try:
            async with httpx2.AsyncClient(base_url=self.url, timeout=PATIENCE) as http:
                answer = await http.post(f"/api/auth/{what}", json=body)
        except httpx2.HTTPError as error:
            if what == "login":
                raise CannotStart(f"{self.url} cannot be reached: {error}") from error
            raise OSError(f"{self.url} cannot be reached: {error}") from error
        if answer.status_code >= 500 and what != "login":
            raise OSError(f"{self.url} answers {answer.status_code}")
        found: Json = answer.json()
        if answer.status_code != 200:
            raise CannotStart(f"{found.get('code')}: {found.get('detail')}")
        return found

    async def _send(self, socket: ClientConnection, frame: Json) -> None:
        await socket.send(to_json(frame).decode())

    def _say(self, text: str) -> None:
        if not self.as_json:
            self.console.print(f"[dim]{text}[/]", markup=True, soft_wrap=True)

    def _show(self, frame: Json) -> None:
        time = datetime.now(UTC).strftime("%H:%M:%S")
        self.console.print(f"[dim]{time}[/] [bold]{frame['type']}[/] [dim]{frame.get('cursor', '')}[/]")
        self.console.print(json.dumps(frame["data"], ensure_ascii=False), style="dim", markup=False, soft_wrap=True)
