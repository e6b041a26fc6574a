"""Who may come in, and how often. Rules about the thing itself are its owner's."""

import asyncio
from uuid import UUID

from services.gateway.auth import ServiceToken, Tokens, bearer
from services.gateway.errors import RateLimitIsReached
from services.gateway.exchange import Exchange
from services.gateway.limits import Count, Limits, Rate, Verdict
from services.gateway.routing import ORIGIN, Call, RateClass, Route
from services.gateway.settings import GatewaySettings
from shared.contracts.identity.accounts import RequestReset
from shared.contracts.identity.service_accounts import AUTHORIZE_TOKEN, AuthorizeToken
from shared.contracts.identity.sessions import AUTHORIZE, Authorize, LogIn, Origin, RegisterUser
from shared.contracts.model import Request
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.refusals import Unauthenticated


class Admission:
    """Checks the token, the session, what it is granted, and the rate."""

    def __init__(self, tokens: Tokens, limits: Limits, call: Call, settings: GatewaySettings) -> None:
        self._tokens, self._limits, self._call = tokens, limits, call
        self._by_address = Rate("address-sign-ins", settings.address_sign_ins_per_minute)
        self._by_account = Rate("account-sign-ins", settings.account_sign_ins_per_minute)
        self._rates = {
            RateClass.MESSAGES: Rate("messages", settings.messages_per_minute),
            RateClass.REQUESTS: Rate("requests", settings.requests_per_minute),
            RateClass.UPLOADS: Rate("uploads", settings.uploads_per_minute),
            RateClass.ANONYMOUS: Rate("anonymous", settings.anonymous_per_minute),
            RateClass.SIGN_INS: Rate("sign-ins", settings.sign_ins_per_minute),
        }
        requests = Rate("workspace-requests", settings.workspace_requests_per_minute)
        self._of_workspaces = dict.fromkeys(RateClass, requests)
        self._of_workspaces[RateClass.MESSAGES] = Rate("workspace-messages", settings.workspace_messages_per_minute)

    async def signed_in(self, route: Route, exchange: Exchange) -> Principal:
        """The caller, who is granted what the route needs. The token proves who is counted, so that the limit is asked for meanwhile."""
        assert route.needs is not None
        try:
            token = bearer(exchange.headers)
            program = ServiceToken.read(token)
            claims = await self._tokens.claims(token) if program is None else None
        except Unauthenticated:
            await self.stranger(exchange)
            raise
        if program is not None:
            return await self._program(route, route.needs, program, exchange)
        assert claims is not None
        counted = self._counted(route, claims.user_id, claims.workspace_id)
        request = Authorize(session_id=claims.session_id, user_id=claims.user_id, workspace_id=claims.workspace_id, permission=route.needs)
        try:
            return await self._call(AUTHORIZE, request, None)
        finally:  # whoever identity refuses is counted all the same
            if counted is not None:
                _admit(await counted, exchange)

    async def again(self, route: Route, caller: Principal, exchange: Exchange) -> None:
        """Somebody who was let in, and does the same once more within one request."""
        counted = self._counted(route, caller.user_id, caller.workspace_id)
        if counted is not None:
            exchange.rate_headers.clear()
            _admit(await counted, exchange)

    async def _program(self, route: Route, needs: Permission, token: ServiceToken, exchange: Exchange) -> Principal:
        """A service account. Its token proves nothing here: who is counted is known once identity has answered."""
        request = AuthorizeToken(token_id=token.token_id, token_hash=token.hash, permission=needs)
        try:
            principal = await self._call(AUTHORIZE_TOKEN, request, None)
        except Unauthenticated:
            await self.stranger(exchange)
            raise
        counted = self._counted(route, principal.user_id, principal.workspace_id)
        if counted is not None:
            _admit(await counted, exchange)
        return principal

    async def stranger(self, exchange: Exchange) -> None:
        """Anybody, counted by address."""
        counted = self._count(Count(self._rates[RateClass.ANONYMOUS], exchange.network))
        if counted is not None:
            _admit(await counted, exchange)

    async def signing_in(self, request: Request, exchange: Exchange) -> Request:
        """One who gives an email, counted by that email at that address: nobody can lock out others elsewhere. And by the address alone, so
        that nobody keeps all sign-ins busy.

        Who gives a password too is counted by the email alone as well, since addresses are cheap. Over that limit it is identity that
        decides: it lets those in who come from where they signed in before.
        """
        assert isinstance(request, LogIn | RegisterUser | RequestReset)
        by_email = Count(self._rates[RateClass.SIGN_INS], f"{exchange.network} {request.email}")
        counted = self._count(by_email, Count(self._by_address, exchange.network))
        if counted is not None:
            exchange.rate_headers.clear()  # the tighter limit is the one to know about
            _admit(await counted, exchange)
        if isinstance(request, RequestReset):
            return request
        by_account = self._count(Count(self._by_account, request.email)) if isinstance(request, LogIn) else None
        crowded = by_account is not None and not (await by_account).allowed
        origin = Origin(address=exchange.address, user_agent=exchange.user_agent, crowded=crowded)
        return request.model_copy(update={ORIGIN: origin})

    def _counted(self, route: Route, user_id: UUID, workspace_id: UUID) -> asyncio.Future[Verdict] | None:
        """One who is signed in, with their workspace."""
        return self._count(Count(self._rates[route.limit], str(user_id)), Count(self._of_workspaces[route.limit], str(workspace_id)))

    def _count(self, *counts: Count) -> asyncio.Future[Verdict] | None:
        limited = [count for count in counts if count.rate.quota]
        return self._limits.take(*limited) if limited else None


def _admit(verdict: Verdict, exchange: Exchange) -> None:
    exchange.rate_headers += verdict.headers()
    if not verdict.allowed:
        raise RateLimitIsReached(retry_after=verdict.seconds)
