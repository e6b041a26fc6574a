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
    upload_memory: int = Field(
        134_217_728,
        ge=33_554_432,
        description="Bytes that one gateway holds of files on their way; further uploads wait.",
    )
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
    connections_per_user: int = Field(20, ge=0, description="Live connections that one user may have to one gateway; 0 is no limit.")
    away_after: float = Field(600, gt=0, description="Seconds without a word on a socket after which its user is away.")
    redis_channels: bool = Field(False, description="Whether what happens in projects is mirrored into the Redis channels of spec 4.")
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
    socket_frame_bytes: int = Field(262_144, ge=1_024, description="Bytes that one message over a WebSocket may have, once inflated.")
    socket_frames_per_second: int = Field(50, ge=1, description="Frames that a WebSocket takes in a second; four times as many at once.")
    socket_bytes_per_second: int = Field(
        262_144, ge=1_024, description="Bytes that a WebSocket takes in a second; four times as many at once"
    )
    socket_buffer: int = Field(1_048_576, ge=65_536, description="Bytes that wait for a live connection whose client does not read.")
    socket_compression: bool = Field(False, description="Whether WebSockets that ask for permessage-deflate get it.")

    @property
    def origins(self) -> list[str]:
        """Of browser apps that may call the API."""
        return [origin.strip() for origin in self.cors_origins.split(",") if origin.strip()]
