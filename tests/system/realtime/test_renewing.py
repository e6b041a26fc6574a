"""A token's end closes what it opened; a newer one, in time, keeps a WebSocket open."""

import time

import pytest
from joserfc import jwt

from shared.contracts.principal import Role
from tests.system.abuse.test_forged_tokens import claims_of
from tests.system.house import House
from tests.system.people import Person, expect
from tests.system.realtime.followers import SOON, Transport, following

LIFE = 2  # seconds


async def short_token(house: House, person: Person) -> tuple[str, int]:
    """A token of the person's own session that ends soon, and when."""
    (published,) = expect(await house.http.get("/.well-known/jwks.json"), 200)["keys"]
    ends = int(time.time()) + LIFE
    head = {"alg": "ES256", "kid": published["kid"], "typ": "JWT"}
    return jwt.encode(head, claims_of(person) | {"exp": ends}, await house.signing_key(), algorithms=["ES256"]), ends


@pytest.mark.parametrize("over", Transport)
async def test_a_connection_ends_with_its_token(house: House, over: Transport, agent: Person) -> None:
    thread = await agent.open()
    token, ends = await short_token(house, agent)
    async with following(house, token, over) as follower:
        await agent.say(thread)
        await follower.told("messagePosted")
        assert await follower.closed(LIFE + SOON) == 4401
        assert ends - 0.1 <= time.time() < ends + SOON


async def test_a_newer_token_keeps_a_socket_open(house: House, agent: Person) -> None:
    thread = await agent.open()
    token, ends = await short_token(house, agent)
    async with following(house, token, Transport.WEBSOCKET) as follower:
        await follower.says("auth", token=agent.access_token)
        with pytest.raises(TimeoutError):
            await follower.closed(ends - time.time() + SOON)
        await agent.say(thread)
        await follower.told("messagePosted", SOON)
        assert len(follower.of("ready")) == 1


async def test_a_role_that_changes_with_the_newer_token_shows_what_it_shows(house: House, agent: Person) -> None:
    person = await house.person(Role.CLIENT)
    thread = await agent.open()
    async with following(house, person, Transport.WEBSOCKET) as follower:
        expect(await house.host.patch(f"/api/users/{person.id}", {"role": "agent"}), 200)
        await follower.told("accessChanged", SOON, workspaceId=person.user["workspaceId"])
        await follower.says("auth", token=person.access_token)
        await agent.say(thread)
        await follower.told("messagePosted", SOON)
