"""Mail: put into the queue with the change that it tells of, sent once the server takes it."""

import asyncio
from collections.abc import AsyncIterator
from email.utils import parseaddr
from typing import Any

import pytest
import pytest_asyncio
from pydantic import SecretStr

from services.identity.main import IdentityApplication
from services.identity.postman import DELAYS, MAILS
from services.identity.settings import IdentitySettings
from shared.application import CannotStart
from shared.contracts.identity.accounts import REQUEST_RESET, REQUEST_VERIFICATION, RequestReset, RequestVerification
from shared.contracts.identity.invitations import (
    CREATE_INVITATION,
    LIST_INVITATIONS,
    CreateInvitation,
    ListInvitations,
    MailboxGotEnough,
)
from shared.contracts.identity.sessions import REGISTER_USER, RegisterUser, SignedIn
from shared.contracts.identity.users import EmailIsTaken
from shared.contracts.principal import Principal
from shared.messaging.caller import Caller
from tests.mailserver import MailServer, link_in
from tests.servers import Servers
from tests.service.identity.conftest import Admin, AuthorizeSession, running_identity

ADA, BOB = "ada@example.org", "bob@example.org"


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[MailServer]:
    server = MailServer()
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def identity(servers: Servers, database: Admin, server: MailServer) -> AsyncIterator[IdentityApplication]:
    """With a mail server."""
    async with running_identity(
        servers, smtp_url=server.url, public_url="https://app.example.org/", mail_from="Atrium <hi@example.org>"
    ) as it:
        yield it


async def register(call: Caller, email: str = ADA) -> SignedIn:
    return await call(REGISTER_USER, RegisterUser(email=email, password=SecretStr("correct horse"), name="Ada"), None)


async def letter(database: Admin, condition: str) -> dict[str, Any]:
    """The one letter, once it is as the condition says."""
    async with asyncio.timeout(15):
        while (row := await database.fetchrow(f"SELECT * FROM mail_queue WHERE {condition}")) is None:
            await asyncio.sleep(0.02)
    return dict(row)


async def make_due(database: Admin) -> None:
    await database.execute("UPDATE mail_queue SET due_at = now() WHERE done_at IS NULL")


async def test_who_registers_is_mailed_a_link(identity: IdentityApplication, call: Caller, database: Admin, server: MailServer) -> None:
    await register(call)
    mail = await server.mail()
    assert (mail["To"], parseaddr(mail["From"])[1], mail["Auto-Submitted"]) == (ADA, "hi@example.org", "auto-generated")
    address, token = link_in(mail)
    assert address == "https://app.example.org/verify"
    sent = await letter(database, "outcome = 'sent'")
    assert (sent["tries"], sent["error"]) == (1, None)
    stored = await database.fetchval("SELECT string_agg(to_jsonb(t)::text, ' ') FROM mailed_tokens t")
    assert token not in stored


async def test_a_mailed_invitation_leads_in_and_its_token_is_kept_nowhere(
    identity: IdentityApplication, call: Caller, database: Admin, server: MailServer, authorize: AuthorizeSession
) -> None:
    """Neither while the mail waits nor when it is sent."""
    admin = await authorize(await register(call))
    await server.mail()
    await server.stop()
    made = await call(CREATE_INVITATION, CreateInvitation(workspace_id=admin.workspace_id, email=BOB), admin)
    await letter(database, "kind = 'invitation' AND error IS NOT NULL")
    assert (made.token, made.mail_status) == (None, "waiting")
    assert await told(call, admin) == ["waiting"]
    waiting = await everything(database)
    await server.start()
    await make_due(database)
    mail = await server.mail()
    address, token = link_in(mail)
    assert (mail["Subject"], address) == ("Ada invites you to Atrium", "https://app.example.org/invitation")
    await letter(database, "kind = 'invitation' AND outcome = 'sent'")
    assert await told(call, admin) == ["sent"]
    assert token not in waiting + await everything(database)
    body = RegisterUser(email=BOB, password=SecretStr("correct horse"), name="Bob", invitation=SecretStr(token))
    assert (await call(REGISTER_USER, body, None)).user.is_email_verified


async def test_an_invitation_that_nobody_takes_is_said_to_have_failed(
    identity: IdentityApplication, call: Caller, database: Admin, server: MailServer, authorize: AuthorizeSession
) -> None:
    server.refused[BOB] = "550 no such mailbox"
    admin = await authorize(await register(call))
    await call(CREATE_INVITATION, CreateInvitation(workspace_id=admin.workspace_id, email=BOB), admin)
    await letter(database, "kind = 'invitation' AND outcome = 'parked'")
    assert await told(call, admin) == ["failed"]


