"""A whole Atrium with a clamd, and what is measured of it."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from shared.database.history import SYSTEM_ACTOR
from shared.embedded.clamd import clamd_program
from shared.messaging.caller import Caller
from tests.bench.files.measures import FilesMeasured
from tests.bench.files.scenarios import HUGE, LARGE, MEBIBYTE, FileScenarios
from tests.bench.history import Connection
from tests.bench.house import APART, USUAL, House, running_house
from tests.bench.load import Generator
from tests.bench.people import People
from tests.clamav import ClamdServer
from tests.servers import Servers

LIMIT = HUGE + MEBIBYTE
NO_CLAMD = "files are not measured: clamd is not installed (apt install clamav-daemon, or brew install clamav)"


@dataclass(frozen=True)
class FilesBench:
    """settle: has people signed in to a house."""

    servers: Servers
    generator: Generator
    database: Connection
    people: People
    rounds: int
    settle: Callable[[House], Awaitable[None]]
    say: Callable[[str], None]

    async def measured(self) -> FilesMeasured | None:
        """None where no clamd is installed."""
        if clamd_program() is None:
            self.say(NO_CLAMD)
            return None
        results = FilesMeasured()
        await self.database.execute("SELECT set_config('app.actor', $1, false)", SYSTEM_ACTOR)
        folder = self.servers.data / "clamd"
        clamav = ClamdServer(folder, LIMIT)
        try:
            await clamav.start()
            unscanned = {"ATRIUM_SCANNING": "off"}  # as the script that writes the same bytes scans none of them
            async with self._scenarios(clamav, USUAL, results, unscanned) as scenarios:
                await scenarios.uploads("uploads, 5 MB", LARGE, files=400)
                await scenarios.uploads("uploads, 50 MB", HUGE, files=60)
            async with self._scenarios(clamav, USUAL, results) as scenarios:
                await scenarios.scanning()
                await scenarios.uploads("uploads, 5 MB, scanned meanwhile", LARGE, files=400)
                await scenarios.downloads()
                await scenarios.until_clean()
            async with self._scenarios(clamav, APART, results) as scenarios:
                await scenarios.memory()
        finally:
            await clamav.stop()
            shutil.rmtree(folder, ignore_errors=True)
        return results

    @asynccontextmanager
    async def _scenarios(
        self, clamav: ClamdServer, layout: str, results: FilesMeasured, more: Mapping[str, str] = {}
    ) -> AsyncIterator[FileScenarios]:
        settings = {"ATRIUM_CLAMD_URL": clamav.url, "ATRIUM_ATTACHMENT_LIMIT": str(LIMIT), **more}
        async with AsyncExitStack() as stack:
            house = await stack.enter_async_context(running_house(self.servers, layout, settings))
            await self.settle(house)
            operator = Caller("operator")
            await operator.open(self.servers.nats_url, self.servers.credentials.nats["operator"])
            stack.push_async_callback(operator.close)
            store = self.servers.data / "store"
            yield FileScenarios(
                *(house, store, clamav.socket, operator, self.generator, self.database, self.people),
                *(self.rounds, results, self.say),
            )
