"""docs/permissions.md, made from the permissions, the built-in roles and the table of routes.

`python -m services.gateway.permissions_document` writes it.
"""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import services.gateway.routes
from services.gateway.live_routing import LIVE_ROUTES, AnyRoute
from services.gateway.routing import OWN_ROUTES, ROUTES
from shared.contracts.permissions import Permission
from shared.contracts.principal import Role
from shared.contracts.roles import BUILT_IN, DESCRIPTIONS

PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"

assert services.gateway.routes, "importing the routes fills the table"

_HEAD = """# Permissions

<!-- Made by `python -m services.gateway.permissions_document`; a test fails when it is stale. -->

A permission is `domain:function:action`. A role grants permissions; a member of a workspace has one role there. What a role grants is asked
of identity in every request, so that a change holds from the next request on. A permission says that somebody may do such a thing at all;
to which thread or message they may do it is for its owner to say (participants, capabilities, privacy).

The built-in roles are part of the code and stay as they are. A workspace makes roles of its own (`POST /api/roles`), each with a base role,
which is whom its holders are shown as. Nobody gives or takes, by a role, an invitation or a token, what they are not granted themselves.
Every role has `identity:self:read`, `identity:self:update` and `workspace:space:read`: whoever is signed in sees their own account and
workspaces, and can leave. A service account has what the scopes of its token say, and nothing else.
"""


def document(routes: Iterable[AnyRoute] = (*ROUTES, *OWN_ROUTES, *LIVE_ROUTES)) -> str:
    routes = sorted(routes, key=lambda route: (route.path, route.method))
    needed: dict[Permission | None, list[AnyRoute]] = defaultdict(list)
    for route in routes:
        needed[route.needs].append(route)
    return "\n".join(
        [
            _HEAD,
            "## The built-in roles\n",
            *(f"- `{role}`: {DESCRIPTIONS[role]}." for role in Role),
            "\n## Every permission\n",
            "| Permission | Granted by | Routes that need it |",
            "|---|---|---|",
            *(_row(permission, needed[permission]) for permission in Permission),
            "\nA permission without a route of its own is asked for within an operation, by the service that owns the thing.\n",
            "## Every route\n",
            "| Route | Needs | What it does |",
            "|---|---|---|",
            *(f"| `{route.method} {route.path}` | `{route.needs}` | {route.summary} |" for route in routes if route.needs),
            "\n## For anybody\n",
            "| Route | What it does |",
            "|---|---|",
            *(f"| `{route.method} {route.path}` | {route.summary} |" for route in needed[None]),
            "",
        ]
    )


def _row(permission: Permission, routes: list[AnyRoute]) -> str:
    roles = ", ".join(role for role in Role if permission in BUILT_IN[role]) or "service accounts alone"
    return f"| `{permission}` | {roles} | {', '.join(f'`{route.method} {route.path}`' for route in routes)} |"


if __name__ == "__main__":
    PAGE.write_text(document())
