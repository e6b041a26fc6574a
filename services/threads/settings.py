"""The settings of the threads service: those of every process."""

from shared.settings import Settings as Settings
