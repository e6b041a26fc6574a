"""The copy that a message holds of its files."""

from datetime import UTC, datetime

import pytest

from services.messages.files import NO_FILES, Files, moved, not_usable
from shared.contracts.attachments.attachments import Attachment, AttachmentChanged, Change, ScanStatus
from shared.contracts.principal import Role
from shared.identifiers import new_id


def attachment(status: ScanStatus = ScanStatus.PENDING) -> Attachment:
    identifier = new_id()
    return Attachment(
        id=identifier,
        thread_id=new_id(),
        message_id=None,
        filename="a.txt",
        url=f"/api/collab/attachments/{identifier}",
        size=5,
        mime_type="text/plain",
        sha256="0" * 64,
        scan_status=status,
        scan_result=None,
        width=None,
        height=None,
        duration=None,
        waveform=None,
        preview_available=False,
        thumbnail_url=None,
        uploaded_by_id=new_id(),
        uploaded_by_role=Role.CLIENT,
        uploaded_by_name="Ada",
        created_at=datetime.now(UTC),
    )


def event(file: Attachment, version: int, change: Change = Change.SCANNED, status: ScanStatus = ScanStatus.CLEAN) -> AttachmentChanged:
    return AttachmentChanged(entity_id=file.id, version=version, change=change, attachment=file.model_copy(update={"scan_status": status}))


def test_a_newer_event_is_told() -> None:
    first, second = attachment(), attachment()
    after = moved(Files([first, second], [1, 4]), event(second, 5))
    assert ([file.scan_status for file in after.attachments], after.versions) == (["pending", "clean"], [1, 5])


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("change", list(Change))
def test_what_is_not_newer_changes_nothing(version: int, change: Change) -> None:
    file = attachment()
    before = Files([file], [4])
    assert moved(before, event(file, version, change)) is before


def test_a_deleted_file_goes_and_does_not_come_back() -> None:
    first, second, third = attachment(), attachment(), attachment()
    after = moved(Files([first, second, third], [1, 2, 3]), event(second, 9, Change.DELETED))
    assert after == Files([first, third], [1, 3])
    assert moved(after, event(second, 10)) is after


def test_what_is_said_of_another_file_changes_nothing() -> None:
    assert moved(NO_FILES, event(attachment(), 1)) is NO_FILES


def test_the_files_of_a_message_say_so() -> None:
    message_id = new_id()
    assert [file.message_id for file in Files([attachment()], [1]).of(message_id)] == [message_id]
    assert NO_FILES.of(message_id) == []


def test_files_that_are_taken_are_named_by_their_place() -> None:
    files = [attachment() for _ in range(3)]
    assert [error.field for error in not_usable(files, {files[0].id, files[2].id}).errors] == ["attachmentIds.0", "attachmentIds.2"]
