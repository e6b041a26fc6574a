"""What the handlers work with."""

from dataclasses import dataclass, field

from services.graph.drawing.artist import Artist
from services.graph.engines import Engines
from services.graph.owners import Owners
from services.graph.repository.links import Links
from services.graph.repository.overview import Overview


@dataclass(frozen=True, slots=True)
class Service:
    owners: Owners
    links: Links
    overview: Overview
    engines: Engines
    artist: Artist = field(default_factory=Artist)
