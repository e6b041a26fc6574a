"""A whole Atrium with thousands who follow it live, and what is measured of it."""

import resource
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shared.database.history import SYSTEM_ACTOR
from tests.bench.history import Connection
from tests.bench.house import APART, House, running_house
from tests.bench.people import People
from tests.bench.realtime.crowd import Crowd
from tests.bench.realtime.followers import Followers
from tests.bench.realtime.measures import RealtimeMeasured
from tests.bench.realtime.scenarios import FOLLOWERS, RealtimeScenarios, add_up
from tests.servers import Servers

SOCKETS = 5_000
_OTHER_FILES = 500


@dataclass(frozen=True)
class RealtimeBench:
    """One gateway, in a process of its own. sockets: that are idle, where so many files may be open. settle: has people signed in."""

    servers: Servers
    database: Connection
    people: People
    sockets: int
    seconds: float
    rounds: int
    settle: Callable[[House], Awaitable[None]]
    say: Callable[[str], None]

    async def measured(self) -> RealtimeMeasured:
        results = RealtimeMeasured()
        sockets = min(self.sockets, _files_allowed() - _OTHER_FILES)
        await self.database.execute("SELECT set_config('app.actor', $1, false)", SYSTEM_ACTOR)
        async with Crowd() as crowd:
            async with running_house(self.servers, APART) as house:
                await self.settle(house)
                self.say(f"{max(FOLLOWERS, sockets):,} users")
                followers = await Followers.arrive(self.database, self.people.all[0], max(FOLLOWERS, sockets))
                scenarios = await self._scenarios(house, crowd, followers, results)
                await scenarios.fan_out()
                await scenarios.resume()
            async with running_house(self.servers, APART) as house:
                await self.settle(house)
                followers.owner = self.people.all[0]
                await (await self._scenarios(house, crowd, followers, results)).idle(sockets)
            add_up(results.unexpected, await crowd.unexpected())
        return results

    async def _scenarios(self, house: House, crowd: Crowd, followers: Followers, results: RealtimeMeasured) -> RealtimeScenarios:
        thread = await followers.open_thread(self.database, house.url, FOLLOWERS)
        return RealtimeScenarios(
            *(house, crowd, self.database, followers, thread, self.seconds, self.rounds, results, self.say),
        )


def _files_allowed() -> int:
    """Of one process. As many as there may be are asked for."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
