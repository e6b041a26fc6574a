"""What the handlers work with."""

from dataclasses import dataclass
from uuid import UUID

from services.identity.passwords import Passwords
from services.identity.repository.sessions import Sessions
from services.identity.repository.users import Users
from services.identity.tokens import AccessTokens, RefreshToken, RefreshTokens
from shared.contracts.identity.sessions import (
    SignedIn,
)
from shared.contracts.identity.users import User


@dataclass(frozen=True, slots=True)
class Service:
    """What the handlers work with. `workspace_id` is the default workspace, which those who register join."""

    workspace_id: UUID
    registration_is_open: bool
    users: Users
    sessions: Sessions
    passwords: Passwords
    access_tokens: AccessTokens
    refresh_tokens: RefreshTokens

    def signed_in(self, user: User, refresh_token: RefreshToken) -> SignedIn:
        access_token, expires_at = self.access_tokens.issue(user, refresh_token.session_id)
        return SignedIn(access_token=access_token, refresh_token=refresh_token.text, expires_at=expires_at, user=user)
