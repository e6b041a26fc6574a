"""Who may sign in, what roles grant, and when a session's refresh token is good."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from shared.contracts.identity.accounts import Purpose
from shared.contracts.identity.users import AccountStatus, GrantExceedsYours, WorkspaceNeedsAnAdmin
from shared.contracts.permissions import Permission, as_bits
from shared.contracts.principal import Role

SESSION_LIFE = timedelta(days=30)  # since its last refresh
MOST_SESSIONS = 100  # of one user; a sign-in beyond ends the oldest
RETRY_GRACE = timedelta(seconds=10)
MOST_WORDS, LONGEST_NAME = 10, 255  # words and characters of a name, by which somebody is found
ROLES_OF_PEOPLE = frozenset(Role) - {Role.SYSTEM}
EVERYBODYS = frozenset({Permission.SELF_READ, Permission.SELF_UPDATE, Permission.SPACE_READ})
"""Whatever their role: who is signed in sees their account and their workspaces, and can leave them."""
FOR_SERVICES_ALONE = frozenset({Permission.MESSAGE_FOR_CONTACT})
"""What no person is granted, and who manages service accounts may give to them."""
_FOR_SERVICES_ALONE = as_bits(FOR_SERVICES_ALONE)
SERVED = frozenset({Role.CLIENT, Role.GUEST})
"""Who see those who serve them, and not each other: together they are the list of customers."""
SIGNING_IN = frozenset({AccountStatus.ACTIVE, AccountStatus.PENDING_VERIFICATION})


LAST_CHARACTER = "\U0010ffff"  # all that begin alike are before their beginning and this
LINK_LIVES: dict[Purpose, timedelta] = {"verify": timedelta(hours=24), "reset": timedelta(hours=1)}


def searchable(text: str) -> str:
    """A name as it is looked for: without case, accents and needless blanks, and no longer than an index takes (a sign may become many)."""
    plain = "".join(character for character in unicodedata.normalize("NFKD", text) if not unicodedata.combining(character))
    return " ".join(plain.casefold().split()[:MOST_WORDS])[:LONGEST_NAME].rstrip()


def search_names(username: str, name: str, display_name: str | None) -> list[str]:
    """Whatever somebody's names begin with, from each of their words on: who types the beginning of one finds them."""
    found = {username}
    for full in filter(None, (searchable(name), searchable(display_name or ""))):
        words = full.split()
        found |= {" ".join(words[place:]) for place in range(len(words))} | {f"{words[0]} {words[-1]}"}
    return sorted(found)


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


def check_within(given: int, own: int) -> None:
    """Raises `GrantExceedsYours` where somebody gives or takes what they are not granted themselves."""
    if given & ~own:
        raise GrantExceedsYours


def givable(own: int) -> int:
    """What a person may give to programs: what they are granted, and, where they manage those, what no person is."""
    return own | _FOR_SERVICES_ALONE if own & Permission.SERVICE_MANAGE.bit else own


def token_grants(scopes: int, answering: int) -> int:
    """What a token grants: its scopes, as far as the person who answers for it may give them now."""
    return scopes & givable(answering)


def check_an_admin_stays(before: str, after: str | None, *, other_admins: int) -> None:
    """By the names of roles: whoever has one of the workspace's own is no admin, whatever they are shown as. None: no member any more."""
    if before == Role.ADMIN and after != Role.ADMIN and not other_admins:
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

    def refreshing(self, token_hash: str, successor_hash: str, now: datetime) -> Refreshing:
        if self.ended_at is not None or now >= self.expires_at or not self.user_may_sign_in:
            return Refreshing.OVER
        if token_hash == self.token_hash:
            return Refreshing.ROTATE
        if token_hash == self.previous_token_hash and now - self.rotated_at <= RETRY_GRACE:
            # Where the session went on in another workspace meanwhile, its token is no successor of this one.
            return Refreshing.REPEAT if successor_hash == self.token_hash else Refreshing.ROTATE
        return Refreshing.REUSED
