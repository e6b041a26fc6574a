"""Builds the graph service; nothing else does."""

from typing import TYPE_CHECKING

from services.graph.consumers import learn
from services.graph.drawing.artist import Artist
from services.graph.ending import Ending
from services.graph.engines import Engines, Mirrored
from services.graph.filling import Filling
from services.graph.handlers import links, overview, pictures, reads
from services.graph.owners import Owners
from services.graph.repository.endings import Endings
from services.graph.repository.fills import Fills
from services.graph.repository.hops import SqlHops
from services.graph.repository.links import Links
from services.graph.repository.overview import Overview
from services.graph.service import Service
from services.graph.settings import GraphSettings
from shared.application import Dependency
from shared.contracts.graph.links import (
    CHECK_LINK_ENDS,
    GET_PROJECT_LINK,
    GET_THREAD_LINK,
    LINK_IN_PROJECT,
    LINK_IN_THREAD,
    LIST_PROJECT_LINKS,
    LIST_THREAD_LINKS,
    UNLINK_IN_PROJECT,
    UNLINK_IN_THREAD,
)
from shared.contracts.graph.pictures import DRAW_PROJECT_GRAPH
from shared.contracts.graph.reads import FIND_PATH, GET_IMPACT, GET_PROJECT_GRAPH, GET_RELATED, LIST_ORPHANS
from shared.contracts.subscriptions import GRAPH_ARTIFACTS
from shared.database.history import SYSTEM_ACTOR
from shared.foundation import Foundation
from shared.messaging.caller import Caller
from shared.messaging.consumers import EventConsumers
from shared.messaging.local import Process
from shared.messaging.responder import Responder

if TYPE_CHECKING:
    from services.graph.mirror.worker import Keeper

NOBODY_ASKED = {"app.actor": SYSTEM_ACTOR}  # links that come by themselves are the service's own doing


class GraphApplication:
    name = "graph"

    def __init__(self, settings: GraphSettings, *, process: Process | None = None) -> None:
        self._foundation = foundation = Foundation(self.name, settings, process, background=NOBODY_ASKED)
        self._consumers = EventConsumers(self.name, foundation.background, foundation.nats_url, foundation.nats_password)
        self._consumers.react(GRAPH_ARTIFACTS, learn)
        self._filling = Filling(foundation.caller, Fills(foundation.background))
        self._ending = Ending(Endings(foundation.background))
        self._keeper: Keeper | None = None
        owners = Owners(foundation.caller)
        service = Service(
            owners=owners,
            links=Links(foundation.database, foundation.relay.poke),
            overview=Overview(foundation.database),
            engines=Engines(owners, SqlHops(foundation.database), self._mirrored(settings)),
            artist=Artist(),
        )
        _serve(foundation.responder, service)

    def _mirrored(self, settings: GraphSettings) -> Mirrored | None:
        if settings.neo4j_url is None:
            return None
        from services.graph.mirror.opening import mirror_of  # its driver takes a third of a second that PostgreSQL alone does not need

        self._keeper, hops = mirror_of(settings.neo4j_url, settings, self._foundation)
        return hops

    @property
    def caller(self) -> Caller:
        return self._foundation.caller

    @property
    def mirror_is_near(self) -> bool:
        """Whether reads ask the mirror now."""
        return self._keeper is not None and self._keeper.is_near()

    async def start(self) -> None:
        await self._foundation.open()
        if self._keeper is not None:
            self._keeper.start()
        await self._consumers.start()
        self._filling.start()
        self._ending.start()
        await self._foundation.serve(self.health)

    async def stop(self) -> None:
        await self._consumers.stop()
        await self._filling.stop()
        await self._ending.stop()
        if self._keeper is not None:
            await self._keeper.stop()
        await self._foundation.close()

    async def health(self) -> dict[str, Dependency]:
        mirror = {"neo4j": self._keeper.health()} if self._keeper is not None else {}
        return await self._foundation.health() | mirror


def _serve(responder: Responder, service: Service) -> None:
    responder.serve(LINK_IN_PROJECT, links.link_in_project, service)
    responder.serve(LINK_IN_THREAD, links.link_in_thread, service)
    responder.serve(LIST_PROJECT_LINKS, links.list_project_links, service)
    responder.serve(LIST_THREAD_LINKS, links.list_thread_links, service)
    responder.serve(GET_PROJECT_LINK, links.get_project_link, service)
    responder.serve(GET_THREAD_LINK, links.get_thread_link, service)
    responder.serve(UNLINK_IN_PROJECT, links.unlink_in_project, service)
    responder.serve(UNLINK_IN_THREAD, links.unlink_in_thread, service)
    responder.serve(CHECK_LINK_ENDS, links.check_link_ends, service)
    responder.serve(GET_RELATED, reads.get_related, service)
    responder.serve(GET_IMPACT, reads.get_impact, service)
    responder.serve(FIND_PATH, reads.find_path, service)
    responder.serve(GET_PROJECT_GRAPH, overview.get_project_graph, service)
    responder.serve(DRAW_PROJECT_GRAPH, pictures.draw_project_graph, service)
    responder.serve(LIST_ORPHANS, overview.list_orphans, service)


def build(process: Process | None = None) -> GraphApplication:
    return GraphApplication(GraphSettings(), process=process)
