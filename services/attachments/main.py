"""Builds the attachments service; nothing else does."""

from services.attachments.arrivals import Arrivals
from services.attachments.background import BackgroundWork
from services.attachments.consumers import follow_posts
from services.attachments.handlers import artifacts, attachments, claims, presigned, resumable, scans, uploads
from services.attachments.repository.artifacts import Artifacts
from services.attachments.repository.attachments import Attachments
from services.attachments.repository.claims import Claims
from services.attachments.repository.inspection import Inspection
from services.attachments.repository.links import FORGET_LINKS, Links
from services.attachments.repository.resumable import FORGET_RESUMABLE, ResumableUploads
from services.attachments.repository.staged import StagedUploads
from services.attachments.repository.sweeping import Sweeping
from services.attachments.repository.uploads import Uploads
from services.attachments.service import Service
from services.attachments.settings import AttachmentsSettings
from services.attachments.sweep import Sweep
from shared.application import Dependency
from shared.contracts.attachments.artifacts import DESCRIBE_ARTIFACTS, LIST_ARTIFACTS
from shared.contracts.attachments.attachments import DELETE_ATTACHMENT, LIST_ATTACHMENTS, OPEN_ATTACHMENT, OPEN_PREVIEW
from shared.contracts.attachments.claims import CLAIM_ATTACHMENTS
from shared.contracts.attachments.links import LINK_ATTACHMENT, OPEN_LINK
from shared.contracts.attachments.presigned import BEGIN_PRESIGNED_UPLOAD, FINISH_PRESIGNED_UPLOAD
from shared.contracts.attachments.resumable import (
    COMPLETE_RESUMABLE_UPLOAD,
    CONTINUE_RESUMABLE_UPLOAD,
    CREATE_RESUMABLE_UPLOAD,
    DELETE_RESUMABLE_UPLOAD,
    GET_RESUMABLE_UPLOAD,
    JOIN_PARTS,
    KEEP_PART,
)
from shared.contracts.attachments.scans import LIST_SCANS, RESCAN, SHOW_SCAN
from shared.contracts.attachments.uploads import ABORT_UPLOADS, BEGIN_UPLOAD, FINISH_UPLOADS, FINISH_VOICE
from shared.contracts.subscriptions import ATTACHMENTS_POSTS
from shared.database.history import SYSTEM_ACTOR
from shared.foundation import Foundation
from shared.messaging.consumers import EventConsumers
from shared.messaging.local import Process
from shared.messaging.responder import Responder
from shared.store.opening import store_of
from shared.store.store import Store

NOBODY_ASKED = {"app.actor": SYSTEM_ACTOR}  # scans, and what events of messages do, are told as the service's own doing


class AttachmentsApplication:
    """store: another than the settings name."""

    name = "attachments"

    def __init__(self, settings: AttachmentsSettings, *, process: Process | None = None, store: Store | None = None) -> None:
        forgets = [FORGET_LINKS, FORGET_RESUMABLE]
        self._foundation = foundation = Foundation(self.name, settings, process, background=NOBODY_ASKED, forgets=forgets)
        self._store = store or store_of(settings)
        self._sweep = Sweep(Sweeping(foundation.background), self._store, settings.quarantine_days)
        self._consumers = EventConsumers(self.name, foundation.background, foundation.nats_url, foundation.nats_password)
        self._consumers.react(ATTACHMENTS_POSTS, follow_posts)
        database, poke = foundation.database, foundation.relay.poke
        self._work = BackgroundWork(settings, foundation.background, self._store, poke)

        def came() -> None:
            poke()
            self._work.poke()

        service = Service(
            call=foundation.caller,
            store=self._store,
            arrivals=Arrivals(self._store),
            uploads=Uploads(database, came),
            staged=StagedUploads(database, came),
            resumable=ResumableUploads(database, came),
            attachments=Attachments(database, poke),
            artifacts=Artifacts(database, foundation.background),
            claims=Claims(database),
            links=Links(database),
            scanning=settings.scanning == "on",
            limit=settings.attachment_limit,
        )
        _serve(foundation.responder, service)
        _serve_resumable(foundation.responder, service)
        _serve_operator(foundation.responder, scans.Operated(Inspection(foundation.background, came), self._work.signatures))

    async def start(self) -> None:
        await self._store.open()
        await self._foundation.open()
        self._sweep.start()
        self._work.start()
        await self._consumers.start()
        await self._foundation.serve(self.health)

    async def stop(self) -> None:
        await self._consumers.stop()
        await self._work.stop()
        await self._sweep.stop()
        await self._foundation.close()

    async def health(self) -> dict[str, Dependency]:
        return await self._foundation.health() | {"store": await self._store.health(), "clamd": await self._work.health()}


def _serve(responder: Responder, service: Service) -> None:
    responder.serve(BEGIN_UPLOAD, uploads.begin_upload, service)
    responder.serve(FINISH_UPLOADS, uploads.finish_uploads, service)
    responder.serve(FINISH_VOICE, uploads.finish_voice, service)
    responder.serve(ABORT_UPLOADS, uploads.abort_uploads, service)
    responder.serve(BEGIN_PRESIGNED_UPLOAD, presigned.begin_presigned_upload, service)
    responder.serve(FINISH_PRESIGNED_UPLOAD, presigned.finish_presigned_upload, service)
    responder.serve(LIST_ATTACHMENTS, attachments.list_attachments, service)
    responder.serve(OPEN_ATTACHMENT, attachments.open_attachment, service)
    responder.serve(OPEN_PREVIEW, attachments.open_preview, service)
    responder.serve(LINK_ATTACHMENT, attachments.link_attachment, service)
    responder.serve_anonymous(OPEN_LINK, attachments.open_link, service)
    responder.serve(DELETE_ATTACHMENT, attachments.delete_attachment, service)
    responder.serve(CLAIM_ATTACHMENTS, claims.claim_attachments, service)
    responder.serve(DESCRIBE_ARTIFACTS, artifacts.describe_artifacts, service)
    responder.serve_anonymous(LIST_ARTIFACTS, artifacts.list_artifacts, service)


def _serve_resumable(responder: Responder, service: Service) -> None:
    responder.serve(CREATE_RESUMABLE_UPLOAD, resumable.create_resumable_upload, service)
    responder.serve(GET_RESUMABLE_UPLOAD, resumable.get_resumable_upload, service)
    responder.serve(CONTINUE_RESUMABLE_UPLOAD, resumable.continue_resumable_upload, service)
    responder.serve(KEEP_PART, resumable.keep_part, service)
    responder.serve(JOIN_PARTS, resumable.join_parts, service)
    responder.serve(COMPLETE_RESUMABLE_UPLOAD, resumable.complete_resumable_upload, service)
    responder.serve(DELETE_RESUMABLE_UPLOAD, resumable.delete_resumable_upload, service)


def _serve_operator(responder: Responder, operated: scans.Operated) -> None:
    responder.serve_anonymous(LIST_SCANS, scans.list_scans, operated)
    responder.serve_anonymous(SHOW_SCAN, scans.show_scan, operated)
    responder.serve_anonymous(RESCAN, scans.rescan, operated)


def build(process: Process | None = None) -> AttachmentsApplication:
    return AttachmentsApplication(AttachmentsSettings(), process=process)
