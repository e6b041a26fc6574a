"""Builds the projects service; nothing else does."""

from services.projects.handlers import access, artifacts, audience, board, files, history, members, pages, projects, tasks
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
from services.projects.service import Service
from services.projects.settings import ProjectsSettings
from services.projects.threads import ProjectThreads
from shared.application import Dependency
from shared.contracts.projects.access import CHECK_PROJECT_ACCESS
from shared.contracts.projects.artifacts import DESCRIBE_ARTIFACTS, LIST_ARTIFACTS, LIST_PROJECT_THREADS
from shared.contracts.projects.audience import CHECK_PROJECT_AUDIENCE
from shared.contracts.projects.columns import CHANGE_COLUMN, CREATE_COLUMN, DELETE_COLUMN, GET_COLUMN, LIST_COLUMNS
from shared.contracts.projects.files import (
    CHANGE_FILE,
    CREATE_FILE,
    DELETE_FILE,
    GET_FILE,
    LIST_FILE_VERSIONS,
    LIST_FILES,
    MOVE_FILES,
)
from shared.contracts.projects.history import GET_PROJECT_HISTORY
from shared.contracts.projects.members import (
    ADD_PROJECT_MEMBER,
    CHANGE_PROJECT_MEMBER,
    GET_PROJECT_MEMBER,
    LIST_PROJECT_MEMBERS,
    REMOVE_PROJECT_MEMBER,
)
from shared.contracts.projects.pages import CHANGE_SITE_PAGE, CREATE_SITE_PAGE, DELETE_SITE_PAGE, GET_SITE_PAGE, LIST_SITE_PAGES
from shared.contracts.projects.projects import CHANGE_PROJECT, CREATE_PROJECT, DELETE_PROJECT, GET_PROJECT, LIST_PROJECTS
from shared.contracts.projects.tasks import CHANGE_TASK, CREATE_TASK, DELETE_TASK, GET_BOARD, GET_TASK, LIST_TASKS, MOVE_TASK
from shared.database.turns import Turns
from shared.foundation import Foundation
from shared.messaging.local import Process
from shared.messaging.responder import Responder


class ProjectsApplication:
    name = "projects"

    def __init__(self, settings: ProjectsSettings, *, process: Process | None = None) -> None:
        self._foundation = foundation = Foundation(self.name, settings, process)
        database, poke = foundation.database, foundation.relay.poke
        turns = Turns()
        service = Service(
            accesses=Accesses(database),
            projects=Projects(database, poke, turns),
            members=Members(database, poke, turns),
            columns=Columns(database, poke, turns),
            tasks=Tasks(database, poke, turns),
            moves=Moves(database, poke),
            boards=Boards(database),
            files=Files(database, poke, turns),
            pages=Pages(database, poke, turns),
            history=History(database),
            artifacts=Artifacts(database, foundation.background),
            people=People(foundation.caller),
            threads=ProjectThreads(foundation.caller),
            file_limit=settings.project_file_limit,
        )
        _serve_projects(foundation.responder, service)
        _serve_board(foundation.responder, service)
        _serve_files(foundation.responder, service)
        _serve_pages(foundation.responder, service)

    async def start(self) -> None:
        await self._foundation.open()
        await self._foundation.serve()

    async def stop(self) -> None:
        await self._foundation.close()

    async def health(self) -> dict[str, Dependency]:
        return await self._foundation.health()


def _serve_projects(responder: Responder, service: Service) -> None:
    responder.serve_together(CHECK_PROJECT_ACCESS, access.check_project_access, service)
    responder.serve_anonymous(CHECK_PROJECT_AUDIENCE, audience.check_project_audience, service)
    responder.serve(DESCRIBE_ARTIFACTS, artifacts.describe_artifacts, service)
    responder.serve_anonymous(LIST_ARTIFACTS, artifacts.list_artifacts, service)
    responder.serve_anonymous(LIST_PROJECT_THREADS, artifacts.list_project_threads, service)
    responder.serve(GET_PROJECT_HISTORY, history.get_project_history, service)
    responder.serve(CREATE_PROJECT, projects.create_project, service)
    responder.serve(GET_PROJECT, projects.get_project, service)
    responder.serve(LIST_PROJECTS, projects.list_projects, service)
    responder.serve(CHANGE_PROJECT, projects.change_project, service)
    responder.serve(DELETE_PROJECT, projects.delete_project, service)
    responder.serve(LIST_PROJECT_MEMBERS, members.list_project_members, service)
    responder.serve(GET_PROJECT_MEMBER, members.get_project_member, service)
    responder.serve(ADD_PROJECT_MEMBER, members.add_project_member, service)
    responder.serve(CHANGE_PROJECT_MEMBER, members.change_project_member, service)
    responder.serve(REMOVE_PROJECT_MEMBER, members.remove_project_member, service)


def _serve_board(responder: Responder, service: Service) -> None:
    responder.serve(GET_BOARD, board.get_board, service)
    responder.serve(LIST_COLUMNS, board.list_columns, service)
    responder.serve(GET_COLUMN, board.get_column, service)
    responder.serve(CREATE_COLUMN, board.create_column, service)
    responder.serve(CHANGE_COLUMN, board.change_column, service)
    responder.serve(DELETE_COLUMN, board.delete_column, service)
    responder.serve(LIST_TASKS, tasks.list_tasks, service)
    responder.serve(GET_TASK, tasks.get_task, service)
    responder.serve(CREATE_TASK, tasks.create_task, service)
    responder.serve(CHANGE_TASK, tasks.change_task, service)
    responder.serve(MOVE_TASK, tasks.move_task, service)
    responder.serve(DELETE_TASK, tasks.delete_task, service)


def _serve_files(responder: Responder, service: Service) -> None:
    responder.serve(LIST_FILES, files.list_files, service)
    responder.serve(GET_FILE, files.get_file, service)
    responder.serve(LIST_FILE_VERSIONS, files.list_file_versions, service)
    responder.serve(CREATE_FILE, files.create_file, service)
    responder.serve(CHANGE_FILE, files.change_file, service)
    responder.serve(DELETE_FILE, files.delete_file, service)
    responder.serve(MOVE_FILES, files.move_files, service)


def _serve_pages(responder: Responder, service: Service) -> None:
    responder.serve(LIST_SITE_PAGES, pages.list_site_pages, service)
    responder.serve(GET_SITE_PAGE, pages.get_site_page, service)
    responder.serve(CREATE_SITE_PAGE, pages.create_site_page, service)
    responder.serve(CHANGE_SITE_PAGE, pages.change_site_page, service)
    responder.serve(DELETE_SITE_PAGE, pages.delete_site_page, service)


def build(process: Process | None = None) -> ProjectsApplication:
    return ProjectsApplication(ProjectsSettings(), process=process)
