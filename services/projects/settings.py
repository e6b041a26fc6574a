"""The settings of the projects service."""

from shared.settings import ProjectFileSettings


class ProjectsSettings(ProjectFileSettings):
    """It has no others than those that it shares."""
