"""The mirror that the settings name: apart from what runs without one, which does without Neo4j's driver."""

from services.graph.mirror.connection import Neo4j
from services.graph.mirror.hops import MirrorHops
from services.graph.mirror.worker import Keeper
from services.graph.repository.mirror import MirrorSource
from services.graph.settings import GraphSettings
from shared.application import CannotStart
from shared.foundation import Foundation


def mirror_of(url: str, settings: GraphSettings, foundation: Foundation) -> tuple[Keeper, MirrorHops]:
    """Who keeps it, and how it is asked. Raises `CannotStart`."""
    try:
        neo4j = Neo4j(url, settings.neo4j_user, settings.neo4j_password)
    except ValueError as error:
        raise CannotStart(f"ATRIUM_NEO4J_URL is not the address of a Neo4j: {error}") from error
    keeper = Keeper(foundation.background_url, neo4j, MirrorSource(foundation.background))
    return keeper, MirrorHops(neo4j, keeper, foundation.database)
