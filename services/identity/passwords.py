"""Passwords: Argon2id, off the loop, and never more at once than the machine can bear."""

import secrets
from asyncio import get_running_loop
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from pwdlib.hashers import HasherProtocol
from pydantic import SecretStr

from shared.contracts.identity.users import SignInIsThrottled

WORKERS = 2  # each takes 64 MiB and a core for a twentieth of a second
MOST_WAITING = 64


class Passwords:
    def __init__(self, hasher: HasherProtocol) -> None:
        self._hasher = hasher
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="passwords")
        self._taken = 0
        self.nobodys = ""
        """The hash of a password that nobody knows: for unknown emails, and for accounts that have none."""

    async def start(self) -> None:
        self.nobodys = await self._run(lambda: self._hasher.hash(secrets.token_hex()))

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)

    async def hash(self, password: SecretStr) -> str:
        return await self._run(lambda: self._hasher.hash(password.get_secret_value()))

    async def match(self, password: SecretStr, hashed: str | None) -> bool:
        """Whether it is the password. An unknown account takes as long as a known one, so that time tells nobody which emails exist."""
        same = await self._run(lambda: self._hasher.verify(password.get_secret_value(), hashed or self.nobodys))
        return same and hashed is not None

    async def _run[T](self, work: Callable[[], T]) -> T:
        if self._taken >= WORKERS + MOST_WAITING:
            raise SignInIsThrottled(retry_after=2)
        self._taken += 1
        try:
            return await get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._taken -= 1
