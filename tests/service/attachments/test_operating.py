"""What the operator sees of scans, and has done again."""

import json
import os
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import pytest
import pytest_asyncio

from services.attachments.handlers.scans import Operated, rescan
from services.attachments.repository.inspection import Inspection
from services.attachments.repository.scans import quarantine_key
from services.attachments.sweep import preview_key
from shared.contracts.attachments.attachments import AttachmentNotFound, ScanStatus
from shared.contracts.attachments.scans import LIST_SCANS, RESCAN, SHOW_SCAN, ListScans, Rescan, Scan, ScannerIsAway, ShowScan
from shared.contracts.principal import Principal
from shared.identifiers import new_id
from shared.messaging.caller import Caller
from shared.store.store import new_key
from tests import forks
from tests.clamav import ClamdServer
from tests.servers import Servers
from tests.service.attachments.conftest import Service
from tests.service.attachments.scanning import Scanning
from tests.service.neighbours import principal

_COMMON = """
    INSERT INTO attachments.attachments (id, workspace_id, thread_id, filename, mime_type, size_bytes, sha256, storage_key, uploaded_by_id,
        uploaded_by_role, scan_status, signatures, scanned_at, previewed_at)
    SELECT uuidv7(), $1, $2, 'logo.png', 'image/png', 0, sha256(uuid_send($2)), 'files/' || uuidv7(), $3, 'agent', 'clean', 'before',
        now() - interval '1 hour', now()
    FROM generate_series(1, $4::int)"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def operator(attachments: Service, servers: Servers) -> AsyncIterator[Caller]:
    caller = Caller("operator")
    await caller.open(servers.nats_url, servers.credentials.nats["operator"])
    yield caller
    await caller.close()


@pytest.fixture
def environment(servers: Servers, where: dict[str, str]) -> dict[str, str]:
    return os.environ | servers.environment | {f"ATRIUM_{name.upper()}": value for name, value in where.items()}


async def typed(environment: dict[str, str], *words: str) -> tuple[int, str]:
    """A command of the operator's: its exit code and what it prints."""
    code, out, err = await forks.run(words, environment)
    return code, (out + err).decode()


async def versions(attachments: Service, thread: UUID) -> dict[tuple[str, int], int]:
    """How many files of a thread have which status and version."""
    rows = await attachments.database.fetch("SELECT scan_status, version FROM attachments.attachments WHERE thread_id = $1", thread)
    return Counter((row["scan_status"], row["version"]) for row in rows)


async def another(attachments: Service, thread: UUID) -> UUID:
    """The first file of the thread that is not deleted."""
    query = "SELECT id FROM attachments.attachments WHERE thread_id = $1 AND deleted_at IS NULL ORDER BY id LIMIT 1"
    identifier: UUID = await attachments.database.fetchval(query, thread)
    return identifier


async def pages(operator: Caller, status: ScanStatus | None) -> list[Scan]:
    scans: list[Scan] = []
    page = await operator(LIST_SCANS, ListScans(status=status, limit=2), None)
    scans += page.scans
    while page.has_more:
        page = await operator(LIST_SCANS, ListScans(status=status, limit=2, cursor=page.next_cursor), None)
        scans += page.scans
    return scans


async def test_scans_of_all_workspaces_are_listed_newest_first(
    attachments: Service, operator: Caller, thread: UUID, agent: Principal
) -> None:
    files = [await attachments.upload(thread, caller) for caller in (agent, principal(), agent, principal(), agent)]
    for file in files[:3]:
        await attachments.scanned(file, "unscannable")
    newest_first = [file.id for file in reversed(files)]
    assert [scan.attachment_id for scan in await pages(operator, None)][:5] == newest_first
    assert [scan.attachment_id for scan in await pages(operator, ScanStatus.UNSCANNABLE)] == newest_first[2:]
    waits = await operator(SHOW_SCAN, ShowScan(attachment_id=files[4].id), None)
    ended = await operator(SHOW_SCAN, ShowScan(attachment_id=files[0].id), None)
    assert (waits.scan_status, waits.next_try_at is None, ended.scan_status, ended.next_try_at) == ("pending", False, "unscannable", None)
    with pytest.raises(AttachmentNotFound):
        await operator(SHOW_SCAN, ShowScan(attachment_id=new_id()), None)


