"""Who is a member of the workspace: asked of identity each time."""

from collections.abc import Collection
from uuid import UUID

from shared.contracts.identity.directory import FIND_MEMBERS, FindMembers, Member
from shared.contracts.principal import Principal
from shared.messaging.caller import Caller


class Members:
    """The members of a caller's workspace."""

    def __init__(self, call: Caller) -> None:
        self._call = call

    async def person(self, user_id: UUID | None, contact: str | None, caller: Principal) -> Member | None:
        """The member who is meant by an account, or else by a contact that is verified to be theirs. Raises `ServiceIsUnavailable`."""
        if user_id is not None or contact is None:
            return await self.one(user_id, caller)
        found = await self._call(FIND_MEMBERS, FindMembers(contacts=[contact]), caller)
        return next(iter(found.members), None)

    async def of(self, user_ids: Collection[UUID], caller: Principal) -> dict[UUID, Member]:
        """Those of the users who are members. Raises `ServiceIsUnavailable`."""
        if not user_ids:
            return {}
        found = await self._call(FIND_MEMBERS, FindMembers(user_ids=sorted(user_ids)), caller)
        return {member.id: member for member in found.members}

    async def one(self, user_id: UUID | None, caller: Principal) -> Member | None:
        return (await self.of({user_id}, caller)).get(user_id) if user_id else None
