"""The settings of the messages service: those of every process."""

from shared.settings import Settings as Settings
