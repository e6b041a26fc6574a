"""Those who take part in threads, over HTTP."""

from services.gateway.replies import Created, NoContent, Ok
from services.gateway.routing import Call, route
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.threads.participants import (
    ADD_PARTICIPANT,
    CHANGE_PARTICIPANT,
    GET_PARTICIPANT,
    LIST_PARTICIPANTS,
    REMOVE_PARTICIPANT,
    AddParticipant,
    ChangeParticipant,
    GetParticipant,
    ListParticipants,
    Participant,
    ParticipantPage,
    RemoveParticipant,
)

PARTICIPANTS = "/api/collab/threads/{threadId}/participants"
PARTICIPANT = "/api/collab/threads/{threadId}/participants/{participantId}"


@route("GET", PARTICIPANTS, LIST_PARTICIPANTS, needs=Permission.ROOM_READ)
async def list_participants(request: ListParticipants, caller: Principal, call: Call) -> Ok[ParticipantPage]:
    """Those who take part in a thread, in the order in which they joined."""
    return Ok(await call.answer(LIST_PARTICIPANTS, request, caller))


@route("POST", PARTICIPANTS, ADD_PARTICIPANT, needs=Permission.ROOM_UPDATE)
async def add_participant(request: AddParticipant, caller: Principal, call: Call) -> Created[Participant]:
    """Invite somebody into a thread, or join a group: then `userId` is one's own."""
    return Created(await call.answer(ADD_PARTICIPANT, request, caller), at=f"/api/collab/threads/{request.thread_id}/participants/{{id}}")


@route("GET", PARTICIPANT, GET_PARTICIPANT, needs=Permission.ROOM_READ)
async def get_participant(request: GetParticipant, caller: Principal, call: Call) -> Ok[Participant]:
    """One who takes part in a thread, by their id there or their userId."""
    return Ok(await call.answer(GET_PARTICIPANT, request, caller))


@route("PATCH", PARTICIPANT, CHANGE_PARTICIPANT, needs=Permission.ROOM_UPDATE)
async def change_participant(request: ChangeParticipant, caller: Principal, call: Call) -> Ok[Participant]:
    """Change a participant's part in the thread, mute them or not, say what they may do."""
    return Ok(await call.answer(CHANGE_PARTICIPANT, request, caller))


@route("DELETE", PARTICIPANT, REMOVE_PARTICIPANT, needs=Permission.ROOM_READ)
async def remove_participant(request: RemoveParticipant, caller: Principal, call: Call) -> NoContent:
    """Take somebody out of a thread, or leave it oneself."""
    await call.answer(REMOVE_PARTICIPANT, request, caller)
    return NoContent()
