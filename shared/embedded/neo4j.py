"""A Neo4j of one's own, from Maven Central, for developers and tests: `make neo4j` gets and starts it."""

import asyncio
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import override

from shared.embedded.program import CouldNotStart, Program

POM = Path(__file__).parents[2] / "deploy" / "neo4j" / "pom.xml"
USER = "neo4j"
PORT = 7687
_FETCH_SECONDS = 600
_CONF = """server.bolt.listen_address=127.0.0.1:{port}
server.http.enabled=false
server.https.enabled=false
server.memory.pagecache.size={pages}
dbms.usage_report.enabled=false
db.tx_log.rotation.retention_policy=64M size
internal.server.bolt.thread_pool_shutdown_wait_time=1s
"""


class Neo4jServer(Program):
    """On 127.0.0.1 at a port, with its data in a folder. library: the folder of its jars."""

    name = "Neo4j"
    patience = 120.0
    java: Sequence[str] = ("-Xms1g", "-Xmx1g", "-Xmn512m", "-XX:+UseParallelGC")
    """How Java runs it: a collector that works beside it takes from two cores what a sixth of the links would need, and one that has little
    room for what is young runs twice as often."""
    pages = "512m"
    """Memory for what is on the disk."""

    def __init__(self, folder: Path, library: Path, port: int = PORT) -> None:
        self.home, self.library, self.port = folder.absolute() / "neo4j", library.absolute(), port
        self.log = self.home / "neo4j.log"
        self.url = f"bolt://127.0.0.1:{port}"

    @property
    def password(self) -> str:
        """Made with its first start."""
        return (self.home / "password").read_text()

    @override
    def command(self) -> list[str]:
        opened = ("java.base/java.nio", "java.base/java.io", "java.base/sun.nio.ch", "java.base/java.lang")
        return [
            *("java", *self.java, *(f"--add-opens={module}=ALL-UNNAMED" for module in opened)),
            *("-cp", f"{self.library}/*", "org.neo4j.server.CommunityEntryPoint"),
            *(f"--home-dir={self.home}", f"--config-dir={self.home / 'conf'}", "--console-mode"),
        ]

    @override
    async def prepare(self) -> None:
        await super().prepare()
        (self.home / "conf").mkdir(exist_ok=True)
        (self.home / "conf" / "neo4j.conf").write_text(_CONF.format(port=self.port, pages=self.pages))
        if not (self.home / "data").exists():
            known = self.home / "password"
            await asyncio.to_thread(self._set_password, known.read_text() if known.exists() else secrets.token_hex(16))

    @override
    async def answers(self) -> bool:
        """Whether it speaks Bolt: its port is open before it does."""
        try:
            async with asyncio.timeout(1):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                try:
                    writer.write(b"\x60\x60\xb0\x17" + bytes((0, 0, 4, 5)) + bytes(12))
                    return await reader.readexactly(4) == bytes((0, 0, 4, 5))
                finally:
                    writer.close()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return False

    def wipe(self) -> None:
        """Take its data away; its password stays. It must not run."""
        shutil.rmtree(self.home / "data")

    def _set_password(self, password: str) -> None:
        admin = ["java", *self.java, "-cp", f"{self.library}/*", "org.neo4j.server.startup.Neo4jAdminCommand"]
        where = {**self.environment(), "NEO4J_HOME": str(self.home), "NEO4J_CONF": str(self.home / "conf")}
        command = [*admin, "dbms", "set-initial-password", password]
        done = subprocess.run(command, env=where, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CouldNotStart(f"Neo4j took no password: {done.stderr.strip() or done.stdout.strip()}")
        written = self.home / "password"
        written.touch(mode=0o600)
        written.write_text(password)


def library(folder: Path) -> Path:
    """The jars in a folder, fetched by Maven where they are not there yet."""
    jars, done = folder / "lib", folder / f"lib-{_version()}"
    if not done.exists():
        for program in ("java", "mvn"):
            if shutil.which(program) is None:
                raise CouldNotStart(f"Neo4j needs {program}: install a JRE of Java 17 or newer, and Maven.")
        shutil.rmtree(jars, ignore_errors=True)
        fetch = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={jars.absolute()}"]
        fetched = subprocess.run([*fetch, "-DincludeScope=runtime"], capture_output=True, text=True, check=False, timeout=_FETCH_SECONDS)
        if fetched.returncode:
            raise CouldNotStart(f"Maven did not get Neo4j: {fetched.stdout.strip()[-500:]}")
        done.touch()
    return jars


def _version() -> str:
    return POM.read_text().partition("<neo4j>")[2].partition("</neo4j>")[0]


async def _run(folder: Path) -> None:
    server = Neo4jServer(folder, library(folder))
    await server.start()
    sys.stdout.write(
        f"Neo4j answers. Start Atrium with:\n  ATRIUM_NEO4J_URL={server.url} ATRIUM_NEO4J_PASSWORD={server.password} make up\n"
        "Ctrl-C ends it.\n"
    )
    try:
        await server.ended()
    finally:
        await server.stop(within=30)


if __name__ == "__main__":
    try:
        asyncio.run(_run(Path(os.environ.get("ATRIUM_DATA", ".atrium"))))
    except KeyboardInterrupt:
        sys.exit(0)
    except CouldNotStart as problem:
        sys.exit(f"neo4j: {problem}")