async def test_who_is_invited_again_has_one_invitation_and_a_mailbox_gets_five_in_an_hour(
    identity: IdentityApplication, call: Caller, database: Admin, server: MailServer, authorize: AuthorizeSession
) -> None:
    admin = await authorize(await register(call))
    await server.mail()
    await server.stop()
    request = CreateInvitation(workspace_id=admin.workspace_id, email=BOB)
    made = await asyncio.gather(*(call(CREATE_INVITATION, request, admin) for _ in range(12)), return_exceptions=True)
    refused = [one for one in made if isinstance(one, MailboxGotEnough)]
    assert (len(refused), refused[0].retry_after) == (7, 3_600)
    (last,) = (await call(LIST_INVITATIONS, ListInvitations(workspace_id=admin.workspace_id), admin)).invitations
    said = await database.fetch("SELECT split_part(subject, '.', 3) AS name FROM outbox WHERE subject LIKE '%.invitation_%'")
    assert sorted(row["name"] for row in said) == ["invitation_created"] * 5 + ["invitation_revoked"] * 4
    await server.start()
    await make_due(database)
    await letter(database, f"kind = 'invitation' AND outcome = 'sent' AND invitation_id = '{last.id}'")
    await letter(database, "(SELECT count(*) FROM mail_queue WHERE kind = 'invitation' AND outcome = 'dropped') = 4")
    token = link_in(await server.mail())[1]
    assert server.came.empty()
    body = RegisterUser(email=BOB, password=SecretStr("correct horse"), name="Bob", invitation=SecretStr(token))
    assert (await call(REGISTER_USER, body, None)).user.workspace_id == admin.workspace_id


