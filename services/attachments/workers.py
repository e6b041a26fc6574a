"""Workers of one process: they take what is due, so many at once, and keep their leases while they work."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from uuid import UUID

import asyncpg
import structlog

from services.attachments.repository.leases import Taken
from shared.contracts.refusals import Refusal, ServiceIsUnavailable

log = structlog.get_logger()

POLL = 1.0  # seconds
RENEW_EVERY = 15.0  # a quarter of a lease
AHEAD = 2  # files taken for each that is worked on, so that one statement takes several


class Workers:
    """take: up to so many files, once there is reason to. work: on one of them. give_back: what was taken and is not done.

    `stop` gives back what is under way; what a killed process has, others take when its leases end.
    """

    def __init__(
        self,
        name: str,
        take: Callable[[int], Awaitable[list[Taken]]],
        work: Callable[[Taken], Awaitable[None]],
        renew: Callable[[Sequence[Taken]], Awaitable[None]],
        give_back: Callable[[Sequence[Taken]], Awaitable[None]],
        *,
        at_once: int,
        renew_every: float = RENEW_EVERY,
    ) -> None:
        self._name, self._take, self._work, self._renew, self._give_back = name, take, work, renew, give_back
        self._at_once, self._renew_every = at_once, renew_every
        self._places = asyncio.Semaphore(at_once)
        self._woken = asyncio.Event()
        self._held: dict[UUID, Taken] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loops: list[asyncio.Task[None]] = []

    @property
    def busy(self) -> bool:
        return bool(self._held)

    def start(self) -> None:
        self._loops = [asyncio.create_task(loop, name=f"attachments {self._name}") for loop in (self._keep_taking(), self._keep_renewing())]

    def poke(self) -> None:
        """There may be something to do."""
        self._woken.set()

    async def stop(self) -> None:
        for task in (*self._loops, *self._tasks):
            task.cancel()
        await asyncio.gather(*self._loops, *self._tasks, return_exceptions=True)
        if self._held:
            with suppress(ServiceIsUnavailable, asyncpg.PostgresError):
                await self._give_back([*self._held.values()])

    async def _keep_taking(self) -> None:
        while True:
            self._woken.clear()
            if not await self._took_all_there_was_room_for():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), POLL)

    async def _took_all_there_was_room_for(self) -> bool:
        if len(self._held) > self._at_once:
            return False
        room = self._at_once * AHEAD - len(self._held)
        try:
            return self._begin(await self._take(room)) == room
        except (ServiceIsUnavailable, asyncpg.PostgresError) as error:
            log.warning("nothing_can_be_taken", worker=self._name, error=str(error.__cause__ or error))
        except Exception:
            log.exception("taking_failed", worker=self._name)
        await asyncio.sleep(POLL)
        return False

    def _begin(self, taken: Sequence[Taken]) -> int:
        for one in taken:
            self._held[one.file.id] = one
            task = asyncio.create_task(self._do(one))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(taken)

    async def _do(self, taken: Taken) -> None:
        """One that fails is taken again when its lease ends; one that is cancelled is given back."""
        async with self._places:
            try:
                await self._work(taken)
            except (Refusal, asyncpg.PostgresError) as error:
                log.warning("work_is_left_to_the_next", worker=self._name, attachmentId=taken.file.id, error=str(error.__cause__ or error))
            except Exception:
                log.exception("work_failed", worker=self._name, attachmentId=taken.file.id)
        if self._held.get(taken.file.id) is taken:
            del self._held[taken.file.id]
        if len(self._held) <= self._at_once:
            self.poke()

    async def _keep_renewing(self) -> None:
        while True:
            await asyncio.sleep(self._renew_every)
            if self._held:
                try:
                    await self._renew([*self._held.values()])
                except (ServiceIsUnavailable, asyncpg.PostgresError) as error:
                    log.warning("leases_were_not_renewed", worker=self._name, error=str(error.__cause__ or error))
                except Exception:
                    log.exception("renewing_failed", worker=self._name)
