"""What the handlers work with."""

from dataclasses import dataclass

from services.projects.people import People
from services.projects.repository.access import Accesses
from services.projects.repository.artifacts import Artifacts
from services.projects.repository.board import Boards
from services.projects.repository.columns import Columns
from services.projects.repository.files import Files
from services.projects.repository.history import History
from services.projects.repository.members import Members
from services.projects.repository.moves import Moves
from services.projects.repository.pages import Pages
from services.projects.repository.projects import Projects
from services.projects.repository.tasks import Tasks
from services.projects.threads import ProjectThreads


@dataclass(frozen=True, slots=True)
class Service:
    """What the handlers work with."""

    accesses: Accesses
    projects: Projects
    members: Members
    columns: Columns
    tasks: Tasks
    moves: Moves
    boards: Boards
    files: Files
    pages: Pages
    history: History
    artifacts: Artifacts
    people: People
    threads: ProjectThreads
    file_limit: int
