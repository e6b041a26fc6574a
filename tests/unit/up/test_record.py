"""The record of what runs: whose processes may be ended."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from atrium.up.record import Addresses, Record
from shared.embedded import Identity

ADDRESSES = Addresses("postgresql:///atrium", "nats://127.0.0.1:4222", "unix:///valkey.sock", "http://127.0.0.1:8080")


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[psutil.Process]:
    """A process whose data folder is `tmp_path`."""
    environment = {**os.environ, "ATRIUM_DATA": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); import time; time.sleep(60)"], env=environment, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    yield psutil.Process(process.pid)
    process.kill()
    process.communicate()


def recorded(data: Path, process: psutil.Process, later: float = 0) -> Record:
    record = Record(data)
    record.write(ADDRESSES, [Identity("sleeper", process.pid, process.create_time() + later)])
    return record


def test_a_process_of_the_same_pid_start_and_folder_is_ended(tmp_path: Path, sleeper: psutil.Process) -> None:
    assert recorded(tmp_path, sleeper).end_leftovers() == ["sleeper"]
    assert sleeper.status() == psutil.STATUS_ZOMBIE


def test_a_frozen_one_is_ended_too(tmp_path: Path, sleeper: psutil.Process) -> None:
    sleeper.suspend()
    assert recorded(tmp_path, sleeper).end_leftovers() == ["sleeper"]


def test_a_process_that_got_the_pid_later_is_not_ours(tmp_path: Path, sleeper: psutil.Process) -> None:
    assert recorded(tmp_path, sleeper, later=-60).end_leftovers() == []
    assert sleeper.is_running()


def test_a_process_of_another_folder_is_not_ours(tmp_path: Path, sleeper: psutil.Process) -> None:
    other = tmp_path / "other"
    other.mkdir()
    assert recorded(other, sleeper).end_leftovers() == []
    assert sleeper.is_running()


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"processes": [{"pid": 1}]}', '{"processes": [1]}'])
def test_a_record_that_cannot_be_read_ends_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    assert Record(tmp_path).end_leftovers() == []


def test_no_record_ends_nothing(tmp_path: Path) -> None:
    assert Record(tmp_path).end_leftovers() == []
