"""What the gateway says about itself and about the installation."""

from typing import Protocol

from prometheus_client import CONTENT_TYPE_LATEST

from services.gateway.bodies import MOST_BYTES
from services.gateway.fleet import Readiness
from services.gateway.replies import Plain
from services.gateway.routing import own_route
from services.gateway.settings import GatewaySettings
from shared.contracts.attachments.resumable import MOST_UNFINISHED
from shared.contracts.attachments.uploads import MOST_FILES
from shared.contracts.messages.content import CONTENT_LENGTH
from shared.contracts.messages.messages import METADATA_BYTES
from shared.contracts.model import View


class Gateway(Protocol):
    """What these routes need of it."""

    settings: GatewaySettings

    async def readiness(self) -> Readiness: ...

    async def metrics(self) -> bytes: ...


class Life(View):
    ok: bool


class LimitsView(View):
    """What a client has to keep to. 0 a minute is no limit; lengths are in characters, the others in bytes."""

    messages_per_minute: int
    uploads_per_minute: int
    requests_per_minute: int
    anonymous_per_minute: int
    workspace_messages_per_minute: int
    workspace_requests_per_minute: int
    sign_ins_per_minute: int
    address_sign_ins_per_minute: int
    account_sign_ins_per_minute: int
    message_length: int
    metadata_bytes: int
    body_bytes: int
    attachment_bytes: int
    files_per_upload: int
    unfinished_uploads: int
    project_file_bytes: int


@own_route("/healthz", Life)
async def healthz(gateway: Gateway) -> Plain:
    """Whether this process lives."""
    return Plain(b'{"ok":true}')


@own_route("/readyz", Readiness)
async def readyz(gateway: Gateway) -> Plain:
    """Whether everything that is needed is there: 503 and what is missing where it is not."""
    state = await gateway.readiness()
    return Plain(state.model_dump_json().encode(), status=200 if state.ready else 503)


@own_route("/metrics")
async def metrics(gateway: Gateway) -> Plain:
    """Metrics of all processes, in Prometheus's text format."""
    return Plain(await gateway.metrics(), CONTENT_TYPE_LATEST.encode())


@own_route("/api/limits", LimitsView)
async def get_limits(gateway: Gateway) -> Plain:
    """The limits that a client has to keep to."""
    settings = gateway.settings
    limits = LimitsView(
        messages_per_minute=settings.messages_per_minute,
        uploads_per_minute=settings.uploads_per_minute,
        requests_per_minute=settings.requests_per_minute,
        anonymous_per_minute=settings.anonymous_per_minute,
        workspace_messages_per_minute=settings.workspace_messages_per_minute,
        workspace_requests_per_minute=settings.workspace_requests_per_minute,
        sign_ins_per_minute=settings.sign_ins_per_minute,
        address_sign_ins_per_minute=settings.address_sign_ins_per_minute,
        account_sign_ins_per_minute=settings.account_sign_ins_per_minute,
        message_length=CONTENT_LENGTH,
        metadata_bytes=METADATA_BYTES,
        body_bytes=MOST_BYTES,
        attachment_bytes=settings.attachment_limit,
        files_per_upload=MOST_FILES,
        unfinished_uploads=MOST_UNFINISHED,
        project_file_bytes=settings.project_file_limit,
    )
    return Plain(limits.model_dump_json().encode())
