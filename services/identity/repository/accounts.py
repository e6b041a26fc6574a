"""Mailed links and what they do; passwords; and the end of sessions."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from services.identity import domain
from services.identity.mail import Mailbox
from services.identity.repository.ending import end_sessions
from services.identity.repository.users import next_version, seen_by_each_workspace
from services.identity.tokens import MailedToken
from shared.contracts.identity.accounts import EmailVerified, LinkIsSpent, PasswordChanged, Purpose
from shared.contracts.identity.users import UserNotFound
from shared.database.connections import Connection, Database, committed, once_more
from shared.outbox.outbox import emission, emit

_SIGNING_IN = [status.value for status in domain.SIGNING_IN]

_MAKE = """
    INSERT INTO mailed_tokens (token_hash, user_id, purpose, email, expires_at)
    SELECT $1, id, $2::varchar, email, clock_timestamp() + $3::interval FROM users
    WHERE email = $4 AND deleted_at IS NULL AND current_account_status = ANY($5::text[])
        AND ($2::varchar <> 'verify' OR NOT is_email_verified)
    RETURNING expires_at"""

# As one condition, so that it is found by its id alone, and not by an index of those that are open.
_INVITE = """
    UPDATE invitations SET token_hash = $2
    WHERE id = $1 AND coalesce(accepted_at, revoked_at) IS NULL AND expires_at > clock_timestamp() RETURNING expires_at"""

_GOOD = """
    SELECT user_id FROM mailed_tokens
    WHERE token_hash = $1 AND purpose = 'reset' AND spent_at IS NULL AND expires_at > clock_timestamp()"""

# All of a kind are spent together: whoever has followed one link needs no other.
_SPEND = """
    WITH good AS (
        UPDATE mailed_tokens SET spent_at = clock_timestamp()
        WHERE token_hash = $1 AND purpose = $2 AND user_id = $3 AND spent_at IS NULL AND expires_at > clock_timestamp()
        RETURNING user_id, email),
    others AS (
        UPDATE mailed_tokens t SET spent_at = clock_timestamp() FROM good
        WHERE t.user_id = good.user_id AND t.purpose = $2 AND t.spent_at IS NULL AND t.token_hash <> $1)
    SELECT email FROM good"""

_SPEND_RESETS = """
    UPDATE mailed_tokens SET spent_at = clock_timestamp() WHERE user_id = $1 AND purpose = 'reset' AND spent_at IS NULL"""

_VERIFY = """
    UPDATE users SET is_email_verified = true, updated_at = now(), version = version + 1,
        current_account_status = CASE current_account_status WHEN 'pending-verification' THEN 'active' ELSE current_account_status END
    WHERE id = $1 AND email = $2 AND NOT is_email_verified AND deleted_at IS NULL RETURNING version"""

_SET_HASH = """
    UPDATE users SET password_hash = $2 WHERE id = $1 AND email = coalesce($4, email) AND deleted_at IS NULL
        AND current_account_status = ANY($3::text[])"""

_HASH = "SELECT password_hash FROM users WHERE id = $1 AND deleted_at IS NULL"

_UNVERIFIED = (
    "SELECT email FROM users WHERE id = $1 AND NOT is_email_verified AND deleted_at IS NULL AND account_type_informal <> 'service'"
)


class MailedTokens:
    """Makes what a mailed link leads in by. Runs as either role: the queue is worked off in the background."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def make(self, purpose: Purpose, email: str, token: MailedToken) -> datetime | None:
        """Until when the token is good; None where there is nobody whom it could serve."""
        values = (token.hash, purpose, domain.LINK_LIVES[purpose], email, _SIGNING_IN)
        async with self._database.connection() as connection:
            expires_at: datetime | None = await connection.fetchval(_MAKE, *values)
        return expires_at

    async def make_for_invitation(self, invitation_id: UUID | None, token: MailedToken) -> datetime | None:
        """This is the invitation's token from now on, and no earlier one; None where it is over. As the background role alone."""
        async with self._database.connection() as connection:
            expires_at: datetime | None = await connection.fetchval(_INVITE, invitation_id, token.hash)
        return expires_at


