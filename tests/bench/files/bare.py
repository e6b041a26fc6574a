"""The same bytes without Atrium: straight into clamd, straight onto the disk, straight out of uvicorn."""

import asyncio
import hashlib
import multiprocessing
import os
import shutil
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from shared.store.store import new_key
from tests.processes import HOST, free_port

_FRAME = _CHUNK = 256 * 1024  # as much at once as ours


async def scanned(clamd: Path, content: bytes, files: int, at_once: int) -> float:
    """Seconds in which clamd scans so many files that are handed to it by so many connections."""
    return await asyncio.to_thread(_all, lambda: _scan(clamd, content), files, at_once)


async def written(folder: Path, content: bytes, files: int, at_once: int) -> float:
    """Seconds in which so many files are hashed and on the disk."""
    try:
        return await asyncio.to_thread(_all, lambda: _write(folder / new_key("bare"), content), files, at_once)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder / "bare")


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[int]:
    """The port of a uvicorn that serves a folder."""
    port = free_port()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(folder, port), daemon=True)
    server.start()
    try:
        async with asyncio.timeout(20):
            while not await _listens(port):
                await asyncio.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.join()


def _all(one: Callable[[], None], times: int, at_once: int) -> float:
    with ThreadPoolExecutor(at_once) as threads:
        begin = time.perf_counter()
        for done in [threads.submit(one) for _ in range(times)]:
            done.result()
        return time.perf_counter() - begin


def _scan(clamd: Path, content: bytes) -> None:
    view = memoryview(content)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(str(clamd))
        connection.sendall(b"nINSTREAM\n")
        for begin in range(0, len(view), _FRAME):
            frame = view[begin : begin + _FRAME]
            connection.sendall(b"".join((struct.pack("!L", len(frame)), frame)))
        connection.sendall(struct.pack("!L", 0))
        answer = connection.recv(4096)
    if answer != b"stream: OK\n":
        raise RuntimeError(f"clamd answered {answer!r}")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, view = hashlib.sha256(), memoryview(content)
    with path.with_suffix(".part").open("wb", buffering=0) as file:
        for begin in range(0, len(view), _CHUNK):
            chunk = view[begin : begin + _CHUNK]
            digest.update(chunk)
            file.write(chunk)
        os.fsync(file.fileno())
    path.with_suffix(".part").rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def _serve(folder: Path, port: int) -> None:
    uvicorn.run(Starlette(routes=[Mount("/", StaticFiles(directory=folder))]), host=HOST, port=port, log_level="error", access_log=False)


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    return True
