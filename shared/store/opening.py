"""Which store the settings name."""

from pathlib import Path

from shared.application import CannotStart
from shared.store.local import FolderStore
from shared.store.settings import StoreSettings
from shared.store.store import Store


def store_of(settings: StoreSettings) -> Store:
    """Raises `CannotStart` where a setting is missing or wrong; `Store.open` says whether it can be used."""
    if settings.store is None:
        return FolderStore(settings.data / "store")
    scheme, _, where = settings.store.partition("://")
    if scheme == "s3":
        from shared.store.s3 import BucketStore  # its SDKs take half a second that a folder does not need

        return BucketStore(where.strip("/"), settings)
    if not where.startswith("/"):
        raise CannotStart(f"ATRIUM_STORE={settings.store} names no absolute folder: write file:///folder.")
    return FolderStore(Path(where))