async def everything(database: Admin) -> str:
    """All that identity has in its tables."""
    tables = [row["tablename"] for row in await database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'identity'")]
    return " ".join([str(await database.fetchval(f"SELECT string_agg(t::text, ' ') FROM {table} t")) for table in tables])


async def told(call: Caller, admin: Principal) -> list[str | None]:
    """What is said of the mails of invitations."""
    page = await call(LIST_INVITATIONS, ListInvitations(workspace_id=admin.workspace_id), admin)
    return [one.mail_status for one in page.invitations]


async def test_a_registration_that_fails_mails_nothing(identity: IdentityApplication, call: Caller, database: Admin) -> None:
    await register(call)
    with pytest.raises(EmailIsTaken):
        await register(call)
    assert await database.fetchval("SELECT count(*) FROM mail_queue") == 1


async def test_while_the_server_is_away_a_mail_waits_longer_each_time_and_comes_in_the_end(
    identity: IdentityApplication, call: Caller, database: Admin, server: MailServer
) -> None:
    await server.stop()
    await register(call)
    waits = []
    for tries in (1, 2, 3):
        waiting = await letter(database, f"tries = {tries} AND error IS NOT NULL AND due_at > now() + interval '2 s'")
        waits.append(waiting["due_at"] - await database.fetchval("SELECT now()"))
        await database.execute("UPDATE mail_queue SET error = NULL, due_at = now()")
    assert waits == sorted(waits)
    assert waits[0] <= DELAYS[0] < waits[1] <= DELAYS[1] < waits[2] <= DELAYS[2]
    await server.start()
    await make_due(database)
    assert (await server.mail())["To"] == ADA
    assert (await letter(database, "outcome = 'sent'"))["tries"] >= 4


async def test_after_the_last_try_a_mail_is_parked(
    identity: IdentityApplication, call: Caller, database: Admin, server: MailServer
) -> None:
    server.refused[ADA] = "450 try later"
    before = MAILS.labels("parked")._value.get()
    await register(call)
    await letter(database, "tries = 1 AND error IS NOT NULL")
    await database.execute("UPDATE mail_queue SET tries = $1, due_at = now()", len(DELAYS))
    parked = await letter(database, "outcome = 'parked'")
    assert (parked["tries"], "450" in parked["error"]) == (len(DELAYS) + 1, True)
    async with asyncio.timeout(15):  # what is counted was committed before
        while (counted := MAILS.labels("parked")._value.get()) == before:
            await asyncio.sleep(0.02)
    assert counted == before + 1


async def test_what_the_server_never_will_take_is_parked_at_once(
    identity: IdentityApplication, call: Caller, database: Admin, server: MailServer
) -> None:
    server.refused[ADA] = "550 no such mailbox"
    await register(call)
    assert (await letter(database, "outcome = 'parked'"))["tries"] == 1


async def test_a_letter_whose_sender_died_is_sent_when_its_lease_is_over(
    servers: Servers, database: Admin, call: Caller, server: MailServer
) -> None:
    async with running_identity(servers):
        await register(call)
    await database.execute(
        "INSERT INTO mail_queue (id, kind, recipient, tries, due_at) VALUES (uuidv7(), 'reset', $1, 1, now() + interval '2 minutes')", ADA
    )
    async with running_identity(servers, smtp_url=server.url):
        await make_due(database)
        assert (await server.mail())["Subject"] == "Set another password"


async def test_two_processes_send_a_letter_once(servers: Servers, database: Admin, call: Caller, server: MailServer) -> None:
    async with running_identity(servers, smtp_url=server.url), running_identity(servers, smtp_url=server.url):
        emails = [f"user{number}@example.org" for number in range(20)]
        await asyncio.gather(*(register(call, email) for email in emails))
        came = [str((await server.mail())["To"]) for _ in emails]
        await letter(database, "(SELECT count(*) FROM mail_queue WHERE outcome = 'sent') = 20")
    assert sorted(came) == sorted(emails)
    assert server.came.empty()


async def test_a_reset_that_nobody_can_use_is_dropped_and_not_mailed(
    identity: IdentityApplication, call: Caller, database: Admin, server: MailServer
) -> None:
    await call(REQUEST_RESET, RequestReset(email="nobody@example.org"), None)
    await letter(database, "outcome = 'dropped'")
    assert server.came.empty()
    assert await database.fetchval("SELECT count(*) FROM mailed_tokens") == 0


async def test_a_mailbox_gets_five_of_a_kind_in_an_hour(
    identity: IdentityApplication, call: Caller, database: Admin, server: MailServer, authorize: AuthorizeSession
) -> None:
    """However many are asked for at once, and whether they have an account or not."""
    caller = await authorize(await register(call))
    for email in (ADA, "nobody@example.org"):
        await asyncio.gather(*(call(REQUEST_RESET, RequestReset(email=email), None) for _ in range(20)))
    await asyncio.gather(*(call(REQUEST_VERIFICATION, RequestVerification(), caller) for _ in range(20)))
    await letter(database, "NOT EXISTS (SELECT FROM mail_queue WHERE done_at IS NULL)")
    rows = await database.fetch("SELECT kind, recipient, outcome, count(*) FROM mail_queue GROUP BY 1, 2, 3 ORDER BY 1, 2")
    assert [tuple(row) for row in rows] == [
        ("reset", ADA, "sent", 5),
        ("reset", "nobody@example.org", "dropped", 5),
        ("verify", ADA, "sent", 5),
    ]
    assert server.came.qsize() == 10
    await database.execute("UPDATE mail_queue SET created_at = now() - interval '61 minutes'")
    await call(REQUEST_RESET, RequestReset(email=ADA), None)
    await letter(database, "(SELECT count(*) FROM mail_queue WHERE kind = 'reset' AND outcome = 'sent') = 6")


async def test_another_link_is_mailed_to_who_asks_until_they_are_verified(
    identity: IdentityApplication, call: Caller, database: Admin, server: MailServer, authorize: AuthorizeSession
) -> None:
    caller = await authorize(await register(call))
    await server.mail()
    await call(REQUEST_VERIFICATION, RequestVerification(), caller)
    assert link_in(await server.mail())[0].endswith("/verify")
    await database.execute("UPDATE users SET is_email_verified = true")
    await call(REQUEST_VERIFICATION, RequestVerification(), caller)
    assert await database.fetchval("SELECT count(*) FROM mail_queue") == 2


async def test_without_a_mail_server_nothing_is_queued(
    servers: Servers, database: Admin, call: Caller, authorize: AuthorizeSession
) -> None:
    async with running_identity(servers):
        caller = await authorize(await register(call))
        await call(REQUEST_VERIFICATION, RequestVerification(), caller)
        await call(REQUEST_RESET, RequestReset(email=ADA), None)
        assert await database.fetchval("SELECT count(*) FROM mail_queue") == 0


@pytest.mark.parametrize("url", ["mail.example.org:25", "http://mail.example.org", "smtp://"])
def test_what_is_no_mail_server_ends_the_start_without_telling_its_password(servers: Servers, url: str) -> None:
    settings = {"data": servers.data, "postgres_url": servers.postgres_url, "nats_url": servers.nats_url, "smtp_url": url}
    with pytest.raises(CannotStart, match="ATRIUM_SMTP_URL is wrong"):
        IdentityApplication(IdentitySettings.model_validate(settings))


async def test_a_password_is_told_to_no_server_without_tls(servers: Servers, database: Admin, call: Caller, server: MailServer) -> None:
    async with running_identity(servers, smtp_url=server.url.replace("//", "//atrium:secret@")):
        await register(call)
        waiting = await letter(database, "error IS NOT NULL")
    assert "STARTTLS" in waiting["error"]
    assert "secret" not in waiting["error"]
    assert server.came.empty()


async def test_addresses_beyond_ascii_get_their_mail(identity: IdentityApplication, call: Caller, server: MailServer) -> None:
    await register(call, "zoë@example.org")
    assert "zoë@example.org" in str((await server.mail())["To"])
