"""`atrium watch` as a process: a client that is not ours to look into, and that can sleep."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic_core import from_json

from tests import forks
from tests.faults.following import POSTED, Place
from tests.faults.house import House
from tests.system.people import PASSWORD, Json, Person


class Watch:
    """One that runs; `shown` and `said` hold its output and its errors."""

    def __init__(self, shown: Path, said: Path, arguments: list[str], environment: dict[str, str], password: str) -> None:
        reading, typing = os.pipe2(os.O_CLOEXEC)
        os.write(typing, f"{password}\n".encode())
        os.close(typing)
        self._shown, self._said = shown, said
        with shown.open("wb") as out, said.open("wb") as err:
            self.process = forks.Forked(arguments, environment, files=[reading, out.fileno(), err.fileno()])
        os.close(reading)

    @property
    def lines(self) -> list[str]:
        """Those that are whole."""
        return self._shown.read_text().split("\n")[:-1]

    @property
    def frames(self) -> list[Json]:
        return [from_json(line) for line in self.lines]

    @property
    def told(self) -> list[Place]:
        messages = [frame["data"]["message"] for frame in self.frames if frame["type"] == POSTED]
        return [Place(message["threadId"], message["seq"]) for message in messages]

    @property
    def said(self) -> str:
        return self._said.read_text()

    def count(self, type: str) -> int:
        return [frame["type"] for frame in self.frames].count(type)

    def signal(self, number: signal.Signals) -> None:
        if self.process.poll() is None:
            os.kill(self.process.pid, number)


@contextmanager
def watching(house: House, person: Person, url: str, *arguments: str, password: str = PASSWORD) -> Iterator[Watch]:
    """Gone afterwards."""
    folder = house.servers.data / "logs"
    count = len(list(folder.glob("watch-*.out")))
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ATRIUM_")}
    command = ["watch", "--email", person.user["email"], "--url", url, "--password-stdin", *arguments]
    watch = Watch(folder / f"watch-{count}.out", folder / f"watch-{count}.err", command, ours, password)
    try:
        yield watch
    finally:
        watch.signal(signal.SIGKILL)
        watch.process.wait()
