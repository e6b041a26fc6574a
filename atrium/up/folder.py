"""What a start needs for itself: a data folder that nobody else uses, and a port."""

import errno
import fcntl
import os
import socket
from pathlib import Path
from typing import IO

from shared.application import CannotStart
from shared.embedded import make_folder


def take_folder(data: Path) -> IO[str]:
    """Make the data folder ours for as long as the answer stays open: its lock ends with this process, however that ends."""
    try:
        make_folder(data)
        lock = (data / "lock").open("a+")
        _try_writing(data)
    except OSError as error:
        raise CannotStart(
            f"The data folder {data} cannot be written ({error.strerror}): make it writable, or choose another one with ATRIUM_DATA."
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        raise CannotStart(
            f"The data folder {data} is in use by another Atrium (process {lock.read().strip()}): "
            "stop that one, or choose another folder with ATRIUM_DATA."
        ) from error
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def _try_writing(data: Path) -> None:
    probe = data / f".{os.getpid()}"
    probe.touch()
    probe.unlink()


def check_port(host: str, port: int) -> None:
    """Refuse a port that the gateway could not listen on."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except socket.gaierror as error:
        raise CannotStart(f"ATRIUM_HOST={host} is no address ({error.strerror}): set it to one of this machine, as 127.0.0.1.") from error
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise CannotStart(_refused(host, port, error)) from error


def _refused(host: str, port: int, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            another = port + 1 if port < 65_535 else 8080
            return f"Port {port} of {host} is in use by another program: stop that one, or choose another port, as ATRIUM_PORT={another}."
        case errno.EACCES:
            return f"Port {port} may not be used by this user: choose one above 1023 with ATRIUM_PORT."
        case errno.EADDRNOTAVAIL:
            return f"ATRIUM_HOST={host} is no address of this machine: set it to one, as 127.0.0.1."
        case _:
            return f"Port {port} of {host} cannot be used ({error.strerror}): choose another one with ATRIUM_PORT and ATRIUM_HOST."
