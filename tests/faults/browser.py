"""Chromium, as somebody's browser: a page of some origin, and what its scripts find. It is driven over its DevTools protocol."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import websockets
from pydantic_core import from_json, to_json

from tests.faults.house import eventually
from tests.installed import installed
from tests.processes import HOST

PATIENCE = 20.0
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-port=0")


class Page:
    """A tab that shows one address."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self._socket, self._numbers = socket, count(1)

    async def ask(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        await self._socket.send(to_json({"id": number, "method": method, "params": parameters}).decode())
        async with asyncio.timeout(PATIENCE):
            while (answer := from_json(await self._socket.recv())).get("id") != number:
                pass
        assert "error" not in answer, answer
        return answer["result"]

    async def go(self, url: str) -> None:
        await self.ask("Page.navigate", url=url)

        async def is_there() -> bool:
            return bool(await self.run(f"location.href.startsWith({to_json(url).decode()}) && document.readyState === 'complete'"))

        await eventually(is_there, f"{url} is shown")

    async def run(self, script: str) -> Any:
        """The value of an expression, when it is settled."""
        done = await self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")


@asynccontextmanager
async def open_page() -> AsyncIterator[Page]:
    """An empty one, in a browser of its own; both are gone afterwards. Skips where there is no Chromium."""
    program = installed("chromium", "apt install chromium")
    with tempfile.TemporaryDirectory(prefix="atrium-chromium-", ignore_cleanup_errors=True) as folder:
        quiet = asyncio.subprocess.DEVNULL
        browser = await asyncio.create_subprocess_exec(
            program, *FLAGS, f"--user-data-dir={folder}", "about:blank", stdout=quiet, stderr=quiet, start_new_session=True
        )
        try:
            known = Path(folder) / "DevToolsActivePort"
            await eventually(lambda: known.exists() and "\n" in known.read_text(), "the browser has started")
            port = known.read_text().split("\n")[0]
            async with httpx2.AsyncClient() as http:
                made = (await http.put(f"http://{HOST}:{port}/json/new?about:blank")).json()
            async with websockets.connect(made["webSocketDebuggerUrl"], proxy=None, max_size=None, ping_interval=None) as socket:
                page = Page(socket)
                yield page
                with suppress(websockets.ConnectionClosed):
                    await page.ask("Browser.close")
            async with asyncio.timeout(PATIENCE):
                await browser.wait()
        finally:
            if browser.returncode is None:
                browser.kill()
                await browser.wait()


@asynccontextmanager
async def web_server(html: str) -> AsyncIterator[int]:
    """The port of a server with one page."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            body = html.encode()
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body
            )
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, HOST, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
