"""What the store holds against what the rows know of it, at once and not an hour later."""

from services.attachments.repository.ledger import Ledger
from services.attachments.sweep import preview_key
from tests.service.attachments.conftest import Service
from tests.service.attachments.presigned import kept

_NEEDED = "SELECT id, storage_key, preview_widths FROM attachments.attachments WHERE deleted_at IS NULL AND purged_at IS NULL"


async def all_adds_up(service: Service) -> None:
    """No object is without its row, and no row without its object or a preview that it names."""
    there = await kept(service)
    assert await Ledger(service.background).unknown(sorted(there)) == set()
    rows = await service.database.fetch(_NEEDED)
    needed = {row["storage_key"] for row in rows}
    assert needed | {preview_key(row["id"], width) for row in rows for width in row["preview_widths"]} <= there
