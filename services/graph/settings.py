"""The settings of the graph service."""

from pydantic import Field

from shared.settings import Settings, Url


class GraphSettings(Settings):
    neo4j_url: Url = Field(None, description="Neo4j that the links are mirrored into, as `bolt://host:7687`. Empty: there is no mirror.")
    neo4j_user: str = Field("neo4j", description="The user of Neo4j.")
    neo4j_password: str = Field("", description="The password of Neo4j's user.")
