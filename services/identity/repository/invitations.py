"""Invitations: who may join a workspace, and who has joined by them."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import asyncpg

from services.identity import domain
from services.identity.mail import Mailbox
from services.identity.repository.accounts import verify
from services.identity.repository.audit import audit
from services.identity.repository.grants import Held, lock_as, present_grants
from services.identity.repository.roles import role_named
from services.identity.repository.users import (
    LOCK_WORKSPACE,
    Account,
    add_user,
    myself_of,
    next_version,
    registered,
    start_session,
    user_of,
)
from services.identity.repository.workspaces import check_room, workspace_of
from services.identity.tokens import MailedToken, RefreshToken
from shared.contracts.identity.invitations import (
    Invitation,
    InvitationAccepted,
    InvitationCreated,
    InvitationMade,
    InvitationNotFound,
    InvitationRevoked,
)
from shared.contracts.identity.members import MemberAdded, RoleIsNotUsable
from shared.contracts.identity.sessions import AlreadyAMember, InvitationIsNotValid, Origin
from shared.contracts.identity.users import Myself
from shared.contracts.identity.workspaces import Workspace
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.database.connections import Connection, Database, committed
from shared.identifiers import new_id
from shared.outbox.outbox import emission, emit

_COLUMNS = "id, email, role, invited_by, created_at, expires_at"

_ADD = f"""
    INSERT INTO invitations (id, workspace_id, token_hash, email, is_mailed, role, invited_by, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, now() + $8::interval) RETURNING {_COLUMNS}"""

_REPLACE = """
    UPDATE invitations SET revoked_at = now(), version = version + 1
    WHERE workspace_id = $1 AND email = $2 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > now() RETURNING id, version"""

_IS_MEMBER = """
    SELECT EXISTS (SELECT FROM users u JOIN workspace_members m ON m.workspace_id = $1 AND m.user_id = u.id
        WHERE u.email = $2 AND m.deleted_at IS NULL)"""

_PAGE = f"""
    SELECT {_COLUMNS}, CASE WHEN is_mailed THEN (
        SELECT CASE outcome WHEN 'parked' THEN 'failed' WHEN 'sent' THEN 'sent' ELSE 'waiting' END
        FROM mail_queue q WHERE q.invitation_id = invitations.id ORDER BY q.id DESC LIMIT 1) END AS mail_status
    FROM invitations
    WHERE workspace_id = $1 AND id > $2 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > now() ORDER BY id LIMIT $3"""

_OPEN = f"""
    SELECT {_COLUMNS} FROM invitations
    WHERE workspace_id = $1 AND id = $2 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > now()"""

_FIND = "SELECT workspace_of_invitation($1)"

_LOCK = """
    SELECT id, email, is_mailed, role, invited_by, version FROM invitations
    WHERE token_hash = $1 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > clock_timestamp() FOR UPDATE"""

_ACCEPT = "UPDATE invitations SET accepted_at = now(), accepted_by = $2, version = version + 1 WHERE id = $1 RETURNING version"

_REVOKE = """
    UPDATE invitations SET revoked_at = now(), version = version + 1
    WHERE workspace_id = $1 AND id = $2 AND accepted_at IS NULL AND revoked_at IS NULL RETURNING version"""
_WAS_REVOKED = "SELECT EXISTS (SELECT FROM invitations WHERE workspace_id = $1 AND id = $2 AND revoked_at IS NOT NULL)"

# Who was a member once is one again, from now on.
_JOIN = """
    INSERT INTO workspace_members (workspace_id, user_id, role, custom_role) VALUES ($1, $2, $3, $4)
    ON CONFLICT (workspace_id, user_id) DO UPDATE SET role = excluded.role, custom_role = excluded.custom_role, deleted_at = NULL,
        suspended_at = NULL, created_at = now(), updated_at = now()
    WHERE workspace_members.deleted_at IS NOT NULL RETURNING user_id"""

_EMAIL = "SELECT email FROM users WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE"


class Invitations:
    def __init__(self, database: Database, mailbox: Mailbox, on_commit: Callable[[], None]) -> None:
        self._database, self._mailbox, self._on_commit = database, mailbox, on_commit

    async def create(self, by: Principal, email: str | None, role: str, life: timedelta) -> InvitationMade:
        """One that is mailed gets another token when the mail is written; nobody ever learns this one. Raises `MailboxGotEnough`."""
        token = MailedToken.new()
        mailed = email is not None and self._mailbox.is_open

        async def attempt() -> InvitationMade:
            async with self._database.workspace(by.workspace_id, actor=by.user_id) as connection:
                own = (await lock_as(connection, by, Permission.MEMBER_INVITE)).grants
                held = await role_named(connection, by.workspace_id, role)
                if held is None:
                    raise RoleIsNotUsable
                domain.check_within(held.worth, own)
                if email is not None and await connection.fetchval(_IS_MEMBER, by.workspace_id, email):
                    raise AlreadyAMember
                for replaced in await connection.fetch(_REPLACE, by.workspace_id, email):
                    await _say_revoked(connection, by, replaced["id"], replaced["version"])
                row = await connection.fetchrow(_ADD, new_id(), by.workspace_id, token.hash, email, mailed, role, by.user_id, life)
                assert row is not None
                invitation = Invitation(**row, mail_status="waiting" if mailed else None)
                await self._say_created(connection, by, invitation)
                return InvitationMade(**dict(invitation), token=None if mailed else token.text)

        return await committed(attempt, self._on_commit)

    async def page(self, workspace_id: UUID, after: UUID, count: int) -> list[Invitation]:
        async with self._database.reading(workspace_id) as connection:
            return [Invitation(**row) for row in await connection.fetch(_PAGE, workspace_id, after, count)]

    async def get(self, workspace_id: UUID, invitation_id: UUID) -> Invitation:
        async with self._database.reading(workspace_id) as connection:
            row = await connection.fetchrow(_OPEN, workspace_id, invitation_id)
        if row is None:
            raise InvitationNotFound
        return Invitation(**row)

    async def revoke(self, by: Principal, invitation_id: UUID) -> None:
        async def attempt() -> None:
            async with self._database.workspace(by.workspace_id, actor=by.user_id) as connection:
                version = await connection.fetchval(_REVOKE, by.workspace_id, invitation_id)
                if version is None:
                    if await connection.fetchval(_WAS_REVOKED, by.workspace_id, invitation_id):
                        return
                    raise InvitationNotFound
                await _say_revoked(connection, by, invitation_id, version)

        await committed(attempt, self._on_commit)

    async def check(self, token: str) -> None:
        """Raises `InvitationIsNotValid` where it is none of ours."""
        await self._workspace_of(MailedToken.of(token).hash)

    async def accept(self, user_id: UUID, token: str) -> Workspace:
        """Somebody who has an account joins."""
        token_hash = MailedToken.of(token).hash
        workspace_id = await self._workspace_of(token_hash)

        async def attempt() -> Workspace:
            async with self._database.workspace(workspace_id, actor=user_id) as connection:
                invitation, held = await _lock(connection, workspace_id, token_hash)
                email = await connection.fetchval(_EMAIL, user_id)
                if invitation["email"] not in (None, email):
                    raise InvitationIsNotValid
                await check_room(connection, user_id)
                if await connection.fetchval(_JOIN, workspace_id, user_id, held.role, held.custom) is None:
                    raise AlreadyAMember
                version = await next_version(connection, user_id)
                event = MemberAdded(entity_id=user_id, version=version, user=await user_of(connection, user_id))
                await emit(connection, emission(event, workspace_id, user_id))
                await _say_accepted(connection, workspace_id, invitation, user_id, held)
                joined = await workspace_of(connection, workspace_id, user_id)
                if invitation["is_mailed"]:
                    await verify(connection, user_id, email)
                return joined

        return await committed(attempt, self._on_commit)

    async def register(self, token: str, account: Account, first_token: RefreshToken, origin: Origin) -> Myself:
        """Somebody makes an account, and joins. Whoever has what was mailed has the mailbox."""
        token_hash = MailedToken.of(token).hash
        workspace_id = await self._workspace_of(token_hash)
        email, user_id = account.email, new_id()

        async def attempt() -> Myself:
            async with self._database.workspace(workspace_id, actor=user_id) as connection:
                invitation, held = await _lock(connection, workspace_id, token_hash)
                if invitation["email"] not in (None, email):
                    raise InvitationIsNotValid
                await add_user(connection, account, verified=invitation["is_mailed"], user_id=user_id)
                await connection.execute(_JOIN, workspace_id, user_id, held.role, held.custom)
                await start_session(connection, user_id, workspace_id, first_token, origin)
                if not invitation["is_mailed"]:
                    await self._mailbox.ask_to_verify(connection, email)
                await registered(connection, user_id)
                await _say_accepted(connection, workspace_id, invitation, user_id, held)
                return await myself_of(connection, user_id)

        return await committed(attempt, self._on_commit)

    async def _workspace_of(self, token_hash: str) -> UUID:
        async with self._database.connection() as connection:
            workspace_id: UUID | None = await connection.fetchval(_FIND, token_hash)
        if workspace_id is None:
            raise InvitationIsNotValid
        return workspace_id

    async def _say_created(self, connection: Connection, by: Principal, invitation: Invitation) -> None:
        event = InvitationCreated(entity_id=invitation.id, version=1, invitation=invitation)
        await emit(connection, emission(event, by.workspace_id, invitation.id))
        details = {"email": invitation.email, "role": invitation.role}
        await audit(connection, by.workspace_id, by.user_id, "workspace:member:invite", "invitation", invitation.id, details=details)
        if invitation.email is not None:
            workspace = await workspace_of(connection, by.workspace_id, by.user_id)
            await self._mailbox.invite(connection, invitation.email, workspace.name, by.name, invitation.id)


async def _lock(connection: Connection, workspace_id: UUID, token_hash: str) -> tuple[asyncpg.Record, Held]:
    """The invitation, which nobody else accepts meanwhile, and the role that it gives: as long as whoever invited may still give it."""
    is_there = await connection.fetchval(LOCK_WORKSPACE, workspace_id)
    row = await connection.fetchrow(_LOCK, token_hash) if is_there else None
    held = await role_named(connection, workspace_id, row["role"]) if row else None
    if row is None or held is None:
        raise InvitationIsNotValid
    needed = held.worth | Permission.MEMBER_INVITE.bit
    if needed & ~await present_grants(connection, workspace_id, row["invited_by"]):
        raise InvitationIsNotValid
    return row, held


async def _say_revoked(connection: Connection, by: Principal, invitation_id: UUID, version: int) -> None:
    event = InvitationRevoked(entity_id=invitation_id, version=version, revoked_by=by.user_id)
    await emit(connection, emission(event, by.workspace_id, invitation_id))
    await audit(connection, by.workspace_id, by.user_id, "workspace:invitation:revoke", "invitation", invitation_id)


async def _say_accepted(connection: Connection, workspace_id: UUID, invitation: asyncpg.Record, user_id: UUID, held: Held) -> None:
    version = await connection.fetchval(_ACCEPT, invitation["id"], user_id)
    event = InvitationAccepted(entity_id=invitation["id"], version=version, accepted_by=user_id)
    await emit(connection, emission(event, workspace_id, invitation["id"]))
    details = {"invitationId": str(invitation["id"]), "role": held.name}
    await audit(connection, workspace_id, user_id, "workspace:member:join", "user", user_id, details=details)
