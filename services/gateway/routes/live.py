"""What happens, as it happens (spec 1, phase 2): by a WebSocket, by an event stream, and from which cursor on."""

from services.gateway.exchange import Exchange
from services.gateway.live_routing import live_route
from services.gateway.realtime.live import NEEDS, Live, checked_cursor
from services.gateway.realtime.protocol import SocketProtocol
from services.gateway.realtime.sse import EVENT_STREAM, HEADERS, EventStream, interests_of
from services.gateway.realtime.websocket import Session, Upgraded
from services.gateway.replies import Plain, Reply
from shared.contracts.model import View
from shared.contracts.refusals import ServiceIsUnavailable

AUTHORIZATION = b"authorization"


class SnapshotCursor(View):
    """Where the events go on that a snapshot, begun after this was asked for, does not hold."""

    cursor: str


@live_route("/api/collab/ws", needs=NEEDS, socket=True)
async def open_socket(live: Live, exchange: Exchange) -> Reply:
    """Upgrade to a WebSocket, which brings all that the caller may see; `docs/realtime.md` has its frames.

    Without `Authorization` the first frame signs in: `{"type": "auth", "token": …}`.
    """
    said = live.check(exchange)
    cursor = checked_cursor(said.get("cursor"))
    socket = exchange.scope["extensions"].get("atrium.socket")
    if not isinstance(socket, SocketProtocol):
        raise ServiceIsUnavailable
    if AUTHORIZATION in exchange.headers:
        signed = await live.signed_in(exchange)
        return Upgraded(Session(live, socket, exchange.network, signed), cursor)
    await live.stranger(exchange)
    return Upgraded(Session(live, socket, exchange.network, None), None)


@live_route("/api/collab/events", needs=NEEDS, media=EVENT_STREAM, takes_cookie=True)
async def follow_events(live: Live, exchange: Exchange) -> Reply:
    """Follow all that the caller may see as server-sent events, or the named threads, projects and types of it; `id` is the cursor."""
    said = live.check(exchange)
    signed = await live.signed_in(exchange, takes_cookie=True)
    kept = exchange.headers.get(b"last-event-id", b"").decode("latin-1")
    cursor, interests = checked_cursor(kept or said.get("cursor")), interests_of(said)
    if exchange.scope["method"] == "HEAD":
        return Reply(200, b"", HEADERS)
    return EventStream(live, exchange, signed, cursor, interests)


@live_route("/api/collab/snapshot-cursor", SnapshotCursor, needs=NEEDS)
async def get_snapshot_cursor(live: Live, exchange: Exchange) -> Reply:
    """The cursor to ask for before a snapshot, and to follow from after it: between the two nothing is missing."""
    await live.signed_in(exchange)
    return Plain(SnapshotCursor(cursor=live.hub.cursor).model_dump_json(by_alias=True).encode())
