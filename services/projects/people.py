"""Who is a member of the workspace: asked of identity each time."""

from uuid import UUID

from shared.contracts.identity.directory import FIND_MEMBERS, FindMembers, Member
from shared.contracts.principal import Principal
from shared.contracts.refusals import FieldError, RequestIsInvalid
from shared.messaging.caller import Caller


class People:
    """The members of a caller's workspace."""

    def __init__(self, call: Caller) -> None:
        self._call = call

    async def one(self, user_id: UUID, caller: Principal) -> Member:
        """Raises `RequestIsInvalid` where nobody has this id, and `ServiceIsUnavailable`."""
        found = await self._call(FIND_MEMBERS, FindMembers(user_ids=[user_id]), caller)
        for member in found.members:
            return member
        detail = "No member of this workspace has this id."
        raise RequestIsInvalid(errors=[FieldError(field="userId", code="not_a_member", detail=detail)])
