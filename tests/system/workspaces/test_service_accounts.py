"""Programs over HTTP: what a token's scopes say, until it ends."""

import asyncio
from uuid import UUID

import httpx2

from shared.contracts.principal import Role
from tests.system.house import House, running_gateway
from tests.system.people import Person, expect, messages_of, path_of, refusal
from tests.system.programs import Program, program_of


def tokens_of(program: Program) -> str:
    return f"/api/service-accounts/{program.account['id']}/tokens"


async def test_a_program_does_what_its_scopes_say(house: House, admin: Person) -> None:
    program = await program_of(
        house, admin, "chat:room:read", "chat:message:read", "chat:message:send", "supervisor:chat:read", "supervisor:chat:send"
    )
    thread = await admin.open()
    assert expect(await program.ask("GET", path_of(thread)), 200)["id"] == thread["id"]
    posted = expect(await program.ask("POST", messages_of(thread), {"content": "Hello"}), 201)
    assert (posted["authorId"], posted["authorRole"], posted["authorName"]) == (program.account["id"], "system", "Support bot")
    assert refusal(await program.ask("PATCH", path_of(thread), {"title": "Mine"})) == (403, "permission_is_missing")
    assert refusal(await program.ask("GET", "/api/auth/me")) == (403, "permission_is_missing")


async def test_a_token_is_shown_once(house: House, admin: Person) -> None:
    program = await program_of(house, admin, "chat:room:read")
    listed = expect(await admin.get(tokens_of(program)), 200)["tokens"]
    assert program.token["token"].startswith("atrium_sa_")
    assert listed == [{name: value for name, value in program.token.items() if name != "token"}]


async def test_a_revoked_or_rotated_token_is_refused_in_the_very_next_request(house: House, admin: Person) -> None:
    program = await program_of(house, admin, "chat:room:read")
    old = program.token
    expect(await program.ask("GET", "/api/collab/threads"), 200)
    program.token = expect(await admin.post(f"{tokens_of(program)}/{old['id']}/rotate", {}), 201)
    expect(await program.ask("GET", "/api/collab/threads"), 200)
    rotated = Program(house.http, program.account, old)
    assert refusal(await rotated.ask("GET", "/api/collab/threads")) == (401, "token_is_not_valid")
    expect(await admin.delete(f"{tokens_of(program)}/{old['id']}"), 204)
    assert refusal(await program.ask("GET", "/api/collab/threads")) == (401, "token_is_not_valid")


async def test_a_deleted_accounts_token_is_refused_in_the_very_next_request(house: House, admin: Person) -> None:
    program = await program_of(house, admin, "chat:room:read")
    expect(await admin.delete(f"/api/service-accounts/{program.account['id']}"), 204)
    assert refusal(await program.ask("GET", "/api/collab/threads")) == (401, "token_is_not_valid")


async def test_a_suspended_program_is_out(house: House, admin: Person) -> None:
    program = await program_of(house, admin, "chat:room:read")
    expect(await admin.post(f"/api/users/{program.account['id']}/suspend", {}), 200)
    assert refusal(await program.ask("GET", "/api/collab/threads")) == (401, "token_is_not_valid")


async def test_the_limit_of_a_program_counts_all_its_tokens(house: House, admin: Person) -> None:
    program = await program_of(house, admin, "chat:room:read")
    second = expect(await admin.post(tokens_of(program), {"name": "second", "scopes": ["chat:room:read"]}), 201)
    async with running_gateway(house.servers, requests_per_minute=2) as url, httpx2.AsyncClient(base_url=url) as http:
        users = [Program(http, program.account, token) for token in (program.token, second, second)]
        statuses = [(await one.ask("GET", "/api/collab/threads")).status_code for one in users]
    assert statuses == [200, 200, 429]


async def test_a_program_of_one_workspace_sees_nothing_of_another(house: House, admin: Person) -> None:
    stranger = await house.elsewhere(Role.ADMIN)
    program = await program_of(house, stranger, "chat:room:read", "supervisor:chat:read")
    thread = await admin.open()
    assert refusal(await program.ask("GET", path_of(thread))) == (404, "thread_not_found")
    assert refusal(await admin.get(f"/api/service-accounts/{program.account['id']}")) == (404, "service_account_not_found")


async def test_programs_of_one_name_are_made_at_once(admin: Person) -> None:
    answers = await asyncio.gather(*(admin.post("/api/service-accounts", {"name": f"Twin of {admin.id}"}) for _ in range(12)))
    made = [expect(answer, 201) for answer in answers]
    assert len({one["username"] for one in made}) == 12


async def test_a_token_that_somebody_holds_keeps_nobody_waiting(house: House, admin: Person) -> None:
    """Neither its program nor the people whose requests are answered beside it."""
    program = await program_of(house, admin, "chat:room:read")
    async with house.database.transaction(), asyncio.timeout(1.5):
        await house.database.execute("SELECT FROM identity.service_tokens WHERE id = $1 FOR UPDATE", UUID(program.token["id"]))
        asked = [program.ask("GET", "/api/collab/threads") for _ in range(4)] + [admin.get("/api/auth/me") for _ in range(4)]
        assert [answer.status_code for answer in await asyncio.gather(*asked)] == [200] * 8
