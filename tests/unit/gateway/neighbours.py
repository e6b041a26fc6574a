"""The services behind the gateway, as a test wants them to be; and a gateway in front of them, served as in production."""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import httpx2
from joserfc import jwt
from joserfc.jwk import ECKey
from pydantic import BaseModel

from services.gateway.limits import Limits
from services.gateway.main import Gateway
from services.gateway.protocol import BoundedProtocol
from services.gateway.realtime.hub import Hub
from services.gateway.realtime.protocol import socket_protocol
from services.gateway.settings import GatewaySettings
from shared.contracts.attachments.attachments import OPEN_ATTACHMENT, OPEN_PREVIEW, StoredFile
from shared.contracts.attachments.links import OPEN_LINK
from shared.contracts.attachments.resumable import (
    COMPLETE_RESUMABLE_UPLOAD,
    CONTINUE_RESUMABLE_UPLOAD,
    DELETE_RESUMABLE_UPLOAD,
    GET_RESUMABLE_UPLOAD,
    ResumableUpload,
    UploadPart,
)
from shared.contracts.attachments.uploads import ABORT_UPLOADS, BEGIN_UPLOAD, Upload
from shared.contracts.graph.pictures import DRAW_PROJECT_GRAPH
from shared.contracts.graph.reads import FIND_PATH, GET_IMPACT, GET_RELATED
from shared.contracts.identity.service_accounts import AUTHORIZE_TOKEN, AuthorizeToken
from shared.contracts.identity.sessions import AUTHORIZE, GET_PUBLIC_KEYS, Authorize, PublicKeys, TokenIsNotValid
from shared.contracts.messages.messages import POST_MESSAGE
from shared.contracts.model import Nothing, Request
from shared.contracts.operations import Operation
from shared.contracts.principal import Principal, Role
from shared.contracts.roles import built_in_grants
from shared.http_server import HttpServer
from shared.identifiers import new_id
from shared.messaging.context import Context, current_context
from shared.messaging.frames import Answer, AnswerKind
from shared.store.local import FolderStore
from shared.store.store import Store

SIGNING_KEY = ECKey.generate_key("P-256")
THREAD, MESSAGE = UUID("0194d3c2-7a00-7000-8000-000000000001"), UUID("0194d3c2-7a00-7000-8000-000000000002")
MESSAGE_JSON = f'{{"id":"{MESSAGE}","threadId":"{THREAD}","content":"héllo"}}'.encode()
POST_PATH = f"/api/collab/threads/{THREAD}/messages"

STORED = StoredFile(
    attachment_id=MESSAGE, storage_key="files/stored", filename="a.txt", mime_type="text/plain", size=5, etag="digest", inline=False
)
UPLOAD = Upload(id=MESSAGE, storage_key="files/new")
BEGUN = ResumableUpload(id=MESSAGE, thread_id=THREAD, size=5, offset=0, metadata="", expires_at=datetime(2030, 1, 1, tzinfo=UTC))
COMPLETE = BEGUN.model_copy(update={"offset": 5, "attachment_id": MESSAGE})
TRANSFERS: dict[Operation[Any, Any], BaseModel] = {
    BEGIN_UPLOAD: UPLOAD,
    ABORT_UPLOADS: Nothing(),
    **dict.fromkeys((OPEN_ATTACHMENT, OPEN_PREVIEW, OPEN_LINK), STORED),
    GET_RESUMABLE_UPLOAD: BEGUN,
    CONTINUE_RESUMABLE_UPLOAD: UploadPart(upload=BEGUN, place=UPLOAD),
    COMPLETE_RESUMABLE_UPLOAD: COMPLETE,
    DELETE_RESUMABLE_UPLOAD: Nothing(),
}

WALKED = dict.fromkeys((GET_RELATED, GET_IMPACT, FIND_PATH), b'{"engine":"sql"}')
DRAWN = {DRAW_PROJECT_GRAPH: b'{"svg":"<svg/>"}'}


@dataclass(frozen=True)
class Asked:
    """One call that the gateway made."""

    operation: Operation[Any, Any]
    request: Request
    principal: Principal | None
    context: Context


