"""A refresh token is for one use, wherever and however often at once it is used."""

import asyncio

from tests.system.house import House, running_gateway
from tests.system.people import Person, expect, refusal

REFRESH = "/api/auth/refresh"


async def test_refreshing_at_two_gateways_at_once_gives_one_successor(house: House, client: Person) -> None:
    async with running_gateway(house.servers, anonymous_per_minute=0) as other:
        body = {"refreshToken": client.refresh_token}
        answers = await asyncio.gather(*(house.http.post(f"{url}{REFRESH}", json=body) for _ in range(25) for url in (house.url, other)))
    assert len({expect(answer, 200)["refreshToken"] for answer in answers}) == 1


async def test_a_stolen_token_that_is_used_after_its_successor_ends_the_session_for_both(house: House, client: Person) -> None:
    first = expect(await house.http.post(REFRESH, json={"refreshToken": client.refresh_token}), 200)
    second = expect(await house.http.post(REFRESH, json={"refreshToken": first["refreshToken"]}), 200)
    thief = await house.http.post(REFRESH, json={"refreshToken": client.refresh_token})
    assert refusal(thief) == (401, "refresh_token_is_spent")
    assert refusal(await house.http.post(REFRESH, json={"refreshToken": second["refreshToken"]})) == (401, "refresh_token_is_spent")
    answer = await house.http.get("/api/auth/me", headers={"authorization": f"Bearer {second['accessToken']}"})
    assert refusal(answer) == (401, "session_has_ended")


async def test_of_old_and_new_used_at_once_the_session_never_forks(house: House, client: Person) -> None:
    """However the race goes, at most one token can be refreshed afterwards."""
    first = expect(await house.http.post(REFRESH, json={"refreshToken": client.refresh_token}), 200)
    tokens = [client.refresh_token, first["refreshToken"]] * 10
    answers = await asyncio.gather(*(house.http.post(REFRESH, json={"refreshToken": token}) for token in tokens))
    given = {answer.json()["refreshToken"] for answer in answers if answer.status_code == 200} - {first["refreshToken"]}
    assert {answer.status_code for answer in answers} <= {200, 401}
    assert len(given) <= 1


async def test_a_token_of_a_session_that_ended_refreshes_nothing(house: House, client: Person) -> None:
    body = {"refreshToken": client.refresh_token}
    ended, *refreshed = await asyncio.gather(
        house.http.post("/api/auth/logout", json=body), *(house.http.post(REFRESH, json=body) for _ in range(10))
    )
    assert ended.status_code == 204
    for answer in refreshed:
        assert answer.status_code in (200, 401)
        if answer.status_code == 200:
            later = await house.http.get("/api/auth/me", headers={"authorization": f"Bearer {answer.json()['accessToken']}"})
            assert refusal(later) == (401, "session_has_ended")
