"""Events that change who sees what."""

from dataclasses import dataclass
from uuid import UUID

from services.gateway.realtime.frames import Frame, frame
from services.gateway.realtime.happenings import Happening
from services.gateway.realtime.kinds import Scope
from shared.contracts.identity.accounts import UserSuspended
from shared.contracts.identity.members import MemberRemoved
from shared.contracts.identity.roles import RoleChanged, RoleDeleted
from shared.contracts.identity.service_accounts import ServiceAccountDeleted, ServiceTokenRevoked, ServiceTokenRotated
from shared.contracts.identity.sessions import SessionEnded
from shared.contracts.identity.users import UserRoleChanged
from shared.contracts.principal import Principal
from shared.contracts.projects.access import Happened
from shared.contracts.projects.members import MemberChanged
from shared.contracts.projects.projects import ProjectChanged
from shared.contracts.threads.participants import ParticipantAdded, ParticipantChanged, ParticipantRemoved, contact_key
from shared.contracts.threads.threads import ThreadChanged

_OPENNESS = {"isPrivate", "guestAccessAllowed"}


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose access to a thread or project an event may have changed: that of one person, or everybody's.

    joins, leaves: that person comes or goes, of which they are told whatever was known of them before. ends: it is there no more.
    """

    user_id: UUID | None = None
    contact: str | None = None
    everybody: bool = False
    joins: bool = False
    leaves: bool = False
    ends: bool = False

    def names(self, principal: Principal) -> bool:
        """Whether it is about this one."""
        if principal.user_id == self.user_id:
            return True
        contact = contact_key(self.contact)
        return contact is not None and contact == contact_key(principal.contact)

    def brings(self, principal: Principal) -> bool:
        """Whether it is by this event that they came in."""
        return self.joins and self.names(principal)


def turn_of(happening: Happening) -> Turn | None:
    event, payload = happening.kind.event, happening.payload
    if event in (ParticipantAdded, ParticipantChanged, ParticipantRemoved):
        participant = payload["participant"]
        user_id = UUID(participant["userId"]) if participant["userId"] else None
        return Turn(user_id, participant["contact"], joins=event is ParticipantAdded, leaves=event is ParticipantRemoved)
    if event is MemberChanged:
        change = payload["change"]
        return Turn(UUID(payload["member"]["userId"]), joins=change == Happened.CREATED, leaves=change == Happened.DELETED)
    if event is ProjectChanged:
        return Turn(everybody=True, ends=payload["change"] == Happened.DELETED)
    if event is ThreadChanged and _OPENNESS & set(payload["changed"]):
        return Turn(everybody=True)
    return None


TURNING = frozenset({ParticipantAdded, ParticipantChanged, ParticipantRemoved, MemberChanged, ThreadChanged, ProjectChanged})
"""Events that may be such; of all others the payload is not read."""


def access_changed(scope: Scope, key: UUID, cursor: str | None, *, access: bool) -> Frame:
    """What one is told whose access was won or lost. Who won it is told the event itself next: its cursor comes with that, so that a
    client that is cut off between the two is told both again.
    """
    name = "threadId" if scope is Scope.THREAD else "projectId"
    return frame("accessChanged", {name: str(key), "access": access}, None if access else cursor)


ENDINGS = {
    event.event_type: event
    for event in (
        *(SessionEnded, UserSuspended, UserRoleChanged, MemberRemoved, RoleChanged, RoleDeleted),
        *(ServiceTokenRevoked, ServiceTokenRotated, ServiceAccountDeleted),
    )
}
"""What identity says that may end a connection, or change what it is granted."""
