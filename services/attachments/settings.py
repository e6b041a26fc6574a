"""The settings of the attachments service."""

from pydantic import Field

from services.attachments.scanning.clamd import SCAN_WITHIN
from shared.scanning import ScanningSettings


class AttachmentsSettings(ScanningSettings):
    scan_timeout: float = Field(SCAN_WITHIN, gt=0, description="Seconds that clamd may take for one file, more than its MaxScanTime.")
    quarantine_days: int = Field(30, ge=0, le=3_650, description="Days after which the bytes of an infected file are deleted.")
