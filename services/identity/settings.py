"""The settings of the identity service."""

from typing import Literal

from pydantic import Field

from shared.settings import Settings, Url


class IdentitySettings(Settings):
    registration: Literal["open", "closed"] = Field(
        "open", description="Whether anyone may register. `closed`: accounts are made by `atrium users create`."
    )
    smtp_url: Url = Field(
        None, description="Mail server, smtp://user:password@host:587 or smtps://…:465. Empty: no mail; `atrium users link` prints links."
    )
    mail_from: str = Field("Atrium <atrium@localhost>", description="From whom mails are.")
    public_url: str = Field(
        "http://127.0.0.1:8080", description="Where people find the app that Atrium is behind; mailed links lead there."
    )
