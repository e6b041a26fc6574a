"""Who may sign in, what roles grant, and when a session's refresh token is good."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from shared.contracts.identity.users import AccountStatus, WorkspaceNeedsAnAdmin
from shared.contracts.principal import Role

SESSION_LIFE = timedelta(days=30)  # since its last refresh
RETRY_GRACE = timedelta(seconds=10)
SIGNING_IN = frozenset({AccountStatus.ACTIVE, AccountStatus.PENDING_VERIFICATION})


def normal_email(email: str) -> str:
    """The one form in which an email is stored and looked for."""
    return unicodedata.normalize("NFC", email.strip()).lower()


def usernames(email: str, noise: str) -> Iterator[str]:
    """Usernames made from an email, the best first; the last one, with `noise`, is free."""
    local = unicodedata.normalize("NFKD", email.rpartition("@")[0]).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", ".", local).strip(".")[:50] or "user"
    yield base
    yield from (f"{base}.{number}" for number in range(2, 10))
    yield f"{base}.{noise}"


def first_and_last(name: str) -> tuple[str, str]:
    """A name's first word, and the rest; those with one name have no last one."""
    first, _, last = name.partition(" ")
    return first, last.strip()


def first_role(*, workspace_is_empty: bool) -> Role:
    """The role of one who registers: somebody has to be the first admin."""
    return Role.ADMIN if workspace_is_empty else Role.CLIENT


def check_an_admin_stays(before: Role, after: Role, *, other_admins: int) -> None:
    if before is Role.ADMIN and after is not Role.ADMIN and not other_admins:
        raise WorkspaceNeedsAnAdmin


class Refreshing(Enum):
    """What becomes of a refresh token that is ours."""

    ROTATE = auto()
    REPEAT = auto()
    """A retry: the answer was lost on its way, and its successor has not been used."""
    REUSED = auto()
    """Two hold the same token; which of them is the thief, nobody can tell."""
    OVER = auto()


@dataclass(frozen=True, slots=True)
class Session:
    """A session as its refresh tokens see it. Only hashes of those are known."""

    token_hash: str
    previous_token_hash: str | None
    rotated_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    user_may_sign_in: bool

    def refreshing(self, token_hash: str, now: datetime) -> Refreshing:
        if self.ended_at is not None or now >= self.expires_at or not self.user_may_sign_in:
            return Refreshing.OVER
        if token_hash == self.token_hash:
            return Refreshing.ROTATE
        if token_hash == self.previous_token_hash and now - self.rotated_at <= RETRY_GRACE:
            return Refreshing.REPEAT
        return Refreshing.REUSED
