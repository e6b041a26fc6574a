"""Who may come in, and how often. Rules about the thing itself are its owner's."""

import asyncio
from typing import Protocol
from uuid import UUID

from services.gateway.auth import Claims, ServiceToken, Tokens, bearer, cookie_token
from services.gateway.errors import RateLimitIsReached
from services.gateway.exchange import Exchange
from services.gateway.limits import Count, Limits, Rate, Verdict
from services.gateway.routing import ORIGIN, Call, OwnRoute, RateClass, Route
from services.gateway.settings import GatewaySettings
from shared.contracts.identity.accounts import RequestReset
from shared.contracts.identity.service_accounts import AUTHORIZE_TOKEN, AuthorizeToken
from shared.contracts.identity.sessions import AUTHORIZE, Authorize, LogIn, Origin, RegisterUser
from shared.contracts.model import Request
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.refusals import Unauthenticated


class Asker(Protocol):
    """Who asks: by what their address is counted, and what they are told of their rates."""

    rate_headers: list[tuple[bytes, bytes]]

    @property
    def network(self) -> str: ...


class Admission:
    """Checks the token, the session, what it is granted, and the rate."""

    def __init__(self, tokens: Tokens, limits: Limits, call: Call, settings: GatewaySettings) -> None:
        self._tokens, self._limits, self._call = tokens, limits, call
        self._origins = frozenset(origin.encode() for origin in settings.origins)
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

    async def signed_in(self, route: Route | OwnRoute, exchange: Exchange) -> Principal:
        """The caller, who is granted what the route needs."""
        assert route.needs is not None
        return await self.authorized(await self.presented(exchange, takes_cookie=route.takes_cookie), route.needs, route.limit, exchange)

    async def presented(self, exchange: Exchange, *, takes_cookie: bool) -> Claims | ServiceToken:
        """What the request's token says of whom it is for. A bearer comes before a cookie, whatever it is."""
        try:
            by_cookie = takes_cookie and b"authorization" not in exchange.headers
            cookie = cookie_token(exchange.headers, self._origins) if by_cookie else None
            if cookie is not None:
                return await self._tokens.claims(cookie)
            token = bearer(exchange.headers)
        except Unauthenticated:
            await self.stranger(exchange)
            raise
        return await self.proven(token, exchange)

    async def proven(self, token: bytes, asker: Asker) -> Claims | ServiceToken:
        """What a token says of whom it is for. One that is not good is counted as a stranger's."""
        try:
            return ServiceToken.read(token) or await self._tokens.claims(token)
        except Unauthenticated:
            await self.stranger(asker)
            raise

    async def authorized(self, token: Claims | ServiceToken, needs: Permission, limit: RateClass, asker: Asker) -> Principal:
        """Who has the token, and is granted what is needed. Claims prove who is counted, so that the limit is asked for meanwhile."""
        if isinstance(token, ServiceToken):
            return await self._program(token, needs, limit, asker)
        counted = self._counted(limit, token.user_id, token.workspace_id)
        try:
            return await self.granted(token, needs)
        finally:  # whoever identity refuses is counted all the same
            if counted is not None:
                _admit(await counted, asker)

    async def granted(self, token: Claims | ServiceToken, needs: Permission) -> Principal:
        """The same, without being counted."""
        if isinstance(token, ServiceToken):
            return await self._call(AUTHORIZE_TOKEN, AuthorizeToken(token_id=token.token_id, token_hash=token.hash, permission=needs), None)
        request = Authorize(session_id=token.session_id, user_id=token.user_id, workspace_id=token.workspace_id, permission=needs)
        return await self._call(AUTHORIZE, request, None)

    async def again(self, route: Route, caller: Principal, exchange: Exchange) -> None:
        """Somebody who was let in, and does the same once more within one request."""
        counted = self._counted(route.limit, caller.user_id, caller.workspace_id)
        if counted is not None:
            exchange.rate_headers.clear()
            _admit(await counted, exchange)

    async def _program(self, token: ServiceToken, needs: Permission, limit: RateClass, asker: Asker) -> Principal:
        """A service account. Its token proves nothing here: who is counted is known once identity has answered."""
        try:
            principal = await self.granted(token, needs)
        except Unauthenticated:
            await self.stranger(asker)
            raise
        counted = self._counted(limit, principal.user_id, principal.workspace_id)
        if counted is not None:
            _admit(await counted, asker)
        return principal

    async def stranger(self, asker: Asker) -> None:
        """Anybody, counted by address."""
        counted = self._count(Count(self._rates[RateClass.ANONYMOUS], asker.network))
        if counted is not None:
            _admit(await counted, asker)

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

    def _counted(self, limit: RateClass, user_id: UUID, workspace_id: UUID) -> asyncio.Future[Verdict] | None:
        """One who is signed in, with their workspace."""
        return self._count(Count(self._rates[limit], str(user_id)), Count(self._of_workspaces[limit], str(workspace_id)))

    def _count(self, *counts: Count) -> asyncio.Future[Verdict] | None:
        limited = [count for count in counts if count.rate.quota]
        return self._limits.take(*limited) if limited else None


def _admit(verdict: Verdict, asker: Asker) -> None:
    asker.rate_headers += verdict.headers()
    if not verdict.allowed:
        raise RateLimitIsReached(retry_after=verdict.seconds)
