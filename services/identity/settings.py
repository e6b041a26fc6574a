"""The settings of the identity service."""

from typing import Literal

from pydantic import Field

from shared.settings import Settings


class IdentitySettings(Settings):
    registration: Literal["open", "closed"] = Field(
        "open", description="Whether anyone may register. `closed`: accounts are made by `atrium users create`."
    )
