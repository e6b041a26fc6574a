"""Many users who take part in one thread: rows as the product would have written them, and tokens signed as it signs them."""

from uuid import UUID

import httpx2
from joserfc.jwk import ECKey
from pydantic_core import from_json

from services.identity.tokens import AccessTokens
from shared.contracts.identity.users import User
from shared.contracts.principal import Role
from shared.identifiers import new_id
from tests.bench.history import Connection
from tests.bench.http import request
from tests.bench.load import KEY
from tests.bench.people import CONTENT, Person, ask

_USERS = """
    INSERT INTO identity.users (id, username, first_name, last_name, name, email, password_hash, account_type_informal,
        current_account_status, is_email_verified)
    SELECT id, 'follower-' || number, 'Follower', number, 'Follower ' || number, 'follower-' || number || '@bench.example', '!',
        'member', 'active', true
    FROM unnest($1::uuid[]) WITH ORDINALITY AS given (id, number)"""
_MEMBERS = "INSERT INTO identity.workspace_members (workspace_id, user_id, role) SELECT $1, id, 'client' FROM unnest($2::uuid[]) AS id"
_SESSIONS = """
    INSERT INTO identity.user_sessions (id, user_id, workspace_id, token_hash, expires_at)
    SELECT session_id, user_id, $1, md5(session_id::text), now() + interval '1 day'
    FROM unnest($2::uuid[], $3::uuid[]) AS given (session_id, user_id)"""
_PARTICIPANTS = """
    INSERT INTO threads.participants (id, workspace_id, thread_id, user_id, role, name)
    SELECT gen_random_uuid(), $1, $2, id, 'client', 'Follower' FROM unnest($3::uuid[]) AS id"""


class Followers:
    """All are clients of the owner's workspace. A thread is seen by those alone who take part in it."""

    def __init__(self, owner: Person, tokens: AccessTokens, users: list[UUID], sessions: list[UUID]) -> None:
        self.owner, self._tokens, self._users, self._sessions = owner, tokens, users, sessions

    @classmethod
    async def arrive(cls, database: Connection, owner: Person, count: int) -> "Followers":
        users, sessions = [new_id() for _ in range(count)], [new_id() for _ in range(count)]
        key = await database.fetchval("SELECT key FROM identity.signing_keys WHERE purpose = 'access' AND retired_at IS NULL")
        await database.execute(_USERS, users)
        await database.execute(_MEMBERS, owner.workspace_id, users)
        await database.execute(_SESSIONS, owner.workspace_id, sessions, users)
        for table in ("users", "workspace_members", "user_sessions"):
            await database.execute(f"VACUUM (ANALYZE) identity.{table}")
        return cls(owner, AccessTokens(ECKey.import_key(from_json(key))), users, sessions)

    async def open_thread(self, database: Connection, url: str, count: int) -> UUID:
        """One in which the first so many take part."""
        async with httpx2.AsyncClient(base_url=url, timeout=30) as client:
            body = {"kind": "group", "title": "A thread that many follow", "maxParticipants": count + 1}
            thread = UUID((await ask(client, "POST", "/api/collab/threads", 201, self.owner, body))["id"])
        await database.execute(_PARTICIPANTS, self.owner.workspace_id, thread, self._users[:count])
        await database.execute("VACUUM (ANALYZE) threads.participants")
        return thread

    def sign_in(self, first: int, count: int) -> list[str]:
        """Fresh tokens of some; each lasts 15 minutes."""
        some = range(first, first + count)
        return [self._tokens.issue(self._user(self._users[one]), self._sessions[one])[0] for one in some]

    def posts(self, thread: UUID, first: int, count: int) -> list[bytes]:
        """One of each of some, for the thread."""
        body = {"content": f"{CONTENT} {KEY.decode()}", "clientMessageId": KEY.decode()}
        path = f"/api/collab/threads/{thread}/messages"
        return [request("POST", path, token, body) for token in self.sign_in(first, count)]

    def _user(self, id: UUID) -> User:
        return User(
            id=id,
            email=None,
            username="follower",
            name="Follower",
            display_name=None,
            avatar_url=None,
            role=Role.CLIENT,
            workspace_id=self.owner.workspace_id,
            account_status=None,
            is_email_verified=True,
            current_status="offline",
            last_seen_at=None,
        )
