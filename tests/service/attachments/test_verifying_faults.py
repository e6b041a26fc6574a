"""The store fails while it is compared with the rows: half of it is never taken for all, and nothing that is needed is deleted."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import pytest
import pytest_asyncio

from atrium.attachments import Found, compare
from services.attachments.repository.ledger import Ledger
from shared.contracts.attachments.attachments import Attachment
from shared.contracts.principal import Principal
from shared.store.store import StoreIsAway, new_key
from tests.proxies import Proxy, naming
from tests.servers import Servers
from tests.service.attachments.conftest import BOTH_STORES, Service
from tests.service.attachments.faults import Faulty
from tests.service.attachments.presigned import kept
from tests.service.attachments.reckoning import all_adds_up
from tests.service.attachments.test_operating import typed
from tests.stores import S3Server

TWO_HOURS = 7_200
WAYS = ["failing", "late", "once"]


class Wrong(NamedTuple):
    """Objects that no row knows of, and a file whose object is gone."""

    unknown: set[str]
    lost: Attachment


@pytest.fixture
def folder(where: dict[str, str], request: pytest.FixtureRequest) -> Path:
    """Where the store's objects are files."""
    kind, _, place = where["store"].partition("://")
    s3: S3Server = request.getfixturevalue("s3")
    return Path(place) if kind == "file" else s3.log.with_name("objects") / place


@pytest_asyncio.fixture(loop_scope="session")
async def wrong(attachments: Service, folder: Path, thread: UUID, agent: Principal) -> AsyncIterator[Wrong]:
    """Of two hours ago, beside files with which all is right."""

    async def something() -> AsyncIterator[bytes]:
        yield b"x"

    lost, *_ = [await attachments.upload(thread, agent) for _ in range(3)]
    unknown = {new_key("files"), new_key("files"), new_key("quarantine")}
    for key in unknown:
        await attachments.store.write(key, something())
    await attachments.store.delete((await attachments.row(lost))["storage_key"])
    await attachments.database.execute("UPDATE attachments.attachments SET created_at = created_at - interval '2 hours'")
    for path in folder.rglob("*"):
        if path.is_file():
            before = path.stat().st_mtime - TWO_HOURS
            os.utime(path, (before, before))
    yield Wrong(unknown, lost)
    await attachments.store.delete(*unknown)
    await attachments.database.execute("UPDATE attachments.attachments SET deleted_at = now() WHERE id = $1", lost.id)
    await all_adds_up(attachments)


async def compared(attachments: Service, store: Faulty, *, delete: bool = False) -> Found:
    """As far as it goes."""
    found = Found()
    try:
        await compare(store, Ledger(attachments.background), found, delete=delete)
    except StoreIsAway:
        assert found.rows == [], "rows are told of once all of them were looked at"
        raise
    return found


def said(found: Found) -> tuple[set[str], list[UUID]]:
    return {stored.key for stored in found.objects}, [row.attachment_id for row in found.rows]


@BOTH_STORES
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("call", "spared"), [("list", 0), ("list", 1), ("size", 0), ("size", 1)])
async def test_a_comparison_that_the_store_fails_has_no_result_until_it_is_back(
    call: str, spared: int, way: str, attachments: Service, wrong: Wrong
) -> None:
    before, faulty = await kept(attachments), Faulty(attachments.store)
    faulty.spared[call] = spared
    getattr(faulty, way).add(call)
    with pytest.raises(StoreIsAway):
        await compared(attachments, faulty)
    assert await kept(attachments) == before
    faulty.mend()
    assert said(await compared(attachments, faulty)) == (wrong.unknown, [wrong.lost.id])
    assert await kept(attachments) == before


@BOTH_STORES
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("call", "spared"), [("list", 1), ("delete", 0), ("delete", 1), ("size", 0)])
async def test_deleting_that_the_store_fails_goes_on_where_it_stopped_and_takes_nothing_else(
    call: str, spared: int, way: str, attachments: Service, wrong: Wrong
) -> None:
    before, faulty, found = await kept(attachments), Faulty(attachments.store), Found()
    faulty.spared[call] = spared
    getattr(faulty, way).add(call)
    with pytest.raises(StoreIsAway):
        await compare(faulty, Ledger(attachments.background), found, delete=True)
    told, gone = {stored.key for stored in found.objects}, before - await kept(attachments)
    assert told <= gone <= wrong.unknown, "who asked is told of no object that is there yet"
    faulty.mend()
    left = await compared(attachments, faulty, delete=True)
    assert said(left) == (wrong.unknown - gone, [wrong.lost.id])
    assert await kept(attachments) == before - wrong.unknown


@pytest.fixture
def cut(proxy: Proxy, servers: Servers, where: dict[str, str]) -> dict[str, str]:
    """The operator's environment, whose way to the bucket leads through the proxy."""
    settings = where | {"s3_endpoint": proxy.url}
    return os.environ | servers.environment | {f"ATRIUM_{name.upper()}": value for name, value in settings.items()}


@pytest.mark.parametrize("where", ["bucket"], indirect=True, scope="module")
@pytest.mark.parametrize("words", ["prefix=files", "prefix=quarantine", "HEAD /{bucket}/files"])
async def test_the_command_that_is_cut_off_from_the_store_says_so_in_a_line_and_tells_of_nothing_else(
    words: str, wrong: Wrong, proxy: Proxy, cut: dict[str, str]
) -> None:
    proxy.cut_when = naming(words.format(bucket=cut["ATRIUM_STORE"].removeprefix("s3://")).encode())
    code, out = await typed(cut, "attachments", "verify")
    proxy.cut_when = None
    (line,) = out.splitlines()
    assert (code, line.startswith("atrium: The files cannot be looked at: ")) == (1, True)
    assert not [key for key in wrong.unknown if key in out]
    code, out = await typed(cut, "attachments", "verify")
    assert (code, [key in out for key in (*wrong.unknown, str(wrong.lost.id))]) == (1, [True] * 4)


@pytest.mark.parametrize("where", ["bucket"], indirect=True, scope="module")
async def test_the_command_says_what_it_deleted_before_it_was_cut_off(
    attachments: Service, wrong: Wrong, proxy: Proxy, cut: dict[str, str]
) -> None:
    before = await kept(attachments)
    proxy.cut_when = naming(b"prefix=quarantine")
    code, out = await typed(cut, "attachments", "verify", "--delete")
    proxy.cut_when = None
    gone = before - await kept(attachments)
    assert (code, gone) == (1, {key for key in wrong.unknown if key.startswith("files/")})
    assert {key for key in wrong.unknown if key in out} == gone
    code, out = await typed(cut, "attachments", "verify", "--delete")
    assert (code, str(wrong.lost.id) in out) == (1, True), "its object is gone yet"
    assert await kept(attachments) == before - wrong.unknown
