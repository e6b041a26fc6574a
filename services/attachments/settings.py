"""The settings of the attachments service."""

from typing import Literal

from pydantic import Field

from shared.store.settings import StoreSettings


class AttachmentsSettings(StoreSettings):
    scanning: Literal["on", "off"] = Field(
        "on", description="`off`: files are not scanned, say so wherever they are shown, and are served all the same."
    )
    quarantine_days: int = Field(30, ge=0, le=3_650, description="Days after which the bytes of an infected file are deleted.")
