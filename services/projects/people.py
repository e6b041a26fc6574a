"""Who is a member of the workspace: asked of identity each time."""

from collections.abc import Collection
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

    async def gone(self, user_ids: Collection[UUID], caller: Principal) -> set[UUID]:
        """Those who are no members any more, or may not sign in. Raises `ServiceIsUnavailable`."""
        if not user_ids:
            return set()
        found = await self._call(FIND_MEMBERS, FindMembers(user_ids=list(user_ids)), caller)
        return set(user_ids) - {member.id for member in found.members}
