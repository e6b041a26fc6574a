"""A real S3 server for tests."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import override

from shared.embedded.program import Program
from tests.installed import installed
from tests.processes import HOST, free_port

ACCESS_KEY, SECRET_KEY = "atrium-tests", "a secret of the tests alone"


class S3Server(Program):
    """versitygw over a folder, where each object is a file of a bucket's folder."""

    name = "versitygw"

    def __init__(self, folder: Path) -> None:
        self.log = folder / "s3.log"
        self.objects, self._port = folder / "objects", free_port()
        self._program = s3_program()

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self._port}"

    def settings(self, bucket: str) -> dict[str, str]:
        return {"store": f"s3://{bucket}", "s3_endpoint": self.endpoint, "s3_access_key": ACCESS_KEY, "s3_secret_key": SECRET_KEY}

    def command(self) -> list[str]:
        return [self._program, "--port", f"{HOST}:{self._port}", "--quiet", "posix", str(self.objects)]

    def environment(self) -> Mapping[str, str]:
        return {**super().environment(), "ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": SECRET_KEY}

    @override
    async def prepare(self) -> None:
        await super().prepare()
        self.objects.mkdir(parents=True, exist_ok=True)

    @override
    async def answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(HOST, self._port)
        except OSError:
            return False
        writer.close()
        return True


def s3_program() -> str:
    return installed("versitygw", "go install github.com/versity/versitygw/cmd/versitygw@v1.8.0")
