"""What holds over a restart of the service."""

import math
from uuid import UUID

from services.threads.main import ThreadsApplication
from services.threads.settings import Settings
from shared.contracts.principal import Principal
from shared.contracts.threads.threads import OPEN_THREAD, OpenThread
from shared.messaging.caller import Caller
from shared.messaging.context import Context, current_context
from tests.servers import Servers
from tests.service.threads.conftest import People


async def test_a_key_is_known_after_a_restart(servers: Servers, people: People) -> None:
    current_context.set(Context(math.inf, "", "", "a key"))
    first = await opened_by_a_new_process(servers, people.agent)
    assert await opened_by_a_new_process(servers, people.agent) == first


async def opened_by_a_new_process(servers: Servers, caller: Principal) -> UUID:
    application = ThreadsApplication(Settings(data=servers.data, postgres_url=servers.postgres_url, nats_url=servers.nats_url))
    await application.start()
    gateway = Caller("gateway")
    await gateway.open(servers.nats_url, servers.credentials.nats["gateway"])
    try:
        thread = await gateway(OPEN_THREAD, OpenThread.model_validate({"kind": "group", "title": "Trip"}), caller)
    finally:
        await gateway.close()
        await application.stop()
    return thread.id
