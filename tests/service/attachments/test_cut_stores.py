"""The service is cut off from the bucket, by a proxy before that, while clients are not."""

from uuid import UUID

import pytest

from shared.contracts.principal import Principal
from shared.store.store import StoreIsAway
from tests.proxies import Proxy, naming
from tests.service.attachments.conftest import Service
from tests.service.attachments.presigned import CONTENT, begun, check_that_all_is_whole, content_of, finish, kept, much_later, rows
from tests.stores import S3Server

pytestmark = pytest.mark.parametrize("where", ["bucket"], indirect=True, scope="module")


@pytest.fixture(scope="module")
def differing(proxy: Proxy, s3: S3Server) -> dict[str, str]:
    return {"s3_endpoint": proxy.url, "s3_public_endpoint": s3.endpoint}


@pytest.mark.parametrize("words", [b"HEAD /", b"x-amz-copy-source", b"GET /"])
@pytest.mark.parametrize("way", ["cut_when", "lose_when"])
async def test_finishing_that_is_cut_off_from_the_bucket_is_done_again(
    words: bytes, way: str, attachments: Service, proxy: Proxy, thread: UUID, agent: Principal
) -> None:
    before = await kept(attachments)
    upload = await begun(attachments, thread, agent)
    setattr(proxy, way, naming(words))
    with pytest.raises(StoreIsAway):
        await finish(attachments, thread, agent, upload)
    proxy.cut_when = proxy.lose_when = None
    assert (await rows(attachments, thread))[0] == 0
    made = await finish(attachments, thread, agent, upload)
    assert await content_of(attachments, made) == CONTENT
    await much_later(attachments, thread)
    await check_that_all_is_whole(attachments, thread, 1, before)
