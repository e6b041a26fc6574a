"""docker-compose.yml where files are concerned: the store, the scanner, and who reaches them."""

from pathlib import Path

from shared.embedded.clamd import MEBIBYTE, Clamd
from shared.store.settings import StoreSettings
from tests.deployed import CONTAINERS, ROOT, configured

CLAMD = configured(ROOT / "deploy/clamav/clamd.conf")
LEAST_LIMITS = ("StreamMaxLength", "MaxFileSize", "MaxScanSize")


def size(value: str) -> int:
    return int(value[:-1]) * MEBIBYTE if value.endswith("M") else int(value)


def reached_by(container: str) -> set[str]:
    """Who is in a network with it."""
    networks = set(CONTAINERS[container]["networks"])
    return {name for name, other in CONTAINERS.items() if name != container and networks & set(other["networks"])}


def test_clamd_takes_files_of_more_than_the_limit() -> None:
    limit = StoreSettings.model_fields["attachment_limit"].default
    assert [name for name in LEAST_LIMITS if size(CLAMD[name]) <= limit] == []
    assert CLAMD["MaxScanSize"] == CLAMD["MaxFileSize"]


def test_clamd_is_as_careful_as_the_one_that_is_started_without_docker() -> None:
    ours = Clamd(Path(), Path(), 1, "clamd", Path()).options()
    places = {"LocalSocket", "LocalSocketMode", "DatabaseDirectory", "TemporaryDirectory", "User"}
    cautions = {name: value for name, value in ours.items() if name not in places and name not in LEAST_LIMITS}
    assert {name: CLAMD.get(name) for name in cautions} == cautions


def test_clamd_is_where_attachments_looks_for_it() -> None:
    assert CONTAINERS["attachments"]["environment"]["ATRIUM_CLAMD_URL"] == f"tcp://clamav:{CLAMD['TCPSocket']}"


def test_what_reads_strangers_files_reaches_attachments_alone() -> None:
    assert reached_by("clamav") == {"attachments"}


def test_the_store_is_reached_by_those_who_have_its_keys() -> None:
    keys = {name for name, container in CONTAINERS.items() if "ATRIUM_S3_SECRET_KEY" in container.get("environment", {})}
    assert reached_by("seaweedfs") == keys == {"gateway", "attachments", "atrium"}


def test_no_part_of_the_store_but_its_s3_is_shown_to_other_containers() -> None:
    command = CONTAINERS["seaweedfs"]["command"]
    assert {"-ip.bind=127.0.0.1", "-s3.ip.bind=0.0.0.0", "-s3.port.iceberg=0", "-s3.port.lance=0"} <= set(command)


def test_signatures_are_kept_and_fetched_anew() -> None:
    volumes = {name: CONTAINERS[name]["volumes"] for name in ("clamav", "freshclam")}
    assert "clamav:/var/lib/clamav:ro" in volumes["clamav"]
    assert "clamav:/var/lib/clamav" in volumes["freshclam"]


def test_files_wait_for_their_scanner_and_nothing_else_does() -> None:
    waited_for = {name: container.get("depends_on", {}).get("clamav") for name, container in CONTAINERS.items()}
    assert {name: found for name, found in waited_for.items() if found} == {"attachments": {"condition": "service_started"}}
