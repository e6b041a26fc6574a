"""What every process of Atrium reads from its environment (docs/operations.md has the table)."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

# An env file that leaves a variable empty means "not set".
Url = Annotated[str | None, BeforeValidator(lambda value: value or None)]


class Settings(BaseSettings):
    """Shared by all processes; a service adds its own in its `settings.py`."""

    model_config = SettingsConfigDict(env_prefix="ATRIUM_", env_ignore_empty=True, frozen=True, extra="ignore")

    data: Path = Field(Path(".atrium"), description="Folder of the embedded servers' data and of the generated passwords.")
    postgres_url: Url = Field(None, description="An outside PostgreSQL; its user must be able to make roles. Empty: the embedded one.")
    nats_url: Url = Field(None, description="An outside NATS with JetStream. Empty: the embedded one.")
    redis_url: Url = Field(None, description="An outside Valkey or Redis. Empty: the embedded one.")
    postgres_password: Url = Field(None, description="Password of this service's database role. Empty: from the data folder.")
    postgres_background_password: Url = Field(
        None, description="Password of this service's database role for background work. Empty: from the data folder."
    )
    nats_password: Url = Field(None, description="Password of this service's NATS user. Empty: from the data folder.")
    metrics_host: str = Field("127.0.0.1", description="Address that a process serves its own /healthz, /readyz and /metrics on.")
    metrics_port: int = Field(0, ge=0, le=65_535, description="Port of the same; 0 takes any free one.")
    events_retention_days: int = Field(7, ge=1, le=365, description="How long the stream keeps events for clients to resume from.")
    events_duplicate_window: float = Field(
        120, ge=0.1, le=3_600, description="Seconds in which JetStream drops an event that it has already."
    )
    requests_in_flight: int = Field(1_000, ge=1, description="Requests that one service works on at once; more are refused with 503.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least level that is logged.")
    otlp_endpoint: Url = Field(None, description="OpenTelemetry collector (OTLP over HTTP) for traces. Empty: off.")


class ProjectFileSettings(Settings):
    """Of projects, which keeps a project's files, and of the gateway, which tells how large they may be."""

    project_file_limit: int = Field(
        524_288, ge=1, le=1_000_000, description="Bytes that a project's file may have; a request's body has 1 MiB at most."
    )
