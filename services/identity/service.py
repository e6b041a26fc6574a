"""What the handlers work with."""

from dataclasses import dataclass
from uuid import UUID

from services.identity.mail import Links
from services.identity.passwords import Passwords
from services.identity.repository.accounts import Accounts, MailedTokens
from services.identity.repository.audit import Audit
from services.identity.repository.devices import Devices
from services.identity.repository.invitations import Invitations
from services.identity.repository.members import Members
from services.identity.repository.profiles import Profiles
from services.identity.repository.roles import Roles
from services.identity.repository.service_accounts import ServiceAccounts
from services.identity.repository.service_tokens import ServiceTokens
from services.identity.repository.sessions import Sessions
from services.identity.repository.suspensions import Suspensions
from services.identity.repository.users import Users
from services.identity.repository.workspaces import Workspaces
from services.identity.tokens import AccessTokens, RefreshToken, RefreshTokens
from services.identity.upkeep import LastSeen
from shared.contracts.identity.sessions import (
    SignedIn,
)
from shared.contracts.identity.users import Myself


@dataclass(frozen=True, slots=True)
class Service:
    """What the handlers work with. `workspace_id` is the default workspace, which those who register join."""

    workspace_id: UUID
    registration_is_open: bool
    users: Users
    roles: Roles
    members: Members
    workspaces: Workspaces
    invitations: Invitations
    service_accounts: ServiceAccounts
    service_tokens: ServiceTokens
    audit: Audit
    sessions: Sessions
    profiles: Profiles
    devices: Devices
    accounts: Accounts
    suspensions: Suspensions
    secrets: MailedTokens
    links: Links
    last_seen: LastSeen
    passwords: Passwords
    access_tokens: AccessTokens
    refresh_tokens: RefreshTokens

    def signed_in(self, user: Myself, refresh_token: RefreshToken) -> SignedIn:
        access_token, expires_at = self.access_tokens.issue(user, refresh_token.session_id)
        return SignedIn(access_token=access_token, refresh_token=refresh_token.text, expires_at=expires_at, user=user)
