"""Moments that last as long as a test wants: after a commit and before its reply, after an event's publication and before its mark."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.faults.house import House, eventually

MARKS = 0x6D61726B
"""The advisory lock that marks wait for."""

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND wait_event_type || '.' || wait_event = $2"
_MAKE_MARKS_WAIT = f"""
    CREATE FUNCTION messages.wait_for_the_test() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_advisory_xact_lock_shared({MARKS}); RETURN NULL; END $$;
    CREATE TRIGGER wait_for_the_test BEFORE UPDATE ON messages.outbox FOR EACH STATEMENT EXECUTE FUNCTION messages.wait_for_the_test()"""


@asynccontextmanager
async def commits_held(house: House) -> AsyncIterator[None]:
    """Commits are on the disk, and whoever made them is not told: PostgreSQL waits for a standby that is not there.

    Entered when a commit of the messages service is in that state; left with PostgreSQL running.
    """
    await _let_commits_wait_for(house, "nobody")
    try:
        await eventually(lambda: _waits(house, "atrium_messages", "IPC.SyncRep"), "a commit is held")
        yield
    finally:
        if not house.programs["PostgreSQL"].running:
            await house.programs["PostgreSQL"].start()
        await _let_commits_wait_for(house, "")


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


async def _waits(house: House, role: str, event: str) -> bool:
    async with house.database() as admin:
        return bool(await admin.fetchval(_WAITING, role, event))
