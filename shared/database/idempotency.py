"""A request with an Idempotency-Key makes its thing once: the key is kept by who makes it, in the transaction that makes it.

The one that comes again waits for the first one's transaction, and finds what it made; what failed leaves no key. (docs/architecture.md)
"""

from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

from pydantic_core import to_json

from shared.contracts.model import Request, snake_case
from shared.contracts.principal import Principal
from shared.contracts.refusals import KeyWasUsedForAnother
from shared.credentials import background_role
from shared.database.connections import Connection
from shared.database.policies import definer_function
from shared.messaging.context import current_context

if TYPE_CHECKING:
    from shared.outbox.tables import Executes

_CLAIM = "SELECT digest, thing_id FROM claim_key($1, $2, $3, $4, $5, $6)"

FORGET_KEYS = """
    DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM idempotency_keys WHERE created_at < now() - interval '30 days' ORDER BY created_at LIMIT $1))"""


class MadeBefore(Exception):
    """The request was answered before, with this thing."""

    def __init__(self, thing_id: str) -> None:
        super().__init__(thing_id)
        self.thing_id = thing_id

    @property
    def uuid(self) -> UUID:
        return UUID(self.thing_id)


async def claim(connection: Connection, request: Request, caller: Principal, thing_id: object) -> None:
    """Keep the request's key for the thing that this transaction makes; call it first in there. Without a key it does nothing.

    Raises `MadeBefore`, `KeyWasUsedForAnother`.
    """
    key = current_context.get().idempotency_key
    if not key:
        return
    fingerprint, own = digest(request), str(thing_id)
    operation = snake_case(type(request).__name__)
    kept = await connection.fetchrow(_CLAIM, caller.workspace_id, caller.user_id, operation, key, fingerprint, own)
    assert kept is not None, "it is there, or has just been inserted"
    if kept["digest"] != fingerprint:
        raise KeyWasUsedForAnother
    if kept["thing_id"] != own:
        raise MadeBefore(kept["thing_id"])


def digest(request: Request) -> bytes:
    """What tells one request from another, path and body; the order of keys in an object does not."""
    return sha256(to_json(in_order(request.model_dump(mode="json")))).digest()


def in_order(value: object) -> object:
    """The same JSON with the keys of all its objects in order."""
    if isinstance(value, dict):
        return {key: in_order(value[key]) for key in sorted(value)}
    return [in_order(item) for item in value] if isinstance(value, list) else value


def create_idempotency_keys(op: "Executes", service: str) -> None:
    """For a service's migration. Requests reach it through `claim_key` alone: a transaction may be inside a workspace that it has just
    made, while the key is of the one that its caller is in."""
    op.execute(_TABLE.format(service=service, background=background_role(service)))
    arguments = "workspace uuid, caller uuid, operation text, key text, digest bytea, thing_id text"
    op.execute(definer_function(service, "claim_key", arguments, "TABLE (digest bytea, thing_id text)", _CLAIM_KEY, volatility="VOLATILE"))


# The insert waits for another's that is not committed yet; the second statement sees what was committed meanwhile.
_CLAIM_KEY = """
    INSERT INTO idempotency_keys (workspace_id, user_id, operation, key, digest, thing_id) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT DO NOTHING;
    SELECT kept.digest, kept.thing_id FROM idempotency_keys kept
    WHERE kept.workspace_id = $1 AND kept.user_id = $2 AND kept.operation = $3 AND kept.key = $4;
"""
_TABLE = """
    CREATE TABLE {service}.idempotency_keys (
        workspace_id uuid NOT NULL,
        user_id uuid NOT NULL,
        operation varchar(64) NOT NULL,
        key varchar(255) NOT NULL,
        digest bytea NOT NULL,
        thing_id text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (workspace_id, user_id, operation, key)
    );
    CREATE INDEX idempotency_keys_created_at ON {service}.idempotency_keys (created_at);
    ALTER TABLE {service}.idempotency_keys ENABLE ROW LEVEL SECURITY;
    CREATE POLICY background ON {service}.idempotency_keys TO {background} USING (true) WITH CHECK (true);
    GRANT SELECT, DELETE ON {service}.idempotency_keys TO {background};
"""
