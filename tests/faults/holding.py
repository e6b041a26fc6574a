"""Moments that last as long as a test wants: after a commit and before its reply, after an event's publication and before its mark,
between what is done to an object and what its row says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from tests.faults.house import House, eventually

MARKS = 0x6D61726B
"""The advisory lock that marks wait for."""
CHANGES = 0x66696C65
"""The advisory lock that changes of files wait for."""

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND wait_event_type || '.' || wait_event = $2"
_MAKE_MARKS_WAIT = f"""
    CREATE FUNCTION messages.wait_for_the_test() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_advisory_xact_lock_shared({MARKS}); RETURN NULL; END $$;
    CREATE TRIGGER wait_for_the_test BEFORE UPDATE ON messages.outbox FOR EACH STATEMENT EXECUTE FUNCTION messages.wait_for_the_test()"""
_MAKE_CHANGES_WAIT = f"""
    CREATE FUNCTION attachments.wait_for_the_test() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_advisory_xact_lock_shared({CHANGES}); RETURN NEW; END $$;
    CREATE TRIGGER wait_for_the_test BEFORE %s ON attachments.attachments FOR EACH ROW WHEN (%s)
        EXECUTE FUNCTION attachments.wait_for_the_test()"""


@asynccontextmanager
async def commits_held(house: House) -> AsyncIterator[None]:
    """Commits are on the disk, and whoever made them is not told: PostgreSQL waits for a standby that is not there.

    Entered when a commit of the messages service is in that state; left with PostgreSQL running.
    """
    async with commits_unanswered(house):
        await a_commit_is_held(house, "messages")
        yield


@asynccontextmanager
async def commits_unanswered(house: House) -> AsyncIterator[None]:
    """The same, of what is committed from now on."""
    await _let_commits_wait_for(house, "nobody")
    try:
        yield
    finally:
        if not house.programs["PostgreSQL"].running:
            await house.programs["PostgreSQL"].start()
        await _let_commits_wait_for(house, "")


async def a_commit_is_held(house: House, service: str) -> None:
    await eventually(lambda: _waits(house, f"atrium_{service}", "IPC.SyncRep"), "a commit is held")


async def _let_commits_wait_for(house: House, standbys: str) -> None:
    async with house.database() as admin:
        await admin.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{standbys}'")
        await admin.execute("SELECT pg_reload_conf()")


@asynccontextmanager
async def marks_held(house: House) -> AsyncIterator[None]:
    """The relay of messages publishes, and waits before it marks what it has published. Entered when it does so."""
    async with house.database() as admin:
        await admin.execute("SELECT pg_advisory_lock($1)", MARKS)
        await admin.execute(_MAKE_MARKS_WAIT)
        try:
            await eventually(lambda: _a_mark_waits(house), "a mark is held")
            yield
        finally:
            await admin.execute("SELECT pg_advisory_unlock($1)", MARKS)
            await admin.execute("DROP FUNCTION messages.wait_for_the_test() CASCADE")


async def marks_given_up(house: House) -> None:
    """Wait until PostgreSQL has ended what a killed or frozen relay asked for: else it would be done once it can be."""

    async def none_waits() -> bool:
        return not await _a_mark_waits(house)

    await eventually(none_waits, "no mark waits")


async def _a_mark_waits(house: House) -> bool:
    return await _waits(house, "atrium_messages_background", "Lock.advisory")


@asynccontextmanager
async def changes_of_files_held(house: House, when: str) -> AsyncIterator[None]:
    """What would change a file's row so that `when` holds (SQL over OLD and NEW) waits before it does, and never gets there."""
    async with _held(house, "UPDATE", when):
        yield


@asynccontextmanager
async def new_files_held(house: House) -> AsyncIterator[None]:
    """The same, of what would make a file of bytes that are in the store."""
    async with _held(house, "INSERT", "true"):
        yield


@asynccontextmanager
async def _held(house: House, what: str, when: str) -> AsyncIterator[None]:
    async with house.database() as admin:
        await admin.execute("SELECT pg_advisory_lock($1)", CHANGES)
        await admin.execute(_MAKE_CHANGES_WAIT % (what, when))
        try:
            yield
        finally:
            await admin.execute(_GIVE_UP_CHANGES, CHANGES)
            await admin.execute("DROP FUNCTION attachments.wait_for_the_test() CASCADE")
            await admin.execute("SELECT pg_advisory_unlock($1)", CHANGES)


_GIVE_UP_CHANGES = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_locks
    WHERE locktype = 'advisory' AND NOT granted AND (classid::bigint << 32) + objid::bigint = $1"""


async def a_change_is_held(house: House, *, by: str = "atrium_attachments_background") -> None:
    await eventually(lambda: _waits(house, by, "Lock.advisory"), "a change of a file is held")


@asynccontextmanager
async def a_file_held(house: House, attachment_id: UUID) -> AsyncIterator[None]:
    """Whoever would lock the row of this file waits."""
    async with house.database() as admin, admin.transaction():
        await admin.execute("SELECT FROM attachments.attachments WHERE id = $1 FOR UPDATE", attachment_id)
        yield


async def a_file_is_waited_for(house: House) -> None:
    await eventually(lambda: _waits(house, "atrium_attachments_background", "Lock.transactionid"), "somebody waits for a file's row")


async def _waits(house: House, role: str, event: str) -> bool:
    async with house.database() as admin:
        return bool(await admin.fetchval(_WAITING, role, event))
