"""What processes that read or write stored bytes take from their environment."""

from typing import Annotated

from pydantic import AfterValidator, Field

from shared.settings import Settings, Url

MEBIBYTE = 1024 * 1024
MOST_SCANNED = 2_000 * MEBIBYTE  # clamd looks at no file above 2 GiB
SCHEMES = ("file://", "s3://")


def _known(url: str) -> str:
    if not url.startswith(SCHEMES) or not url.partition("://")[2]:
        raise ValueError("is no file:///folder and no s3://bucket")
    return url


class StoreSettings(Settings):
    """Of the gateway, which streams, and of attachments, which scans and sweeps."""

    store: Annotated[str, AfterValidator(_known)] | None = Field(
        None, description="Where files are kept: `file:///folder` or `s3://bucket`. Empty: the folder `store` in ATRIUM_DATA."
    )
    attachment_limit: int = Field(5 * MEBIBYTE, ge=1, le=MOST_SCANNED, description="Bytes that one uploaded file may have.")
    s3_endpoint: Url = Field(None, description="Address of an S3 server that is not Amazon's, as `https://host:port`.")
    s3_public_endpoint: Url = Field(
        None, description="The same as clients reach it, for addresses that are given to them. Empty: ATRIUM_S3_ENDPOINT."
    )
    s3_region: str = Field("us-east-1", description="Region of the bucket.")
    s3_access_key: Url = Field(None, description="Access key of the S3 server.")
    s3_secret_key: Url = Field(None, description="Secret key of the S3 server.")
    s3_encryption: Url = Field(
        None, description="Encryption of new objects by the S3 server: `AES256`, `aws:kms`. Empty: the bucket's own."
    )
