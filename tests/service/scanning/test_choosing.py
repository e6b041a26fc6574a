"""Which clamd `atrium up` uses: the named one, one that runs, one of its own, or none."""

from pathlib import Path

import pytest

from atrium.up.scanner import choose_scanner
from shared.embedded import Clamd
from shared.embedded.clamd import System
from shared.scanning import ScanningSettings
from tests.clamav import LIMIT, ClamdServer, installed_clamd, signatures

NOWHERE = System((), (), ())


def settings(**others: object) -> ScanningSettings:
    return ScanningSettings.model_validate({"attachment_limit": LIMIT, **others})


def configured(folder: Path, *lines: str) -> System:
    """A system whose configuration of clamd has these lines."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "clamd.conf").write_text("# ClamAV\nUser clamav\n" + "".join(f"{line}\n" for line in lines))
    return System((str(folder / "clamd.conf"),), (), ())


async def test_the_named_one_comes_first(server: ClamdServer, tmp_path: Path) -> None:
    system = configured(tmp_path, f"LocalSocket {server.socket}")
    (tmp_path / "named.sock").symlink_to(server.socket)
    named = f"unix://{tmp_path}/named.sock"
    found = await choose_scanner(settings(clamd_url=named), tmp_path, tmp_path, system=system)
    assert (found.url, found.program, found.notes) == (named, None, ())


async def test_a_named_one_that_is_away_is_waited_for_and_the_banner_says_so(server: ClamdServer, tmp_path: Path) -> None:
    system = configured(tmp_path, f"LocalSocket {server.socket}")
    found = await choose_scanner(settings(clamd_url=f"unix://{tmp_path}/none"), tmp_path, tmp_path, system=system)
    assert (found.url, found.program) == (f"unix://{tmp_path}/none", None)
    (note,) = found.notes
    assert note.startswith("Files wait, unscanned, until the clamd of ATRIUM_CLAMD_URL is there: clamd ")


async def test_one_that_runs_comes_before_one_of_our_own(server: ClamdServer, tmp_path: Path) -> None:
    for system in (configured(tmp_path, f"LocalSocket {server.socket}"), System((), (str(server.socket),), ())):
        found = await choose_scanner(settings(clamd_database=signatures(tmp_path / "s")), tmp_path, tmp_path, system=system)
        assert (found.url, found.program, found.notes) == (server.url, None, ())


async def test_one_that_would_say_ok_unseen_comes_after_one_of_our_own(short: Path, tmp_path: Path) -> None:
    careless = ClamdServer(short / "d", others={"AlertExceedsMax": "no"})
    await careless.start()
    system = System((), (str(careless.socket),), ())
    try:
        found = await choose_scanner(settings(clamd_database=signatures(tmp_path / "s")), tmp_path, tmp_path, system=system)
        assert isinstance(found.program, Clamd)
        found = await choose_scanner(settings(), tmp_path, tmp_path, system=system)
        assert (found.url, found.program) == (careless.url, None)
        assert "set `AlertExceedsMax yes`" in found.notes[0]
    finally:
        await careless.stop()


async def test_our_own_is_started_when_there_are_signatures(short: Path, tmp_path: Path) -> None:
    installed_clamd()
    for number, chosen in enumerate((settings(clamd_database=signatures(tmp_path / "s")), settings())):
        (tmp_path / "s" / "daily.cld").touch()  # what the system keeps must be official
        system = configured(tmp_path, "LocalSocket /nowhere/clamd.ctl", f"DatabaseDirectory {tmp_path / 's'}")
        found = await choose_scanner(chosen, tmp_path / str(number), short, system=system)
        assert found.program is not None
        assert (found.url, found.notes) == (found.program.url, ())
        assert found.program.options()["DatabaseDirectory"] == str(tmp_path / "s")


async def test_a_socket_where_anybody_could_put_one_is_no_clamd(server: ClamdServer, tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o1777)
    (tmp_path / "open" / "clamd.sock").symlink_to(server.socket)
    found = await choose_scanner(settings(), tmp_path, tmp_path, system=System((), (str(tmp_path / "open" / "clamd.sock"),), ()))
    assert found.url is None


async def test_without_any_it_says_that_files_wait_and_how_to_mend_it(tmp_path: Path) -> None:
    installed_clamd()
    found = await choose_scanner(settings(), tmp_path, tmp_path, system=NOWHERE)
    assert (found.url, found.program) == (None, None)
    (note,) = found.notes
    assert note == (
        "Files wait, unscanned: clamd has no signatures: fetch them with `freshclam`. Or set ATRIUM_CLAMD_URL. Then start Atrium again."
    )


async def test_off_must_be_asked_for_and_is_said(tmp_path: Path) -> None:
    found = await choose_scanner(settings(scanning="off"), tmp_path, tmp_path, system=NOWHERE)
    assert (found.url, found.program) == (None, None)
    assert "ATRIUM_SCANNING is off" in found.notes[0]


async def test_our_own_has_limits_above_ours(tmp_path: Path) -> None:
    for limit in (1, 5_000_000, 100_000_000, 2_000 * 1024 * 1024):
        options = Clamd(tmp_path, tmp_path, limit, "clamd", tmp_path).options()
        assert int(options["StreamMaxLength"]) > limit
        assert options["MaxFileSize"] == options["MaxScanSize"]
        assert limit < int(options["MaxFileSize"]) < 2**31 - 2


@pytest.mark.parametrize("url", ["/run/clamd.sock", "http://host"])
def test_a_wrong_address_is_told_at_the_start(url: str) -> None:
    with pytest.raises(ValueError, match="is no unix:///path and no tcp://host:port"):
        settings(clamd_url=url)
