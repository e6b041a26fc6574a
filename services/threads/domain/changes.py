"""What a change makes of a thread."""

from typing import Any

from services.threads.domain.access import Rights
from shared.contracts.threads.access import State, ThreadIsArchived, ThreadIsReadOnlyForYou, ThreadNotFound
from shared.contracts.threads.participants import DirectThreadIsFixed, ProjectThreadIsFixed
from shared.contracts.threads.threads import ChangeThread, Kind, ThreadFacts

FIELDS = (
    *("title", "ref", "client_name", "status", "description", "issue_id", "issue_description"),
    *("is_private", "guest_access_allowed", "max_participants", "settings"),
)
_STATE = {"state", "archived"}


def changes(thread: ThreadFacts, request: ChangeThread, may: Rights) -> dict[str, Any]:
    """The fields, `state` among them, that will be others. Raises the refusal that stands against the change."""
    if not may.sees:
        raise ThreadNotFound
    if thread.kind is Kind.PROJECT:
        raise ProjectThreadIsFixed
    sent = request.model_fields_set - {"thread_id", "reason"}
    state = _state(thread, request)
    archival = state is not thread.state and State.ARCHIVED in (state, thread.state)
    edit = bool(sent - _STATE) or not archival
    if (edit and not may.edits) or (archival and not may.archives):
        raise ThreadIsReadOnlyForYou
    if thread.state is State.ARCHIVED and (edit or state is not State.ACTIVE):
        raise ThreadIsArchived
    if thread.kind is Kind.DIRECT and (state is not thread.state or "participants" in sent):
        raise DirectThreadIsFixed
    changed = {name: getattr(request, name) for name in FIELDS if name in sent and getattr(request, name) != getattr(thread, name)}
    return changed | ({"state": state} if state is not thread.state else {})


def _state(thread: ThreadFacts, request: ChangeThread) -> State:
    sent = request.model_fields_set
    if "state" in sent:
        return request.state
    if "archived" not in sent or request.archived == thread.archived:
        return thread.state
    return State.ARCHIVED if request.archived else State.ACTIVE


def archival(thread: ThreadFacts, may: Rights) -> dict[str, Any]:
    """What archiving changes: nothing, again. Raises the refusal that stands against it."""
    if not may.sees:
        raise ThreadNotFound
    if thread.kind is Kind.PROJECT:
        raise ProjectThreadIsFixed
    if not may.archives:
        raise ThreadIsReadOnlyForYou
    if thread.kind is Kind.DIRECT:
        raise DirectThreadIsFixed
    return {} if thread.archived else {"state": State.ARCHIVED}
