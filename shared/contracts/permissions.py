"""What may be granted: `domain:function:action` (spec 2, Permission System), and what the built-in roles grant (API.md, Roles)."""

from collections.abc import Iterable
from enum import StrEnum


class Permission(StrEnum):
    """In the order of their bits, in which a set of them travels: new ones go to the end, none is ever taken out or moved."""

    SELF_READ = "identity:self:read"
    SELF_UPDATE = "identity:self:update"
    USER_READ = "identity:user:read"
    USER_SUSPEND = "identity:user:suspend"
    ROLE_READ = "identity:role:read"
    ROLE_ASSIGN = "identity:role:assign"
    ROLE_MANAGE = "identity:role:manage"
    SERVICE_MANAGE = "identity:service:manage"
    SPACE_READ = "workspace:space:read"
    SPACE_CREATE = "workspace:space:create"
    SPACE_UPDATE = "workspace:space:update"
    MEMBER_READ = "workspace:member:read"
    MEMBER_INVITE = "workspace:member:invite"
    MEMBER_REMOVE = "workspace:member:remove"
    AUDIT_READ = "audit:log:read"
    HISTORY_READ = "audit:history:read"
    ROOM_READ = "chat:room:read"
    ROOM_CREATE = "chat:room:create"
    ROOM_UPDATE = "chat:room:update"
    ROOM_ARCHIVE = "chat:room:archive"
    OPEN_BOOKING = "chat:room:open-booking"
    OPEN_GROUP = "chat:room:open-group"
    OPEN_DIRECT = "chat:room:open-direct"
    OPEN_SUPPORT = "chat:room:open-support"
    OPEN_ESCALATED = "chat:room:open-escalated"
    OPEN_ASSISTANT = "chat:room:open-assistant"
    MESSAGE_READ = "chat:message:read"
    MESSAGE_SEND = "chat:message:send"
    MESSAGE_EDIT = "chat:message:edit"
    MESSAGE_DELETE = "chat:message:delete"
    MESSAGE_NOTE = "chat:message:note"
    MESSAGE_FOR_CONTACT = "chat:message:send-for-contact"
    SUPERVISOR_READ = "supervisor:chat:read"
    SUPERVISOR_SEND = "supervisor:chat:send"
    SUPERVISOR_UPDATE = "supervisor:chat:update"
    SUPERVISOR_ARCHIVE = "supervisor:chat:archive"
    FILE_READ = "chat:file:read"
    FILE_UPLOAD = "chat:file:upload"
    FILE_DELETE = "chat:file:delete"
    FILE_INSPECT = "chat:file:inspect"
    PROJECT_READ = "project:project:read"
    PROJECT_CREATE = "project:project:create"
    PROJECT_UPDATE = "project:project:update"
    PROJECT_TASKS = "project:task:update"
    PROJECT_FILES = "project:file:update"
    PROJECT_PAGES = "project:page:update"
    GRAPH_READ = "graph:link:read"
    GRAPH_LINK = "graph:link:create"
    GRAPH_UNLINK = "graph:link:delete"

    @property
    def bit(self) -> int:
        return _BITS[self]


_BITS = {permission: 1 << place for place, permission in enumerate(Permission)}
_BITS_BY_NAME = {permission.value: bit for permission, bit in _BITS.items()}


def as_bits(permissions: Iterable[Permission]) -> int:
    """A set of permissions as one number; with 40 of them in every call, names would be most of its bytes."""
    bits = 0
    for permission in permissions:
        bits |= permission.bit
    return bits


def bits_of(names: Iterable[str]) -> int:
    """As `as_bits`, of names that were kept; those of a later version are ignored."""
    bits = 0
    for name in names:
        bits |= _BITS_BY_NAME.get(name, 0)
    return bits


def from_bits(bits: int) -> list[Permission]:
    """In the order of their declaration. Bits of a later version are ignored."""
    return [permission for permission in Permission if bits & permission.bit]