class Neighbours:
    """Answers the gateway's calls. `answers` maps an operation to its answer's bytes, or to what it raises."""

    def __init__(self) -> None:
        self.restore()

    def restore(self) -> None:
        """As at first: all is well, and nothing was asked."""
        self.connected = True
        self.outcome: AnswerKind = "reply"
        self.answers: dict[Operation[Any, Any], bytes | Exception] = {POST_MESSAGE: MESSAGE_JSON, **WALKED, **DRAWN}
        self.asked: list[Asked] = []
        self.keys: list[dict[str, str]] | Exception = [published(SIGNING_KEY)]
        self.authorize: Callable[[Authorize], Principal] = principal_of
        self.authorize_token: Callable[[AuthorizeToken], Principal] = no_program

    async def __call__[Q: Request, R: BaseModel](self, operation: Operation[Q, R], request: Q, principal: Principal | None) -> R:
        self.asked.append(Asked(operation, request, principal, current_context.get()))
        reply: BaseModel
        if operation is GET_PUBLIC_KEYS:
            if isinstance(self.keys, Exception):
                raise self.keys
            reply = PublicKeys(keys=self.keys)
        elif operation in TRANSFERS:
            reply = TRANSFERS[operation]
        elif operation is AUTHORIZE_TOKEN:
            assert isinstance(request, AuthorizeToken)
            reply = self.authorize_token(request)
        else:
            assert operation is AUTHORIZE
            assert isinstance(request, Authorize)
            reply = self.authorize(request)
        assert isinstance(reply, operation.reply)
        return reply

    async def answer[Q: Request, R: BaseModel](self, operation: Operation[Q, R], request: Q, principal: Principal | None) -> Answer:
        self.asked.append(Asked(operation, request, principal, current_context.get()))
        answer = self.answers.get(operation, b'{"id":"%b"}' % str(MESSAGE).encode())
        if isinstance(answer, Exception):
            raise answer
        return Answer(0, self.outcome, answer)

    def calls(self, operation: Operation[Any, Any]) -> list[Asked]:
        return [asked for asked in self.asked if asked.operation is operation]


def no_program(request: AuthorizeToken) -> Principal:
    raise TokenIsNotValid


def principal_of(request: Authorize) -> Principal:
    return Principal(
        user_id=request.user_id,
        session_id=request.session_id,
        workspace_id=request.workspace_id,
        role=Role.CLIENT,
        name="Ada",
        grants=built_in_grants(Role.CLIENT),
    )


def published(key: ECKey) -> dict[str, str]:
    public = key.as_dict(private=False)
    return {name: str(public[name]) for name in ("kty", "crv", "x", "y")} | {"kid": key.thumbprint(), "use": "sig", "alg": "ES256"}


def claims(**others: Any) -> dict[str, Any]:
    now = int(time.time())
    ids = {name: str(new_id()) for name in ("sub", "sid", "ws")}
    return ids | {"iss": "atrium", "aud": "atrium", "iat": now, "nbf": now, "exp": now + 900} | others


def token(key: ECKey = SIGNING_KEY, header: dict[str, Any] | None = None, **others: Any) -> str:
    return jwt.encode({"alg": "ES256", "kid": key.thumbprint()} | (header or {}), claims(**others), key, algorithms=["ES256"])


def signed_in(user: UUID | None = None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(sub=str(user or new_id()))}"}


@dataclass(frozen=True)
class Running:
    """A gateway that listens, what is behind it, and a client in front of it."""

    gateway: Gateway
    neighbours: Neighbours
    client: httpx2.AsyncClient
    url: str


@asynccontextmanager
async def running_gateway(
    neighbours: Neighbours | None = None,
    hub: Hub | None = None,
    bounds: Mapping[str, Any] | None = None,
    limits: Limits | None = None,
    **settings: Any,
) -> AsyncIterator[Running]:
    """bounds, limits: other ones of its sockets and of its callers than the settings say."""
    neighbours = neighbours or Neighbours()
    with TemporaryDirectory() as folder:
        gateway = Gateway(GatewaySettings(**settings), neighbours, await _store(Path(folder)), hub, limits=limits)
        gateway.live.bounds = replace(gateway.live.bounds, **bounds or {})
        async with _serving(gateway, neighbours) as running:
            yield running


async def _store(folder: Path) -> Store:
    """Has the one file that neighbours know of."""
    store = FolderStore(folder)
    await store.open()
    (folder / "files").mkdir()
    (folder / STORED.storage_key).write_bytes(b"hello")
    return store


@asynccontextmanager
async def _serving(gateway: Gateway, neighbours: Neighbours) -> AsyncIterator[Running]:
    server = HttpServer(
        gateway.app,  # type: ignore[arg-type]
        "127.0.0.1",
        0,
        setting="ATRIUM_PORT",
        protocol=BoundedProtocol,
        sockets=socket_protocol(gateway.live.bounds),
        trusted_proxies=gateway.settings.trusted_proxies,
    )
    await server.start()
    try:
        async with httpx2.AsyncClient(base_url=server.url, timeout=20) as client:
            yield Running(gateway, neighbours, client, server.url)
    finally:
        await gateway.live.stop()
        await server.stop()
        await gateway.limits.close()
