"""One conversation with clamd, held in a thread: the clamd package's, made fit for files that matter.

The package (1.0.2) sends 1 KiB at a time by `send`, which may send less; connects without a deadline; takes half an answer for
a whole one, and one that clamd gave before it had read everything for none. Of those that come so early an OK counts for nothing.
"""

import select
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol
from urllib.parse import urlsplit

import clamd

from services.attachments.scanning.pieces import BrokenOff
from services.attachments.scanning.verdicts import CLEAN, ClamdHungUp, ClamdIsAway

FRAME = 256 * 1024  # bytes that are sent at once: as much as a store gives
LONGEST_ANSWER = 64 * 1024
_PORT = 3310


class Source(Protocol):
    """Bytes to read in a thread."""

    def read(self, size: int) -> memoryview: ...


class Conversation(clamd.ClamdNetworkSocket):  # type: ignore[misc]
    """With a clamd behind an address."""

    clamd_socket: socket.socket | None = None
    _is_over = False

    def instream(self, buff: Source, within: float) -> str:
        """clamd's whole answer to the bytes."""
        try:
            self._init_socket().settimeout(within)
            return self._asked(buff)
        except ConnectionError as error:
            if self.clamd_socket is None:
                raise
            raise ClamdHungUp(f"clamd broke the connection off: {error}") from error
        finally:
            self._close_socket()

    def _asked(self, buff: Source) -> str:
        is_for_all = False
        # Broken: clamd closed before it had read all. Its answer, if it gave one, is still there to be read.
        with suppress(BrokenPipeError, ConnectionResetError):
            self._send_command("INSTREAM")
            while frame := buff.read(FRAME):
                self._send(b"".join((struct.pack("!L", len(frame)), frame)))
            came_early = self._has_answered()
            self._send(struct.pack("!L", 0))
            is_for_all = not came_early
        answer = self._recv_response()
        if answer == CLEAN and not is_for_all:  # a part can be bad, or too much; only all of a file is clean
            raise ClamdHungUp("clamd said OK before it had all of the file")
        return answer

    def _has_answered(self) -> bool:
        """Or closed the connection."""
        assert self.clamd_socket is not None
        waiting = select.poll()  # `select.select` takes no socket above 1023
        waiting.register(self.clamd_socket, select.POLLIN)
        return bool(waiting.poll(0))

    def hang_up(self) -> None:
        """From any thread: whatever it waits for ends at once."""
        self._is_over = True
        if self.clamd_socket is not None:
            with suppress(OSError):  # it is closed already, or not yet connected: then `_init_socket` sees that it is over
                self.clamd_socket.shutdown(socket.SHUT_RDWR)

    def _init_socket(self) -> socket.socket:
        self.clamd_socket = connected = self._connected()
        if self._is_over:
            raise BrokenOff
        return connected

    def _connected(self) -> socket.socket:
        return socket.create_connection((self.host, self.port), self.timeout)

    def _send_command(self, cmd: str, *args: str) -> None:
        self._send(f"n{' '.join((cmd, *args))}\n".encode())

    def _send(self, content: bytes) -> None:
        assert self.clamd_socket is not None
        self.clamd_socket.sendall(content)

    def _recv_response(self) -> str:
        """A line, whole: half of one says nothing."""
        assert self.clamd_socket is not None
        answer = b""
        while not answer.endswith(b"\n"):
            received = self.clamd_socket.recv(4096)
            if not received:
                raise ClamdHungUp(f"clamd closed the connection {'in the middle of its answer' if answer else 'without an answer'}")
            answer += received
            if len(answer) > LONGEST_ANSWER:
                raise ClamdIsAway("clamd's answer has no end")
        return answer[:-1].decode()

    def _close_socket(self) -> None:
        if self.clamd_socket is not None:
            self.clamd_socket.close()


class LocalConversation(Conversation, clamd.ClamdUnixSocket):  # type: ignore[misc]
    """With a clamd behind a socket of this machine."""

    def __init__(self, path: str, timeout: float) -> None:
        clamd.ClamdUnixSocket.__init__(self, path, timeout)

    def _connected(self) -> socket.socket:
        found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            found.settimeout(self.timeout)
            found.connect(self.unix_socket)
        except BaseException:
            found.close()
            raise
        return found


def opener(url: str, patience: float) -> Callable[[], Conversation]:
    """What opens conversations with the clamd that a URL names; patience: seconds for each step of one. Raises `ValueError`."""
    parts = urlsplit(url)
    if parts.scheme == "unix" and not parts.netloc and parts.path.startswith("/"):
        return lambda: LocalConversation(parts.path, patience)
    if parts.scheme == "tcp" and (host := parts.hostname):
        port = parts.port or _PORT
        return lambda: Conversation(host, port, patience)
    raise ValueError("is no unix:///path and no tcp://host:port")


def held(talk: Callable[[], str]) -> str:
    """In the thread: what came of the talk. Raises `ClamdIsAway` whatever went wrong with it."""
    try:
        return talk()
    except TimeoutError as error:
        raise ClamdIsAway("clamd did not answer in time") from error
    except (OSError, clamd.ClamdError, UnicodeDecodeError) as error:
        raise ClamdIsAway(f"clamd cannot be reached: {error}") from error
    except BrokenOff as error:
        raise ClamdIsAway("the scan was broken off") from error
