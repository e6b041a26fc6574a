"""What people have not read, asked of messages."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog

from services.threads.domain.access import Part, is_guarded
from shared.contracts.messages.unread import COUNT_UNREAD, CountUnread, Standing, Unread
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.refusals import ServiceIsUnavailable
from shared.messaging.caller import Caller

log = structlog.get_logger()

MOST_THREADS = 200  # of one question


class UnreadCounts:
    """Counts for one reader: one question for a whole page."""

    def __init__(self, call: Caller) -> None:
        self._call = call

    async def of(self, parts: Mapping[UUID, Part | None], caller: Principal) -> dict[UUID, Unread]:
        """What the caller has not read of threads that they see. Raises `ServiceIsUnavailable`."""
        if not parts:
            return {}
        counts = await self._call(COUNT_UNREAD, CountUnread(threads=_standings(parts, caller)), caller)
        return {one.thread_id: one for one in counts.threads}

    async def if_there(self, parts: Mapping[UUID, Part | None], caller: Principal) -> dict[UUID, Unread]:
        """The same, and nothing while messages is away: threads are shown without counts then."""
        try:
            return await self.of(parts, caller)
        except ServiceIsUnavailable:
            log.warning("unread_not_counted", threads=len(parts))
            return {}


def _standings(parts: Mapping[UUID, Part | None], caller: Principal) -> Sequence[Standing]:
    notes = caller.may(Permission.MESSAGE_NOTE)
    return [
        Standing(
            thread_id=thread_id,
            joined_at=part.joined_at if part else None,
            seen_from=part.seen_from if part else None,
            notes=notes,
            hidden_robots=is_guarded(caller, part),
        )
        for thread_id, part in parts.items()
    ]
