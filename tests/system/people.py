"""Those who use the API over HTTP, and what they are told."""

import json
from base64 import urlsafe_b64decode
from typing import Any
from uuid import UUID

import httpx2

from shared.identifiers import new_id

type Json = dict[str, Any]

PASSWORD = "correct horse battery staple"

_PROBLEM = ["type", "title", "status", "code", "detail", "requestId"]


def expect(answer: httpx2.Response, status: int) -> Json:
    """The body of an answer that has this status."""
    assert answer.status_code == status, f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:500]}"
    body: Json = answer.json() if answer.content else {}
    return body


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    """The status and code of a refusal, whose form is checked on the way."""
    problem = expect(answer, answer.status_code)
    assert answer.headers["content-type"] == "application/problem+json", answer.text[:500]
    assert [name for name in problem if name != "errors"] == _PROBLEM
    assert problem["status"] == answer.status_code
    assert problem["type"] == f"urn:atrium:{problem['code']}"
    assert problem["requestId"] == answer.headers["x-request-id"]
    for error in problem.get("errors", []):
        assert list(error) == ["field", "code", "detail"]
    return answer.status_code, problem["code"]


def wrong_fields(answer: httpx2.Response) -> dict[str, str]:
    """The fields that a request has wrong, each with what is wrong with it."""
    assert refusal(answer) == (422, "request_is_invalid")
    return {error["field"]: error["code"] for error in answer.json()["errors"]}


class Person:
    """Somebody signed in. `user` is the account as the API shows it."""

    def __init__(self, http: httpx2.AsyncClient, signed_in: Json) -> None:
        self.http = http
        self.user: Json = signed_in["user"]
        self.access_token: str = signed_in["accessToken"]
        self.refresh_token: str = signed_in["refreshToken"]

    @property
    def id(self) -> str:
        return str(self.user["id"])

    @property
    def session_id(self) -> str:
        """As the access token says it."""
        payload = self.access_token.split(".")[1]
        return str(json.loads(urlsafe_b64decode(payload + "=="))["sid"])

    @property
    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.access_token}"}

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.request(method, path, json=body, headers={**self.bearer, **named})

    async def get(self, path: str, **query: object) -> httpx2.Response:
        return await self.http.get(path, params={name: str(value) for name, value in query.items()}, headers=self.bearer)

    async def post(self, path: str, body: Json) -> httpx2.Response:
        return await self.ask("POST", path, body)

    async def patch(self, path: str, body: Json) -> httpx2.Response:
        return await self.ask("PATCH", path, body)

    async def delete(self, path: str) -> httpx2.Response:
        return await self.ask("DELETE", path)

    async def open(self, kind: str = "group", **fields: object) -> Json:
        """A thread that is there now."""
        return expect(await self.post("/api/collab/threads", opening(kind, **fields)), 201)

    async def say(self, thread: Json, content: str = "Hello", **fields: object) -> Json:
        """A message that is in the thread now."""
        return expect(await self.post(messages_of(thread), {"content": content, **fields}), 201)

    async def page(self, thread: Json, **query: object) -> Json:
        return expect(await self.get(messages_of(thread), **query), 200)

    async def threads(self, **query: object) -> Json:
        return expect(await self.get("/api/collab/threads", **query), 200)


def opening(kind: str = "group", **fields: object) -> Json:
    """What is sent to open a thread."""
    booking = {"bookingId": str(new_id())} if kind == "booking" else {}
    return {"kind": kind, "title": "A trip to Turin", **booking, **fields}


def taking_part(*people: Person) -> list[Json]:
    """People, as those who are to take part in a thread."""
    return [{"role": person.user["role"], "userId": person.id, "name": person.user["name"]} for person in people]


def path_of(thread: Json) -> str:
    return f"/api/collab/threads/{UUID(thread['id'])}"


def messages_of(thread: Json) -> str:
    return f"{path_of(thread)}/messages"


def message_path(message: Json | str) -> str:
    return f"/api/collab/messages/{message if isinstance(message, str) else message['id']}"
