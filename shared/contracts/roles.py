"""What the built-in roles grant (API.md, Roles). To which thread it may be done is for the thread's owner to say."""

from shared.contracts.permissions import Permission, as_bits
from shared.contracts.principal import Role

_GUEST = {
    Permission.SELF_READ,
    Permission.SELF_UPDATE,
    Permission.SPACE_READ,
    Permission.ROOM_READ,
    Permission.MESSAGE_READ,
    Permission.MESSAGE_SEND,
    Permission.MESSAGE_EDIT,
    Permission.MESSAGE_DELETE,
    Permission.FILE_READ,
    Permission.FILE_UPLOAD,
    Permission.FILE_DELETE,
    Permission.PROJECT_READ,
    Permission.GRAPH_READ,
}
_CLIENT = _GUEST | {
    Permission.SPACE_CREATE,
    Permission.USER_READ,
    Permission.ROOM_CREATE,
    Permission.ROOM_UPDATE,
    Permission.OPEN_GROUP,
    Permission.OPEN_DIRECT,
    Permission.OPEN_SUPPORT,
    Permission.PROJECT_CREATE,
    Permission.PROJECT_UPDATE,
    Permission.PROJECT_TASKS,
    Permission.PROJECT_FILES,
    Permission.PROJECT_PAGES,
    Permission.GRAPH_LINK,
    Permission.GRAPH_UNLINK,
}
_PRODUCT_OWNER = (_CLIENT - {Permission.OPEN_SUPPORT}) | {
    Permission.MEMBER_READ,
    Permission.ROOM_ARCHIVE,
    Permission.OPEN_BOOKING,
    Permission.SUPERVISOR_READ,
    Permission.SUPERVISOR_SEND,
}
_AGENT = _PRODUCT_OWNER | {
    Permission.ROLE_READ,
    Permission.OPEN_SUPPORT,
    Permission.OPEN_ESCALATED,
    Permission.OPEN_ASSISTANT,
    Permission.MESSAGE_NOTE,
    Permission.FILE_INSPECT,
    Permission.SUPERVISOR_UPDATE,
    Permission.SUPERVISOR_ARCHIVE,
}

BUILT_IN: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(Permission) - {Permission.MESSAGE_FOR_CONTACT},
    Role.AGENT: frozenset(_AGENT),
    Role.PRODUCT_OWNER: frozenset(_PRODUCT_OWNER),
    Role.CLIENT: frozenset(_CLIENT),
    Role.GUEST: frozenset(_GUEST),
    Role.SYSTEM: frozenset(),  # a service account has what its token's scopes say, and nothing else
}


DESCRIPTIONS = {
    Role.ADMIN: "Runs the workspace: its members, their roles, its settings and its log",
    Role.AGENT: "Serves clients: sees what is not private, opens threads of any kind, writes notes",
    Role.PRODUCT_OWNER: "Sees what is not private, and opens and closes threads of their own",
    Role.CLIENT: "Asks for support, and takes part in groups",
    Role.GUEST: "Takes part where they were invited",
    Role.SYSTEM: "A service account, which may do what its token's scopes say",
}


def built_in_grants(role: Role) -> int:
    return as_bits(BUILT_IN[role])
