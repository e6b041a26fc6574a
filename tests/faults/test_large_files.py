"""Many large files at once pass through the gateway, and through the scanner, without being held by either."""

import asyncio
from uuid import UUID

import httpx2
import psutil

from shared.embedded.clamd import MEBIBYTE
from tests.clamav import installed_clamd
from tests.faults.conftest import BOTH_STORES
from tests.faults.files import all_adds_up, shown
from tests.faults.house import House, eventually
from tests.processes import HOST, free_port
from tests.system.attachments.files import FORM, attachments_of
from tests.system.attachments.test_memory import form_of, most_of
from tests.system.people import Json, expect

FILES, SIZE, MAY_GROW = 20, 50, 64  # MiB


@BOTH_STORES
async def test_twenty_files_of_50_mb_at_once_grow_neither_the_gateway_nor_the_service_by_64_mb(house: House) -> None:
    installed_clamd()
    thread, port = await house.opened_thread(), free_port()
    larger = {"ATRIUM_ATTACHMENT_LIMIT": str((SIZE + 1) * MEBIBYTE), "ATRIUM_SCAN_TIMEOUT": "150"}
    gateway = house.process("gateway", name="larger-gateway", ATRIUM_PORT=str(port), **larger)
    service = house.process("attachments", name="larger-attachments", **larger)
    await house.programs["attachments"].stop(within=10)
    try:
        await service.start()
        await gateway.start()
        path, headers = attachments_of(thread), {**house.people[0].bearer, **FORM}
        async with httpx2.AsyncClient(base_url=f"http://{HOST}:{port}", timeout=110) as http:

            async def send(mebibytes: int) -> int:
                return (await http.post(path, content=form_of(mebibytes), headers=headers)).status_code

            assert await send(SIZE) == 201
            await eventually(lambda: are_clean(house, thread, 1), "the first one is clean", within=60)
            processes = [psutil.Process(program.process.pid) for program in (gateway, service)]
            before = [process.memory_info().rss for process in processes]
            async with most_of(processes[0]) as of_gateway, most_of(processes[1]) as of_service:
                assert await asyncio.gather(*(send(SIZE) for _ in range(FILES))) == [201] * FILES
                await eventually(lambda: are_clean(house, thread, 2), "they are scanned, several at once", within=60)
            grown = [(most - least) // MEBIBYTE for (most,), least in zip((of_gateway, of_service), before, strict=True)]
            assert max(grown) < MAY_GROW, f"gateway and service grew by {grown} MiB"
        files = await shown(house, thread)
        assert len(files) == 1 + FILES
        for file in files.values():  # a gigabyte that need not be scanned to its end
            expect(await house.people[0].delete(file["url"]), 204)
    finally:
        await gateway.stop(within=10)
        await service.stop(within=10)
        await house.programs["clamd"].restart()
    await house.mend()
    await all_adds_up(house)


async def are_clean(house: House, thread: Json, files: int) -> bool:
    async with house.database() as admin:
        query = "SELECT count(*) FROM attachments.attachments WHERE thread_id = $1 AND scan_status = 'clean'"
        return bool(await admin.fetchval(query, UUID(thread["id"])) >= files)