async def test_all_files_of_a_digest_are_scanned_again_with_new_signatures(
    scanning: Scanning, operator: Caller, thread: UUID, agent: Principal, environment: dict[str, str]
) -> None:
    attachments = scanning.attachments
    with TemporaryDirectory(prefix="clamd-") as folder:
        clamav = ClamdServer(Path(folder) / "a")
        await clamav.start()
        files = [await attachments.upload(thread, agent, b"words that are bad from tomorrow") for _ in range(3)]
        other = await attachments.upload(thread, agent, b"words that are good")
        async with scanning.running(clamav.url):
            assert [await scanning.ends(file) for file in (*files, other)] == ["clean"] * 4
        await clamav.stop()
        signature = f"Words-That-Are-Bad:0:*:{b'bad from tomorrow'.hex()}\n"
        (Path(folder) / "a" / "signatures" / "more.ndb").write_text(signature)
        await clamav.start()
        said = await typed(environment, "scans", "rescan", str(files[0].id))
        assert said == (0, "3 files are scanned again.\n")
        assert [await scanning.status(file) for file in (*files, other)] == ["pending"] * 3 + ["clean"]
        async with scanning.running(clamav.url):
            assert [await scanning.ends(file) for file in files] == ["infected"] * 3
        await clamav.stop()
    code, out = await typed(environment, "scans", "list", "--status", "infected", "--json")
    assert (code, {scan["attachmentId"] for scan in json.loads(out)}) == (0, {str(file.id) for file in files})
    code, out = await typed(environment, "scans", "list", "--status", "infected")
    assert (code, [str(file.id) in out for file in files]) == (0, [True] * 3), "an id is shown whole on the narrowest screen"
    code, out = await typed(environment, "scans", "show", str(files[0].id))
    assert (code, "scanResult: Words-That-Are-Bad" in out) == (0, True)


@pytest_asyncio.fixture(loop_scope="session")
async def common(attachments: Service, thread: UUID, agent: Principal) -> AsyncIterator[UUID]:
    """One of 1,200 clean files of the same bytes."""
    await attachments.database.execute(_COMMON, agent.workspace_id, thread, agent.user_id, 1_200)
    yield await another(attachments, thread)
    await attachments.database.execute("DELETE FROM attachments.attachments WHERE thread_id = $1", thread)


async def test_however_many_files_have_a_digest_one_command_has_all_scanned_again(
    attachments: Service, thread: UUID, common: UUID, environment: dict[str, str]
) -> None:
    assert await typed(environment, "scans", "rescan", str(common)) == (0, "1200 files are scanned again.\n")
    assert await versions(attachments, thread) == {("pending", 2): 1_200}
    assert await typed(environment, "scans", "rescan", str(common)) == (0, "0 files are scanned again.\n")


async def test_a_digest_s_files_are_taken_by_batches_and_each_once_however_soon_its_scan_ends(
    attachments: Service, operator: Caller, thread: UUID, common: UUID
) -> None:
    request = Rescan(attachment_id=common)
    taken: list[int] = []
    while (answer := await operator(RESCAN, request, None)).files:
        request = request.model_copy(update={"asked_at": answer.asked_at})
        taken.append(answer.files)
        await attachments.database.execute(
            "UPDATE attachments.attachments SET scan_status = 'clean', scanned_at = now() WHERE thread_id = $1 AND scan_status = 'pending'",
            thread,
        )
        await attachments.database.execute("UPDATE attachments.attachments SET deleted_at = now() WHERE id = $1", common)
    assert taken == [500, 500, 200]
    assert await versions(attachments, thread) == {("clean", 2): 1_200}
    assert (await operator(RESCAN, Rescan(attachment_id=await another(attachments, thread)), None)).files == 500, "asked for anew"


async def test_what_was_scanned_by_other_signatures_is_scanned_again(
    scanning: Scanning, clamav: ClamdServer, operator: Caller, thread: UUID, agent: Principal
) -> None:
    attachments = scanning.attachments
    with pytest.raises(ScannerIsAway):
        await operator(RESCAN, Rescan(outdated=True), None)
    old, new = await attachments.upload(thread, agent), await attachments.upload(thread, agent)
    async with scanning.running(clamav.url) as application:
        assert {await scanning.ends(file) for file in (old, new)} == {"clean"}
        signatures = (await attachments.row(old))["signatures"]
        await attachments.database.execute("UPDATE attachments.attachments SET signatures = $1", signatures)
        await attachments.database.execute("UPDATE attachments.attachments SET signatures = '27000/before' WHERE id = $1", old.id)
        work = application._work
        operated = Operated(Inspection(attachments.background, work.poke), work.signatures)
        assert (await rescan(Rescan(outdated=True), operated)).files == 1
        assert await scanning.ends(old) == "clean"
    assert (await attachments.row(old))["signatures"] == signatures
    assert (await scanning.changes(agent.user_id, new))[-1:] == [("scanned", "clean")]
    assert [change for change in await scanning.changes(agent.user_id, old) if change == ("scanned", "clean")] == [("scanned", "clean")] * 2


