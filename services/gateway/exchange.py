"""One HTTP request while it is answered."""

from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network

from starlette.types import Receive, Scope

LONGEST_ADDRESS, LONGEST_USER_AGENT = 64, 255


@lru_cache(1_024)
def _network(text: str) -> str:
    try:
        address = IPv6Address(text.partition("%")[0])
    except ValueError:
        return text
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), 64), strict=False))


class Exchange:
    """`rate_headers` go out with whatever is answered in the end."""

    __slots__ = ("headers", "rate_headers", "receive", "scope")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope, self.receive = scope, receive
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.rate_headers: list[tuple[bytes, bytes]] = []

    @property
    def length(self) -> int | None:
        """Bytes of the body, where that is said; the server has seen that it is a number."""
        said = self.headers.get(b"content-length")
        return None if said is None else int(said)

    @property
    def address(self) -> str:
        """Where it comes from; behind proxies, where ATRIUM_TRUSTED_PROXIES says that they are to be believed."""
        client = self.scope.get("client")
        return client[0][:LONGEST_ADDRESS] if client else "unknown"

    @property
    def network(self) -> str:
        """By what an address is counted: whoever has one of IPv6 has a whole /64 of them."""
        address = self.address
        return _network(address) if ":" in address else address

    @property
    def user_agent(self) -> str | None:
        """What the client says it is: as much of it as is kept, and as can be printed."""
        said = self.headers.get(b"user-agent", b"").decode("latin-1")[:LONGEST_USER_AGENT]
        return "".join(character for character in said if character.isprintable()) or None
