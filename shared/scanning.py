"""What processes that scan files, or start the scanner, take from their environment."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from shared.settings import Url
from shared.store.settings import StoreSettings


def _known(url: str | None) -> str | None:
    if url is not None and not url.startswith(("unix:///", "tcp://")):
        raise ValueError("is no unix:///path and no tcp://host:port")
    return url


class ScanningSettings(StoreSettings):
    """Of attachments, which scans, and of `atrium up`, which finds clamd or starts it."""

    clamd_url: Annotated[Url, AfterValidator(_known)] = Field(
        None, description="Where clamd is: `unix:///path` or `tcp://host:port`. Empty: `atrium up` finds one that runs, or starts one."
    )
    clamd_database: Path | None = Field(
        None, description="Folder with the signatures for the clamd that `atrium up` starts. Empty: where the system keeps them."
    )
    scanning: Literal["on", "off"] = Field("on", description="Whether files are scanned. While it is `off`, unscanned files are served.")
