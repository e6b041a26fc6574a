"""An email is one, however it is written; and one address does not try them all."""

import asyncio
import unicodedata
from collections import Counter
from itertools import islice, product
from typing import Literal

import httpx2
import pytest

from shared.identifiers import new_id
from tests.minutes import with_seconds_left
from tests.system.house import House, register, running_gateway
from tests.system.people import PASSWORD, expect, refusal

WRONG = "a guess"
FORMS: tuple[Literal["NFC", "NFD"], ...] = ("NFC", "NFD")


async def sign_in(http: httpx2.AsyncClient, email: str, password: str = WRONG, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await http.post("/api/auth/login", json={"email": email, "password": password}, headers=named)


@pytest.mark.parametrize("domain", ["xn--bcher-kva.example", "BÜCHER.example", "bu\N{COMBINING DIAERESIS}cher.example", "ｂücher.example"])
async def test_who_registered_signs_in_by_what_they_typed(domain: str, house: House) -> None:
    name = new_id().hex
    typed = f"Zoe\N{COMBINING DIAERESIS}.{name}@{domain}"
    person = await register(house.http, typed)
    assert person.user["email"] == f"zoë.{name}@bücher.example"
    for written in (typed, typed.upper(), person.user["email"]):
        expect(await sign_in(house.http, written, PASSWORD), 200)


async def test_an_email_is_guessed_at_as_one_however_it_is_written(house: House) -> None:
    accents, rest = "éèêëáàâä", new_id().hex
    email = f"{accents}{rest}@bücher.example"
    await register(house.http, email)
    written = [
        "".join(unicodedata.normalize(form, letter) for form, letter in zip(forms, accents, strict=True)) + f"{rest}@{domain}"
        for forms in islice(product(FORMS, repeat=8), 20)
        for domain in ("bücher.example", "xn--bcher-kva.example", "ＢÜCHER.example")
    ]
    async with running_gateway(house.servers, sign_ins_per_minute=5) as url, httpx2.AsyncClient(base_url=url, timeout=20) as http:
        assert Counter([(await sign_in(http, one)).status_code for one in written]) == {401: 4, 429: 56}, "registering was one"


async def test_one_address_guesses_at_so_many_emails(house: House) -> None:
    unlimited = {"anonymous_per_minute": 0, "trusted_proxies": "127.0.0.1"}
    async with (
        running_gateway(house.servers, address_sign_ins_per_minute=30, **unlimited) as url,
        httpx2.AsyncClient(base_url=url, timeout=20) as http,
    ):
        person = await register(house.http)
        await with_seconds_left(20)
        sprayed = [sign_in(http, f"{new_id().hex}@nobody.example", X_Forwarded_For="203.0.113.66") for _ in range(60)]
        answers = await asyncio.gather(*sprayed)
        assert Counter(answer.status_code for answer in answers) == {401: 30, 429: 30}
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert refusal(refused) == (429, "rate_limit_is_reached")
        assert refused.headers["ratelimit-policy"] == '"address-sign-ins";q=30;w=60'
        expect(await sign_in(http, person.user["email"], PASSWORD, X_Forwarded_For="203.0.113.67"), 200)


async def test_a_made_up_invitation_costs_no_hash(house: House) -> None:
    body = {"email": f"{new_id().hex}@people.example", "password": PASSWORD, "name": "Zoe", "invitation": "made up"}
    before = house.hasher.hashes
    assert refusal(await house.http.post("/api/auth/register", json=body)) == (409, "invitation_is_not_valid")
    assert house.hasher.hashes == before
