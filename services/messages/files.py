"""The rules of messages' files: no I/O, no clock, no SQL.

A message holds a copy of what attachments says of its files, so that pages are one statement. The copy decides nothing: whoever opens a
file asks attachments. That a file is in one message, once, is decided here, by keys that posts leave under their thread's lock.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from shared.contracts.attachments.attachments import Attachment, AttachmentChanged, Change
from shared.contracts.attachments.claims import AttachmentIsNotUsable
from shared.contracts.refusals import FieldError

TAKEN = "attachment"
"""The name under which a message keeps that it has a file; no client names its own keys in the scope of a file."""


@dataclass(frozen=True, slots=True)
class Files:
    """A message's files, and of which version each is told."""

    attachments: Sequence[Attachment]
    versions: Sequence[int]

    def of(self, message_id: UUID) -> list[Attachment]:
        return [attachment.model_copy(update={"message_id": message_id}) for attachment in self.attachments]


NO_FILES = Files((), ())


def not_usable(attachments: Sequence[Attachment], taken: set[UUID]) -> AttachmentIsNotUsable:
    """The refusal of a post some of whose files are in a message already."""
    return AttachmentIsNotUsable(
        errors=[
            FieldError(field=f"attachmentIds.{place}", code="not_usable", detail="It is in a message already.")
            for place, attachment in enumerate(attachments)
            if attachment.id in taken
        ]
    )


def moved(files: Files, event: AttachmentChanged) -> Files:
    """The copy as an event leaves it: never older, without what is deleted, and the same where it says nothing new."""
    for place, (attachment, version) in enumerate(zip(files.attachments, files.versions, strict=True)):
        if attachment.id == event.entity_id and version < event.version:
            return _without(files, place) if event.change is Change.DELETED else _with(files, place, event)
    return files


def _with(files: Files, place: int, event: AttachmentChanged) -> Files:
    attachments, versions = list(files.attachments), list(files.versions)
    attachments[place], versions[place] = event.attachment, event.version
    return replace(files, attachments=attachments, versions=versions)


def _without(files: Files, place: int) -> Files:
    return Files([*files.attachments[:place], *files.attachments[place + 1 :]], [*files.versions[:place], *files.versions[place + 1 :]])
