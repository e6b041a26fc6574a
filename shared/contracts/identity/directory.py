"""Who is meant: members of a workspace by their usernames or ids."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.contracts.model import Request, View
from shared.contracts.operations import MESSAGES, PROJECTS, THREADS, Operation
from shared.contracts.permissions import Permission
from shared.contracts.principal import Role


class Member(View):
    """`grants`: the bits of what their role grants, their workspace's own roles among them."""

    id: UUID
    username: str
    name: str
    role: Role
    grants: int = 0
    contact: str | None = None  # their email, where it is verified

    def may(self, permission: Permission) -> bool:
        return bool(self.grants & permission.bit)


class Members(View):
    members: list[Member]


class FindMembers(Request):
    """Those of the caller's workspace with these usernames, ids or verified emails, whoever may sign in; unknown ones are left out."""

    usernames: Annotated[list[str], Field(max_length=100)] = []
    user_ids: Annotated[list[UUID], Field(max_length=1_000)] = []
    contacts: Annotated[list[str], Field(max_length=100)] = []


FIND_MEMBERS = Operation(FindMembers, Members, called_by=[MESSAGES, THREADS, PROJECTS], timeout=2.0)
