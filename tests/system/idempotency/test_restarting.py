"""What holds over a restart of all of Atrium."""

from dataclasses import replace

from tests.servers import running_servers
from tests.system.house import house_over, log_in
from tests.system.idempotency.test_keys import KEYED, desk_of, outcome


async def test_a_key_is_known_after_a_restart() -> None:
    async with running_servers() as servers:
        async with house_over(servers) as house:
            desk = await desk_of(house.host)
            bodies = {route: desk.body(route) for route in KEYED}
            made = {route: outcome(await desk.send(route, body, "a key")) for route, body in bodies.items()}
        async with house_over(servers) as house:
            desk = replace(desk, admin=await log_in(house.http, desk.admin.user["email"]))
            again = {route: outcome(await desk.send(route, body, "a key")) for route, body in bodies.items()}
    assert {route.name: (201, "true", location) for route, (_, _, location) in made.items()} == {
        route.name: each for route, each in again.items()
    }
