"""The passwords by which services sign in to PostgreSQL and NATS: made once, kept in the data folder, readable by its owner alone."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

SERVICES = ("gateway", "identity", "threads", "messages", "attachments", "projects", "graph")
STORING_SERVICES = tuple(service for service in SERVICES if service != "gateway")
OPERATOR = "operator"


def database_role(service: str) -> str:
    return f"atrium_{service}"


def background_role(service: str) -> str:
    """The second role of a service, for work that spans workspaces: relay, replay, upkeep."""
    return f"atrium_{service}_background"


@dataclass(frozen=True, slots=True)
class Credentials:
    """`postgres`: role to password. `nats`: user to password."""

    postgres: dict[str, str]
    nats: dict[str, str]

    @classmethod
    def of(cls, data: Path) -> "Credentials":
        """Those kept in `data`; what is missing is made and kept there (0600)."""
        path = data / "credentials.json"
        kept = json.loads(path.read_text()) if path.exists() else {}
        roles = ["postgres", *(name(service) for service in STORING_SERVICES for name in (database_role, background_role))]
        credentials = cls(
            postgres={role: kept.get("postgres", {}).get(role) or secrets.token_hex(24) for role in roles},
            nats={user: kept.get("nats", {}).get(user) or secrets.token_hex(24) for user in (*SERVICES, OPERATOR)},
        )
        made = {"postgres": credentials.postgres, "nats": credentials.nats}
        if made != kept:
            data.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(".new")
            draft.touch(mode=0o600)
            draft.write_text(json.dumps(made, indent=2) + "\n")
            os.replace(draft, path)
        return credentials
