"""What processes that scan files, or start the scanner, take from their environment."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from shared.settings import Settings, Url

MEBIBYTE = 1024 * 1024
MOST_SCANNED = 2_000 * MEBIBYTE  # clamd looks at no file above 2 GiB


def _known(url: str | None) -> str | None:
    if url is not None and not url.startswith(("unix:///", "tcp://")):
        raise ValueError("is no unix:///path and no tcp://host:port")
    return url


class ScanningSettings(Settings):
    """Of attachments, which scans, and of `atrium up`, which finds clamd or starts it."""

    clamd_url: Annotated[Url, AfterValidator(_known)] = Field(
        None, description="Where clamd is: `unix:///path` or `tcp://host:port`. Empty: `atrium up` finds one that runs, or starts one."
    )
    clamd_database: Path | None = Field(
        None, description="Folder with the signatures for the clamd that `atrium up` starts. Empty: where the system keeps them."
    )
    scanning: Literal["on", "off"] = Field("on", description="Whether files are scanned. While it is `off`, unscanned files are served.")
    attachment_limit: int = Field(5 * MEBIBYTE, ge=1, le=MOST_SCANNED, description="Bytes of the largest file that is taken.")