async def test_what_today_s_signatures_could_not_be_tried_on_is_not_outdated(
    scanning: Scanning, clamav: ClamdServer, thread: UUID, agent: Principal
) -> None:
    """It would be for ever, and who asks until nothing is would never be done."""
    attachments = scanning.attachments
    file = await attachments.upload(thread, agent)
    await attachments.store.delete((await attachments.row(file))["storage_key"])
    await scanning.leaves_one_try(file)
    async with scanning.running(clamav.url) as application:
        assert await scanning.ends(file) == "failed"
        work = application._work
        await attachments.database.execute("UPDATE attachments.attachments SET signatures = $1 WHERE id <> $2", work.signatures(), file.id)
        operated = Operated(Inspection(attachments.background, work.poke), work.signatures)
        assert (await rescan(Rescan(outdated=True), operated)).files == 0
    await attachments.database.execute("UPDATE attachments.attachments SET deleted_at = now() WHERE id = $1", file.id)


async def test_the_store_is_compared_with_the_rows(
    attachments: Service, thread: UUID, agent: Principal, where: dict[str, str], environment: dict[str, str]
) -> None:
    """What is younger than an hour is left alone, and nothing is deleted unless it is said."""
    whole, lost, infected = [await attachments.upload(thread, agent) for _ in range(3)]
    uploading = await attachments.begin(thread, agent)
    orphan, young, parts = new_key("files"), new_key("files"), f"{new_key('files')}#1"
    known = [(await attachments.row(whole))["storage_key"], uploading.storage_key, preview_key(whole.id, 160), quarantine_key(infected.id)]
    await attachments.scanned(infected, "infected")
    for key in (orphan, young, preview_key(whole.id, 160), preview_key(new_id(), 160), quarantine_key(infected.id)):
        await attachments.store.write(key, _pieces(b"x"))
    await attachments.database.execute("UPDATE attachments.attachments SET created_at = created_at - interval '2 hours'")
    await attachments.store.delete((await attachments.row(lost))["storage_key"])
    await attachments.store.delete((await attachments.row(infected))["storage_key"])
    await attachments.database.execute("UPDATE attachments.attachments SET storage_key = $2 WHERE id = $1", infected.id, known[-1])
    folder = Path(where["store"].removeprefix("file://"))
    (folder / parts).parent.mkdir(parents=True)
    (folder / parts).write_bytes(b"of a write that was broken off")
    before = (folder / young).stat().st_mtime - timedelta(hours=2).total_seconds()
    for path in folder.rglob("*"):
        if path.is_file() and path != folder / young:
            os.utime(path, (before, before))
    code, out = await typed(environment, "attachments", "verify", "--json")
    found = json.loads(out)
    unknown = {each["key"] for each in found["objectsWithoutRows"]}
    assert (code, {orphan, parts} <= unknown, young in unknown, unknown & set(known)) == (1, True, False, set())
    assert {key.split("/")[0] for key in unknown} == {"files", "previews"}
    assert [row["attachmentId"] for row in found["rowsWithoutObjects"]] == [str(lost.id)]
    code, out = await typed(environment, "attachments", "verify")
    assert (code, [words in out for words in (orphan, str(lost.id))]) == (1, [True] * 2), "a key is shown whole on the narrowest screen"
    code, out = await typed(environment, "attachments", "verify", "--delete")
    assert (code, "deleted" in out) == (1, True)
    assert [await attachments.store.size(key) is None for key in (*unknown, young, *known)] == [True] * len(unknown) + [False] * 5
    await attachments.database.execute("UPDATE attachments.attachments SET deleted_at = now() WHERE id = $1", lost.id)
    assert await typed(environment, "attachments", "verify") == (0, "Every object has its row, and every row its object.\n")


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content
