"""The settings of the projects service."""

from pydantic import Field

from shared.settings import Settings


class ProjectsSettings(Settings):
    project_file_limit: int = Field(
        524_288, ge=1, le=1_000_000, description="Bytes that a project's file may have; a request's body has 1 MiB at most."
    )
