"""What an access token says, read without checking it."""

import json
from base64 import urlsafe_b64decode
from typing import Any
from uuid import UUID

from shared.contracts.identity.sessions import SignedIn
from shared.contracts.identity.users import Myself, User


def part(token: str, number: int) -> dict[str, Any]:
    raw = token.split(".")[number]
    content: dict[str, Any] = json.loads(urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
    return content


def as_others_see(myself: Myself) -> User:
    """An account without what its owner alone is told."""
    return User(**{name: getattr(myself, name) for name in User.model_fields})


def ids(signed_in: SignedIn) -> tuple[UUID, UUID, UUID]:
    """Session, user, workspace."""
    claims = part(signed_in.access_token, 1)
    return UUID(claims["sid"]), UUID(claims["sub"]), UUID(claims["ws"])
