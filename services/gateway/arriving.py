"""The body of a request while it arrives: bounded in bytes and in time, and never held as a whole."""

import asyncio

from starlette.types import Receive

from services.gateway.errors import BodyIsTooLarge, BodyIsTooSlow
from shared.contracts.refusals import RequestIsMalformed

SILENCE = 30.0  # seconds without a byte
LINGER, MOST_LEFT = 5.0, 64 * 1024 * 1024


class Body:
    """Read piece by piece. The server takes no more from the network than what waits to be read here."""

    def __init__(self, receive: Receive, most: int, patience: float = SILENCE) -> None:
        self._receive, self.most, self._left, self._patience = receive, most, most, patience
        self.ended = False

    async def next(self) -> bytes | None:
        """None at its end. Raises `BodyIsTooLarge`, `BodyIsTooSlow`, and `RequestIsMalformed` where its sender has left."""
        if self.ended:
            return None
        try:
            async with asyncio.timeout(self._patience):
                message = await self._receive()
        except TimeoutError:
            self.ended = True
            raise BodyIsTooSlow from None
        if message["type"] == "http.disconnect":
            self.ended = True
            raise RequestIsMalformed  # nobody is there to read it
        self.ended = not message.get("more_body", False)
        piece: bytes = message.get("body", b"")
        self._left -= len(piece)
        if self._left < 0:
            raise BodyIsTooLarge
        return piece

    async def let_go(self) -> None:
        """Read what still comes, for a while: a connection that is closed before that takes the answer with it."""
        self._left = MOST_LEFT
        try:
            async with asyncio.timeout(LINGER):
                while await self.next() is not None:
                    pass
        except (TimeoutError, BodyIsTooLarge, BodyIsTooSlow, RequestIsMalformed):
            return
