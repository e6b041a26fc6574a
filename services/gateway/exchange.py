"""One HTTP request while it is answered."""

from starlette.types import Receive, Scope


class Exchange:
    """`rate_headers` go out with whatever is answered in the end."""

    __slots__ = ("headers", "rate_headers", "receive", "scope")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope, self.receive = scope, receive
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.rate_headers: list[tuple[bytes, bytes]] = []

    @property
    def address(self) -> str:
        """Where it comes from; behind proxies, where ATRIUM_TRUSTED_PROXIES says that they are to be believed."""
        client = self.scope.get("client")
        return client[0] if client else "unknown"
