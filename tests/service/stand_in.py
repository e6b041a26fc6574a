"""A stand-in for a service: it answers what its neighbour asks, over the real NATS, from what a test tells it."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from shared.contracts.operations import Operation
from shared.messaging.caller import Caller
from shared.messaging.responder import Responder
from tests.servers import Servers

Answers = Mapping[Operation[Any, Any], Callable[..., Awaitable[Any]]]


class StandIn(ABC):
    """Signs in as `service`, and answers by functions that get the request, its caller where it has one, and the stand-in."""

    service: ClassVar[str]

    def __post_init__(self) -> None:
        self.caller, self._responder = Caller(self.service), Responder(self.service, 1_000)

    @abstractmethod
    def answers(self) -> Answers: ...

    async def start(self, servers: Servers) -> None:
        await self.caller.open(servers.nats_url, servers.credentials.nats[self.service])
        for operation, answer in self.answers().items():
            (self._responder.serve_anonymous if operation.anonymous else self._responder.serve)(operation, answer, self)
        assert self.caller.client is not None
        await self._responder.start(self.caller.client)

    async def stop(self) -> None:
        await self._responder.stop()
        await self.caller.close()
