"""How `atrium up` ends, and starts after every kind of end."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.servers import data_folder
from tests.system.up.running import PATIENCE, PROJECT, Up, an_up, eventually, first_lines, paste


@pytest.fixture
def data() -> Iterator[Path]:
    with data_folder() as folder:
        yield folder


def with_a_message(data: Path) -> tuple[Up, str]:
    """A running Atrium, and the shell lines that read the message that was posted to it."""
    atrium = Up(data).started()
    lines = first_lines(atrium.shown())
    thread = paste(lines)["threadId"]
    sign_in = lines.splitlines()[0]
    url = f"http://127.0.0.1:{atrium.port}/api/collab/threads/{thread}/messages"
    return atrium, f'{sign_in}\ncurl -s {url} -H "Authorization: Bearer $TOKEN"\n'


def contents(read: str, port_before: int, port: int) -> list[str]:
    messages = paste(read.replace(f":{port_before}/", f":{port}/"))["messages"]
    assert isinstance(messages, list)
    return [message["content"] for message in messages]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_everything_in_order_and_the_data_stays(data: Path, number: signal.Signals) -> None:
    atrium, read = with_a_message(data)
    processes = atrium.processes()
    try:
        assert atrium.end(number) == 0
        assert [name for name, process in processes.items() if process.is_running()] == []
        assert not (data / "run.json").exists()
        with an_up(data) as again:
            assert contents(read, atrium.port, again.started().port) == ["Hello, Atrium."]
            assert "left behind" not in again.shown()
    finally:
        atrium.clear()


def test_it_can_be_stopped_while_it_starts(data: Path) -> None:
    with an_up(data) as atrium:
        atrium.start()
        eventually(lambda: (data / "postgres.new").exists() or (data / "postgres").exists(), "PostgreSQL is being made")
        assert atrium.end(signal.SIGTERM) == 0
        assert [process for process in psutil.process_iter(["cmdline"]) if str(data) in " ".join(process.info["cmdline"] or [])] == []


def test_after_kill_9_of_the_supervisor_the_next_start_ends_its_leftovers_and_has_the_data(data: Path) -> None:
    atrium, read = with_a_message(data)
    leftovers = atrium.processes()
    assert atrium.end(signal.SIGKILL) == -signal.SIGKILL
    assert [name for name, process in leftovers.items() if process.is_running()] == list(leftovers)
    with an_up(data, atrium.port) as again:
        again.started()
        assert "Ended what the last run left behind: Atrium, Valkey, NATS, PostgreSQL\n" in again.shown()
        assert [name for name, process in leftovers.items() if process.is_running()] == []
        assert contents(read, atrium.port, again.port) == ["Hello, Atrium."]


def test_after_kill_9_of_all_the_next_start_has_the_data(data: Path) -> None:
    atrium, read = with_a_message(data)
    processes = atrium.processes()
    atrium.end(signal.SIGKILL)
    for process in processes.values():
        process.kill()
    with an_up(data, atrium.port) as again:
        assert contents(read, atrium.port, again.started().port) == ["Hello, Atrium."]


def test_ctrl_c_under_make_is_no_failure_of_make(data: Path, tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text(f"up:\n\t@cd {PROJECT} && exec {sys.executable} -m atrium up\n")
    atrium = Up(data)
    ours, theirs = pty.openpty()
    command = ["setsid", "--ctty", "--wait", "make", "-C", str(tmp_path), "up"]
    make = subprocess.Popen(command, env=atrium.environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    try:
        eventually(atrium.ready, "ready")
        eventually(lambda: b"Ctrl-C stops it" in os.read(ours, 65_536), "the banner")
        os.write(ours, b"\x03")
        until = time.monotonic() + PATIENCE
        while make.poll() is None and time.monotonic() < until:
            os.set_blocking(ours, False)
            try:
                os.read(ours, 65_536)
            except (BlockingIOError, OSError):
                time.sleep(0.05)
        assert make.poll() == 0
        assert atrium.processes() == {}
    finally:
        make.kill()
        atrium.clear()
        os.close(ours)


def test_it_goes_on_and_stops_in_order_when_nobody_reads_what_it_shows(data: Path) -> None:
    with an_up(data) as atrium:
        ours, theirs = os.pipe()
        process = subprocess.Popen(
            [sys.executable, "-m", "atrium", "up"], cwd=PROJECT, env=atrium.environment, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        os.close(ours)
        atrium.process = process
        eventually(atrium.ready, "ready")
        processes = atrium.processes()
        assert atrium.end(signal.SIGTERM) == 0
        assert [name for name, started in processes.items() if started.is_running()] == []
