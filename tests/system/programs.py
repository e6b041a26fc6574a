"""Service accounts, as they use the API over HTTP."""

from typing import Any

import httpx2

from tests.system.house import House
from tests.system.people import Json, Person, expect


class Program:
    """A service account that uses the API with one of its tokens."""

    def __init__(self, http: httpx2.AsyncClient, account: Json, token: Json) -> None:
        self.http, self.account, self.token = http, account, token

    async def ask(self, method: str, path: str, body: Any = None) -> httpx2.Response:
        return await self.http.request(method, path, json=body, headers={"authorization": f"Bearer {self.token['token']}"})


async def program_of(house: House, admin: Person, *scopes: str) -> Program:
    account = expect(await admin.post("/api/service-accounts", {"name": "Support bot", "description": "Answers at night"}), 201)
    token = expect(await admin.post(f"/api/service-accounts/{account['id']}/tokens", {"name": "main", "scopes": list(scopes)}), 201)
    return Program(house.http, account, token)
