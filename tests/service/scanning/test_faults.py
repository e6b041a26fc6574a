"""clamd dies, hangs, talks nonsense: nothing is ever clean by that, and nothing is left behind."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from services.attachments.scanning.clamd import Clamd
from services.attachments.scanning.pieces import WAITING
from services.attachments.scanning.verdicts import ClamdHungUp, ClamdIsAway, Clean, Infected, Unscannable
from tests.clamav import LIMIT, ClamdServer
from tests.processes import HOST, free_port
from tests.samples import MEBIBYTE, VIRUSES, in_encrypted_zip
from tests.service.scanning.chunks import SIZE, chunks
from tests.service.scanning.impostor import Act, answering, closing_at_once, deaf, hasty, impostor, knowing, silent

CONTENT = os.urandom(MEBIBYTE)
OK = b"stream: OK\n"


class StoreIsLost(Exception):
    """What a store raises."""


async def after_the_first(act: Callable[[], None]) -> AsyncIterator[bytes]:
    yield CONTENT
    act()
    for _ in range(6):
        yield CONTENT


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_clamd_killed_in_the_middle_says_nothing_and_scans_again_when_it_is_back(server: ClamdServer, clamd: Clamd) -> None:
    with pytest.raises(ClamdIsAway):
        await clamd.scan(after_the_first(server.kill))
    with pytest.raises(ClamdIsAway, match="cannot be reached"):
        await clamd.scan(chunks(CONTENT))
    with pytest.raises(ClamdIsAway):
        await clamd.ping()
    await server.start()
    await clamd.ping()
    assert await clamd.scan(chunks(CONTENT)) == Clean()


async def test_clamd_that_hangs_is_away_when_the_deadline_has_passed(server: ClamdServer, clamd: Clamd) -> None:
    impatient = Clamd(server.url, scan_within=0.5, answer_within=0.2)
    try:
        with pytest.raises(ClamdIsAway, match=r"did not answer within 0\.5 s"):
            await impatient.scan(after_the_first(server.freeze))
        with pytest.raises(ClamdIsAway):
            await impatient.version()
    finally:
        server.thaw()
        impatient.close()
    assert await clamd.scan(chunks(CONTENT)) == Clean()


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (answering(b"\xff\xfe\x00nonsense\n"), "cannot be reached|no answer"),
        (answering(b"HTTP/1.1 400 Bad Request\r\n"), "no answer of clamd's"),
        (answering(b"stream: O"), "in the middle of its answer"),
        (answering(OK[:-1]), "in the middle of its answer"),
        (answering(b""), "without an answer"),
        (answering(b"x" * 1_000_000), "has no end"),
        (closing_at_once, "without an answer|broke the connection off"),
    ],
    ids=["no text", "another protocol", "half", "all but its end", "nothing", "too much", "closed at once"],
)
async def test_what_is_no_whole_answer_of_clamds_is_none(act: Act, said: str, short: Path) -> None:
    async with impostor(short, act) as there:
        client = Clamd(there.url)
        with pytest.raises(ClamdIsAway, match=said):
            await client.scan(chunks(CONTENT))
        client.close()


async def test_an_answer_before_all_was_read_counts(clamd: Clamd) -> None:
    assert isinstance(await clamd.scan(chunks(bytes(4 * LIMIT))), Unscannable)


@pytest.mark.parametrize("reads", [0, 1, 3])
async def test_a_file_is_not_clean_by_an_ok_before_all_of_it_was_sent(reads: int, short: Path) -> None:
    async with impostor(short, hasty(OK, reads=reads)) as there:
        client = Clamd(there.url)
        with pytest.raises(ClamdHungUp):
            await client.scan(chunks(8 * CONTENT))
        client.close()


async def test_a_file_is_not_clean_by_an_ok_before_its_last_bytes_were_sent(short: Path) -> None:
    """Even by one who then reads all of it."""
    said = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"the first half, "
        await said.wait()
        yield b"and the other"

    async with impostor(short, knowing(OK, said)) as there:
        client = Clamd(there.url)
        with pytest.raises(ClamdHungUp, match="before it had all of the file"):
            await client.scan(slow())
        client.close()


async def test_a_finding_before_all_was_sent_counts(short: Path) -> None:
    async with impostor(short, hasty(b"stream: Eicar FOUND\n", reads=1)) as there:
        client = Clamd(there.url)
        assert await client.scan(chunks(8 * CONTENT)) == Infected("Eicar")
        client.close()


async def test_over_tcp_it_is_the_same(short: Path) -> None:
    port = free_port()
    server = ClamdServer(short / "t", others={"TCPSocket": str(port), "TCPAddr": HOST})
    await server.start()
    client = Clamd(f"tcp://{HOST}:{port}")
    try:
        await client.ping()
        assert await client.scan(chunks(CONTENT)) == Clean()
        assert isinstance(await client.scan(chunks(VIRUSES["in a zip"]())), Infected)
        assert isinstance(await client.scan(chunks(bytes(4 * LIMIT))), Unscannable)
        with pytest.raises(ClamdIsAway):
            await client.scan(after_the_first(server.kill))
    finally:
        client.close()
        await server.stop()


async def test_nobody_at_all_is_away(short: Path) -> None:
    for url in (f"unix://{short}/nobody.sock", "tcp://127.0.0.1:1"):
        client = Clamd(url)
        with pytest.raises(ClamdIsAway, match="cannot be reached"):
            await client.scan(chunks(CONTENT))
        client.close()


@pytest.mark.parametrize("url", ["/run/clamd.sock", "unix://relative", "http://host", "tcp://", ""])
def test_what_is_no_address_of_a_clamd_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is no unix:///path"):
        Clamd(url)


async def test_many_scans_at_once_take_their_turns_and_none_gets_anothers_verdict(server: ClamdServer) -> None:
    client = Clamd(server.url, at_once=4)
    kinds = {Infected: VIRUSES["in a zip"](), Clean: CONTENT[:50_000], Unscannable: in_encrypted_zip(b"hidden")}
    wanted = [list(kinds)[number % 3] for number in range(64)]
    found = await asyncio.gather(*(client.scan(chunks(kinds[kind])) for kind in wanted))
    assert [type(verdict) for verdict in found] == wanted
    client.close()


async def test_no_more_scans_go_on_at_once_than_are_allowed(short: Path) -> None:
    async with impostor(short, answering(OK)) as there:
        client = Clamd(there.url, at_once=4)
        assert await asyncio.gather(*(client.scan(chunks(CONTENT)) for _ in range(64))) == [Clean()] * 64
        assert there.most_connected <= 4
        client.close()


async def test_a_clamd_that_reads_nothing_does_not_fill_the_memory(short: Path) -> None:
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += SIZE
            yield bytes(SIZE)

    async with impostor(short, deaf) as there:
        client = Clamd(there.url, scan_within=0.5)
        with pytest.raises(ClamdIsAway):
            await client.scan(endless())
        assert given < (WAITING + 4) * SIZE
        client.close()


async def test_a_question_does_not_wait_for_scans(short: Path) -> None:
    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readline() == b"nPING\n":
            writer.write(b"PONG\n")
        else:
            await silent(reader, writer)

    async with impostor(short, act) as there:
        client = Clamd(there.url, at_once=1)
        scan = asyncio.create_task(client.scan(chunks(CONTENT)))
        await eventually(lambda: there.connected == 1)
        await client.ping()
        scan.cancel()
        client.close()


async def test_a_cancelled_scan_hangs_up_and_gives_its_turn_to_the_next(short: Path) -> None:
    async with impostor(short, silent) as there:
        client = Clamd(there.url, at_once=1)
        for _ in range(3):
            scan = asyncio.create_task(client.scan(chunks(CONTENT)))
            await eventually(lambda: there.connected == 1)
            scan.cancel()
            with pytest.raises(asyncio.CancelledError):
                await scan
            await eventually(lambda: there.connected == 0)
        client.close()


async def test_a_file_that_breaks_off_is_never_scanned_as_a_whole_one(short: Path) -> None:
    """Else the first half of a file would be clean, and all of it served."""
    whole = False

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal whole
        await answering(OK)(reader, writer)
        whole = True

    async def lost() -> AsyncIterator[bytes]:
        yield CONTENT
        raise StoreIsLost

    async with impostor(short, act) as there:
        client = Clamd(there.url)
        with pytest.raises(StoreIsLost):
            await client.scan(lost())
        await eventually(lambda: there.connected == 0)
        assert not whole
        client.close()


async def test_what_gives_the_bytes_is_closed_whatever_happens(short: Path) -> None:
    closed = 0

    async def given() -> AsyncIterator[bytes]:
        nonlocal closed
        try:
            for _ in range(64):
                yield CONTENT
        finally:
            closed += 1

    for act in (answering(OK), closing_at_once, deaf):
        async with impostor(short, act) as there:
            client = Clamd(there.url, scan_within=0.5)
            await asyncio.gather(client.scan(given()), return_exceptions=True)
            client.close()
    assert closed == 3
