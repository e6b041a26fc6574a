"""While `atrium up` runs."""

import json
import stat

import pytest

from tests.servers import data_folder
from tests.system.up.running import BANNER, Up, a_running_atrium, an_up, eventually, first_lines, paste


def test_the_banner_names_the_url_the_api_page_and_the_data(atrium: Up) -> None:
    url = f"http://127.0.0.1:{atrium.port}"
    shown = atrium.shown()
    assert f"  URL       {url}\n  API page  {url}/api/docs\n  Data      {atrium.data}\n" in shown
    assert shown.count("Atrium is running.") == 1


def test_the_three_lines_can_be_pasted_and_pasted_again(atrium: Up) -> None:
    lines = first_lines(atrium.shown())
    first, second = paste(lines), paste(lines.replace("date +%s", "date +%s%N"))
    assert [answer["content"] for answer in (first, second)] == ["Hello, Atrium."] * 2
    assert first["threadId"] != second["threadId"]


def test_only_its_owner_can_read_the_record_and_the_passwords(atrium: Up) -> None:
    assert [stat.S_IMODE((atrium.data / name).stat().st_mode) for name in ("run.json", "credentials.json")] == [0o600, 0o600]


def test_the_record_says_where_everything_is(atrium: Up) -> None:
    record = json.loads((atrium.data / "run.json").read_text())
    assert record["gatewayUrl"] == f"http://127.0.0.1:{atrium.port}"
    assert "@" not in record["postgresUrl"] + record["natsUrl"] + record["redisUrl"]
    assert [process["name"] for process in record["processes"]] == ["PostgreSQL", "NATS", "Valkey", "Atrium"]


@pytest.mark.parametrize("name", ["Valkey", "NATS", "PostgreSQL", "Atrium"])
def test_what_dies_is_started_again_and_one_line_names_its_log(atrium: Up, name: str) -> None:
    killed = atrium.processes()[name]
    before = len(atrium.shown())
    killed.kill()
    eventually(lambda: atrium.processes().get(name, killed) != killed, f"{name} is back")
    eventually(atrium.ready, "ready again")
    told = [line for line in atrium.shown()[before:].splitlines() if line.startswith(f"! {name} ")]
    assert len(told) == 1
    assert told[0].startswith(f"! {name} was ended by SIGKILL; it is started again in 0.2 s. See {atrium.data}/logs/")


def test_logs_go_to_files_and_not_to_the_screen(atrium: Up) -> None:
    lines = (atrium.data / "logs" / "atrium.log").read_text().splitlines()
    assert "service_started" in [json.loads(line)["action"] for line in lines]
    assert "service_started" not in atrium.shown()


def test_a_folder_in_use_is_refused_in_one_line_and_left_alone(atrium: Up) -> None:
    with an_up(atrium.data) as second:
        second.start()
        assert second.exit_code() == 1
        assert second.shown() == (
            f"atrium: The data folder {atrium.data} is in use by another Atrium (process {atrium.process and atrium.process.pid}): "
            "stop that one, or choose another folder with ATRIUM_DATA.\n"
        )
        assert atrium.ready()
        assert len(atrium.processes()) == 4
        second.data = second.data / "another"  # so that what is cleared at the end is not the first one


def test_a_port_in_use_is_refused_in_one_line_before_anything_starts(atrium: Up) -> None:
    with data_folder() as data, an_up(data, atrium.port) as second:
        second.start()
        assert second.exit_code() == 1
        assert second.shown() == (
            f"atrium: Port {atrium.port} of 127.0.0.1 is in use by another program: "
            f"stop that one, or choose another port, as ATRIUM_PORT={atrium.port + 1}.\n"
        )
        assert not (data / "postgres").exists()


def test_two_run_side_by_side(atrium: Up) -> None:
    with a_running_atrium() as second:
        paste(first_lines(second.shown()))
        assert atrium.ready()
        assert second.ready()
        assert BANNER in second.shown()
