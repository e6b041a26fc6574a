"""A clamd that would say OK to what it does not look at is found out before it is believed."""

from pathlib import Path

import pytest

from services.attachments.scanning.clamd import Clamd, Version
from services.attachments.scanning.examination import examine
from tests.clamav import LIMIT, ClamdServer


async def troubles(server: ClamdServer, limit: int = LIMIT) -> tuple[str, ...]:
    client = Clamd(server.url)
    try:
        return (await examine(client, limit)).troubles
    finally:
        client.close()


async def test_one_that_is_set_up_as_ours_is_has_no_troubles(clamd: Clamd) -> None:
    found = await examine(clamd, LIMIT)
    assert (found.troubles, found.version) == ((), await clamd.version())


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({"StreamMaxLength": "1M"}, "does not look at a file of 8388608 bytes"),
        ({"MaxFileSize": "1M", "MaxScanSize": "1M"}, "does not look at a file of 8388608 bytes"),
        ({"AlertEncrypted": "no"}, "set `AlertEncrypted yes`"),
        ({"AlertExceedsMax": "no"}, "set `AlertExceedsMax yes`"),
        ({"MaxFileSize": "20M", "MaxScanSize": "100M"}, "set MaxScanSize to no more than MaxFileSize"),
    ],
)
async def test_each_trouble_is_told_in_a_line_with_its_remedy(others: dict[str, str], said: str, short: Path) -> None:
    server = ClamdServer(short / "b", others=others)
    await server.start()
    try:
        (trouble,) = await troubles(server)
        assert said in trouble
        assert trouble.endswith("in clamd.conf, and restart clamd.")
    finally:
        await server.stop()


async def test_signatures_that_do_not_know_the_test_file_are_told(short: Path) -> None:
    server = ClamdServer(short / "c")
    for file in (short / "c" / "signatures").iterdir():
        file.unlink()
    (short / "c" / "signatures" / "other.hdb").write_text(f"{'0' * 32}:68:Another\n")
    await server.start()
    try:
        (trouble,) = await troubles(server)
        assert "run freshclam" in trouble
    finally:
        await server.stop()


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("ClamAV 1.4.3/27500/Fri Nov 21 08:21:11 2026", Version("1.4.3", "27500/Fri Nov 21 08:21:11 2026")),
        ("ClamAV 1.4.6", Version("1.4.6", "")),
    ],
)
def test_a_version_tells_the_signatures(said: str, version: Version) -> None:
    assert Version.of(said) == version
