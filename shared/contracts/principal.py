"""Who asks."""

from enum import StrEnum
from uuid import UUID

from shared.contracts.model import Model
from shared.contracts.permissions import Permission


class Role(StrEnum):
    """A user's role in a workspace (spec 1's author roles; `admin`, `guest` and `system` beside them)."""

    ADMIN = "admin"
    AGENT = "agent"
    PRODUCT_OWNER = "productOwner"
    CLIENT = "client"
    GUEST = "guest"
    SYSTEM = "system"


class Principal(Model):
    """The user, in the workspace of their token, as identity answered for this very request.

    `contact` is the verified email, which alone matches a participant's contact. `grants` are the bits of their permissions. Of a service
    account, `session_id` is its token's id, and `grants` are that token's scopes.
    """

    user_id: UUID
    session_id: UUID
    workspace_id: UUID
    role: Role
    name: str
    contact: str | None = None
    grants: int

    def may(self, permission: Permission) -> bool:
        return bool(self.grants & permission.bit)
