"""What identity does beside answering: it notes who was here."""

from collections.abc import Iterable
from contextlib import suppress
from uuid import UUID

import asyncpg

from services.identity.repository.upkeep import Traces
from shared.contracts.refusals import ServiceIsUnavailable
from shared.rounds import Rounds

NOTED_EVERY = 10.0  # seconds


class LastSeen:
    """Who was here since the last look; written together, off every request's path."""

    def __init__(self, traces: Traces) -> None:
        self._traces = traces
        self._sessions: dict[UUID, UUID] = {}
        self._tokens: dict[UUID, UUID] = {}
        self._connected: set[UUID] = set()
        self._rounds = Rounds("identity last seen", self.write, NOTED_EVERY)

    def note(self, session_id: UUID, user_id: UUID) -> None:
        self._sessions[session_id] = user_id

    def note_program(self, token_id: UUID, account_id: UUID) -> None:
        self._tokens[token_id] = account_id

    def note_connected(self, user_ids: Iterable[UUID]) -> None:
        """They are connected, whatever they ask."""
        self._connected.update(user_ids)

    def start(self) -> None:
        self._rounds.start()

    async def stop(self) -> None:
        await self._rounds.stop()
        await self.write()

    async def write(self) -> None:
        """Forgets whom it cannot write: they come again."""
        sessions, self._sessions = self._sessions, {}
        tokens, self._tokens = self._tokens, {}
        connected, self._connected = self._connected, set()
        with suppress(ServiceIsUnavailable, asyncpg.PostgresError):
            if sessions or tokens or connected:
                await self._traces.seen(sessions, tokens, {*sessions.values(), *tokens.values(), *connected})
