"""Who may come in, and how often. Rules about the thing itself are its owner's."""

import asyncio

from services.gateway.auth import Tokens, bearer
from services.gateway.errors import RateLimitIsReached
from services.gateway.exchange import Exchange
from services.gateway.limits import Count, Limits, Rate, Verdict
from services.gateway.routing import Call, RateClass, Route
from services.gateway.settings import GatewaySettings
from shared.contracts.identity.sessions import AUTHORIZE, Authorize, LogIn, RegisterUser
from shared.contracts.model import Request
from shared.contracts.principal import Principal
from shared.contracts.refusals import Unauthenticated


class Admission:
    """Checks the token, the session, what it is granted, and the rate."""

    def __init__(self, tokens: Tokens, limits: Limits, call: Call, settings: GatewaySettings) -> None:
        self._tokens, self._limits, self._call = tokens, limits, call
        self._rates = {
            RateClass.MESSAGES: Rate("messages", settings.messages_per_minute),
            RateClass.REQUESTS: Rate("requests", settings.requests_per_minute),
            RateClass.ANONYMOUS: Rate("anonymous", settings.anonymous_per_minute),
            RateClass.SIGN_INS: Rate("sign-ins", settings.sign_ins_per_minute),
        }
        requests = Rate("workspace-requests", settings.workspace_requests_per_minute)
        self._of_workspaces = dict.fromkeys(RateClass, requests)
        self._of_workspaces[RateClass.MESSAGES] = Rate("workspace-messages", settings.workspace_messages_per_minute)

    async def signed_in(self, route: Route, exchange: Exchange) -> Principal:
        """The caller, who is granted what the route needs. The token proves who is counted, so that the limit is asked for meanwhile."""
        try:
            claims = await self._tokens.claims(bearer(exchange.headers))
        except Unauthenticated:
            await self.stranger(exchange)
            raise
        assert route.needs is not None
        counted = self._count(
            Count(self._rates[route.limit], str(claims.user_id)), Count(self._of_workspaces[route.limit], str(claims.workspace_id))
        )
        request = Authorize(session_id=claims.session_id, user_id=claims.user_id, workspace_id=claims.workspace_id, permission=route.needs)
        try:
            return await self._call(AUTHORIZE, request, None)
        finally:  # whoever identity refuses is counted all the same
            if counted is not None:
                _admit(await counted, exchange)

    async def stranger(self, exchange: Exchange) -> None:
        """Anybody, counted by address."""
        counted = self._count(Count(self._rates[RateClass.ANONYMOUS], exchange.address))
        if counted is not None:
            _admit(await counted, exchange)

    async def signing_in(self, request: Request, exchange: Exchange) -> None:
        """One who gives an email and a password, counted by that email at that address: nobody can lock out others elsewhere."""
        assert isinstance(request, LogIn | RegisterUser)
        counted = self._count(Count(self._rates[RateClass.SIGN_INS], f"{exchange.address} {request.email.strip().lower()}"))
        if counted is not None:
            exchange.rate_headers.clear()  # the tighter limit is the one to know about
            _admit(await counted, exchange)

    def _count(self, *counts: Count) -> asyncio.Future[Verdict] | None:
        limited = [count for count in counts if count.rate.quota]
        return self._limits.take(*limited) if limited else None


def _admit(verdict: Verdict, exchange: Exchange) -> None:
    exchange.rate_headers += verdict.headers()
    if not verdict.allowed:
        raise RateLimitIsReached(retry_after=verdict.seconds)
