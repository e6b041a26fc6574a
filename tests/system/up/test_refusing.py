"""What `atrium up` refuses: one line that says what is wrong and how to mend it, and exit code 1."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import free_port
from tests.servers import data_folder
from tests.system.up.running import an_up, eventually


@pytest.fixture
def data() -> Iterator[Path]:
    with data_folder() as folder:
        yield folder


def refusal(data: Path, **settings: str) -> str:
    """The one line with which a start is refused."""
    with an_up(data, settings=settings) as atrium:
        atrium.start()
        assert atrium.exit_code() == 1
        lines = atrium.shown().splitlines()
        assert len(lines) == 1, lines
        return lines[0]


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("ATRIUM_PORT", "eighty", "ATRIUM_PORT=eighty is wrong: input should be a valid integer, unable to parse string as an integer."),
        ("ATRIUM_PORT", "70000", "ATRIUM_PORT=70000 is wrong: input should be less than or equal to 65535."),
        ("ATRIUM_MESSAGES_PER_MINUTE", "-1", "ATRIUM_MESSAGES_PER_MINUTE=-1 is wrong: input should be greater than or equal to 0."),
        ("ATRIUM_REGISTRATION", "maybe", "ATRIUM_REGISTRATION=maybe is wrong: input should be 'open' or 'closed'."),
        ("ATRIUM_LOG_LEVEL", "loud", "ATRIUM_LOG_LEVEL=loud is wrong: input should be 'debug', 'info', 'warning' or 'error'."),
    ],
)
def test_a_wrong_setting(data: Path, name: str, value: str, wrong: str) -> None:
    assert refusal(data, **{name: value}).startswith(f"atrium: {wrong} Set it right, or unset it. (")


def test_an_address_that_is_not_this_machines(data: Path) -> None:
    assert refusal(data, ATRIUM_HOST="192.0.2.1") == (
        "atrium: ATRIUM_HOST=192.0.2.1 is no address of this machine: set it to one, as 127.0.0.1."
    )


def test_a_folder_that_is_a_file(data: Path) -> None:
    (data / "file").touch()
    folder = data / "file" / "data"
    assert refusal(folder) == (
        f"atrium: The data folder {folder} cannot be written (Not a directory): make it writable, or choose another one with ATRIUM_DATA."
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(data: Path) -> None:
    data.chmod(0o500)
    assert refusal(data / "data") == (
        f"atrium: The data folder {data}/data cannot be written (Permission denied): "
        "make it writable, or choose another one with ATRIUM_DATA."
    )
    data.chmod(0o700)


@pytest.mark.parametrize(
    ("variable", "url", "server"),
    [
        (
            "ATRIUM_POSTGRES_URL",
            "postgresql://postgres:secret@127.0.0.1:{port}/atrium",
            "PostgreSQL at postgresql://127.0.0.1:{port}/atrium",
        ),
        ("ATRIUM_NATS_URL", "nats://user:secret@127.0.0.1:{port}", "NATS at nats://127.0.0.1:{port}"),
        ("ATRIUM_REDIS_URL", "redis://:secret@127.0.0.1:{port}/0", "Valkey at redis://127.0.0.1:{port}/0"),
    ],
)
def test_an_outside_server_that_is_not_there(data: Path, variable: str, url: str, server: str) -> None:
    port = free_port()
    line = refusal(data, **{variable: url.format(port=port)})
    assert line.startswith(f"atrium: {server.format(port=port)} does not let us in (")
    assert line.endswith(f"): start it, or set {variable} right, or unset it for the embedded one.")
    assert "secret" not in line


def test_a_bucket_without_keys(data: Path) -> None:
    line = "atrium: ATRIUM_S3_ACCESS_KEY and ATRIUM_S3_SECRET_KEY must be set for ATRIUM_STORE=s3://…"
    assert refusal(data, ATRIUM_STORE="s3://bucket") == line


def test_a_store_of_files_that_cannot_be_made(data: Path) -> None:
    (data / "file").touch()
    store = data / "file" / "store"
    assert refusal(data, ATRIUM_STORE=f"file://{store}") == (
        f"atrium: ATRIUM_STORE: {store} cannot be written (Not a directory): name a folder that this user owns."
    )


def test_a_slip_of_the_pen_is_shown_with_the_nearest_setting(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with an_up(data, taken.getsockname()[1], {"ATRIUM_POTR": "1", "ATRIUM_XYZZY": "many"}) as atrium:
            atrium.start()
            assert atrium.exit_code() == 1
            eventually(lambda: "ATRIUM_POTR" in atrium.shown(), "the warning")
            assert atrium.shown().splitlines()[:2] == [
                "! ATRIUM_POTR is no setting and is ignored. Did you mean ATRIUM_PORT?",
                "! ATRIUM_XYZZY is no setting and is ignored.",
            ]