class Accounts:
    def __init__(self, database: Database, mailbox: Mailbox, on_commit: Callable[[], None]) -> None:
        self._database, self._mailbox, self._on_commit = database, mailbox, on_commit

    async def ask_to_verify(self, user_id: UUID) -> None:
        async def attempt() -> None:
            async with self._database.installation() as connection:
                email = await connection.fetchval(_UNVERIFIED, user_id)
                if email is not None:
                    await self._mailbox.ask_to_verify(connection, email)

        await once_more(attempt)

    async def offer_reset(self, email: str) -> None:
        async def attempt() -> None:
            async with self._database.installation() as connection:
                await self._mailbox.offer_reset(connection, email)

        await once_more(attempt)

    async def owner_of_reset(self, token_hash: str) -> UUID:
        """Whose password a token that is good resets. Raises `LinkIsSpent`."""
        async with self._database.connection() as connection:
            user_id: UUID | None = await connection.fetchval(_GOOD, token_hash)
        if user_id is None:
            raise LinkIsSpent
        return user_id

    async def verify(self, user_id: UUID, token_hash: str) -> None:
        """By a token of their own. Raises `LinkIsSpent`."""

        async def attempt() -> None:
            async with self._database.installation(actor=user_id) as connection:
                await verify(connection, user_id, await _spend(connection, user_id, "verify", token_hash))

        await committed(attempt, self._on_commit)

    async def reset(self, user_id: UUID, token_hash: str, password_hash: str) -> None:
        """Another password for who has the mailbox; all sessions end."""

        async def attempt() -> None:
            async with self._database.installation(actor=user_id, reason="password reset") as connection:
                email = await _spend(connection, user_id, "reset", token_hash)
                if await connection.execute(_SET_HASH, user_id, password_hash, _SIGNING_IN, email) == "UPDATE 0":
                    raise LinkIsSpent  # suspended since, or at another address
                await verify(connection, user_id, email)
                await end_sessions(connection, user_id, "password-reset")
                await _say_password_changed(connection, user_id)

        await committed(attempt, self._on_commit)

    async def password_hash_of(self, user_id: UUID) -> str | None:
        async with self._database.connection() as connection:
            password_hash: str | None = await connection.fetchval(_HASH, user_id)
        return password_hash

    async def change_password(self, user_id: UUID, password_hash: str, *, keep_session: UUID) -> None:
        """Links to reset it that were mailed before are good for nothing any more. Raises `UserNotFound`."""

        async def attempt() -> None:
            async with self._database.installation(actor=user_id) as connection:
                if await connection.execute(_SET_HASH, user_id, password_hash, _SIGNING_IN, None) == "UPDATE 0":
                    raise UserNotFound  # suspended since
                await connection.execute(_SPEND_RESETS, user_id)
                await end_sessions(connection, user_id, "password-changed", keep=keep_session)
                await _say_password_changed(connection, user_id)

        await committed(attempt, self._on_commit)


async def _spend(connection: Connection, user_id: UUID, purpose: Purpose, token_hash: str) -> str:
    """The email that the token was mailed to."""
    email: str | None = await connection.fetchval(_SPEND, token_hash, purpose, user_id)
    if email is None:
        raise LinkIsSpent
    return email


async def verify(connection: Connection, user_id: UUID, email: str) -> None:
    """Their email is known to be theirs. It is said in each of their workspaces: call it last, as the transaction moves on to those."""
    version = await connection.fetchval(_VERIFY, user_id, email)
    if version is None:
        return
    async for workspace_id, user in seen_by_each_workspace(connection, user_id):
        await emit(connection, emission(EmailVerified(entity_id=user_id, version=version, user=user), workspace_id, user_id))


async def _say_password_changed(connection: Connection, user_id: UUID) -> None:
    event = PasswordChanged(entity_id=user_id, version=await next_version(connection, user_id), user_id=user_id)
    await emit(connection, emission(event, None, user_id))
