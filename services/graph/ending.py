"""What was said in a deleted project's thread goes with it: it may be very much, so a part at a time, and by itself."""

from services.graph.repository.endings import Endings
from shared.rounds import Rounds

EVERY = 1.0  # seconds


class Ending:
    def __init__(self, endings: Endings) -> None:
        self._endings = endings
        self._rounds = Rounds("ending what was said in deleted projects", self.once, EVERY)

    def start(self) -> None:
        self._rounds.start()

    async def stop(self) -> None:
        await self._rounds.stop()

    async def once(self) -> None:
        while await self._endings.some():
            pass
