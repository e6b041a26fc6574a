"""The settings of the gateway."""

from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, Field

from shared.settings import ProjectFileSettings
from shared.store.settings import StoreSettings


def _are_networks(value: str) -> str:
    """A host's name would be compared with addresses and never match; `*` would let every client say where it comes from."""
    for network in filter(None, (part.strip() for part in value.split(","))):
        ip_network(network)
    return value


class GatewaySettings(StoreSettings, ProjectFileSettings):
    """A limit of 0 is no limit."""

    host: str = Field("127.0.0.1", description="Address that the gateway listens on.")
    port: int = Field(8080, ge=1, le=65_535, description="Port that the gateway listens on.")
    processes: int = Field(1, ge=1, le=64, description="Processes that `atrium up` runs, each with the gateway and all services.")
    shared_port: bool = Field(False, description="Whether several gateways of this machine listen on the port together.")
    messages_per_minute: int = Field(60, ge=0, description="Messages that one user may post in a minute; 0 is no limit.")
    uploads_per_minute: int = Field(10, ge=0, description="Files that one user may upload in a minute; 0 is no limit.")
    upload_timeout: float = Field(900, gt=0, description="Seconds that one request with files may take in all.")
    attachment_redirects: bool = Field(
        False, description="Whether downloads are redirected to the S3 server by addresses that it takes for a minute."
    )
    requests_per_minute: int = Field(
        1_200, ge=0, description="Requests to all other routes that one user may make in a minute; 0 is no limit."
    )
    anonymous_per_minute: int = Field(
        1_200, ge=0, description="Requests that one address may make in a minute without being signed in; 0 is no limit."
    )
    workspace_messages_per_minute: int = Field(0, ge=0, description="Messages that all of a workspace may post in a minute; 0 is no limit.")
    workspace_requests_per_minute: int = Field(
        0, ge=0, description="Requests to all other routes that all of a workspace may make in a minute; 0 is no limit."
    )
    cors_origins: str = Field("", description="Origins of browser apps that may call the API, with commas between; empty: none.")
    sign_ins_per_minute: int = Field(
        20, ge=0, description="Sign-ins and registrations with one email from one address in a minute; 0 is no limit."
    )
    address_sign_ins_per_minute: int = Field(
        100, ge=0, description="Sign-ins, registrations and asked resets from one address in a minute; 0 is no limit."
    )
    account_sign_ins_per_minute: int = Field(
        40, ge=0, description="Sign-ins with one email from all addresses in a minute, those aside that it is known at; 0 is no limit."
    )
    trusted_proxies: Annotated[str, AfterValidator(_are_networks)] = Field(
        "", description="Proxies whose X-Forwarded-For is believed: addresses and networks (CIDR), with commas between; empty: none."
    )
