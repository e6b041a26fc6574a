"""The settings of the attachments service."""

from pydantic import Field

from shared.scanning import ScanningSettings


class AttachmentsSettings(ScanningSettings):
    quarantine_days: int = Field(30, ge=0, le=3_650, description="Days after which the bytes of an infected file are deleted.")
