"""`atrium users`, as the operator types it."""

import json
import os
from dataclasses import dataclass
from uuid import UUID

import pytest
from pydantic import SecretStr

from services.identity.main import IdentityApplication
from shared.contracts.identity.accounts import RESET_PASSWORD, Account, MailedLink, ResetPassword
from shared.contracts.identity.sessions import LOG_IN, LogIn
from shared.contracts.identity.users import AccountStatus, User
from shared.contracts.principal import Role
from shared.database.history import SYSTEM_ACTOR
from shared.messaging.caller import Caller
from tests import forks
from tests.servers import Servers
from tests.service.identity.conftest import Admin, AuthorizeSession, Register
from tests.service.identity.test_invitations import lab_of


@dataclass(frozen=True)
class Ended:
    code: int | None
    out: str
    err: str


class Users:
    """The command, on the tests' servers."""

    def __init__(self, servers: Servers) -> None:
        self._environment = os.environ | servers.environment

    async def __call__(self, *arguments: str, typed: str = "") -> Ended:
        code, out, err = await forks.run(["users", *arguments], self._environment, typed.encode())
        return Ended(code, out.decode(), err.decode())


@pytest.fixture
def users(servers: Servers, identity: IdentityApplication) -> Users:
    return Users(servers)


async def test_an_account_is_made_listed_and_given_another_role(users: Users, call: Caller) -> None:
    made = await users("create", "ada@example.org", "--name", "Ada", "--role", "admin", "--password-stdin", typed="correct horse\n")
    assert made == Ended(0, "ada@example.org has an account as admin.\n", "")
    ada = (await call(LOG_IN, LogIn.model_validate({"email": "ada@example.org", "password": "correct horse"}), None)).user
    assert (ada.role, ada.is_email_verified, ada.account_status) == (Role.ADMIN, True, AccountStatus.ACTIVE)

    await users("create", "bob@example.org", "--name", "Bob [red]", "--password-stdin", typed="correct horse\n")
    changed = await users("set-role", "Bob@example.org", "agent", "--json")
    bob = User.model_validate_json(changed.out)
    assert (bob.email, bob.role) == ("bob@example.org", Role.AGENT)

    listed = await users("list", "--json")
    assert [User.model_validate(user) for user in json.loads(listed.out)] == [User.model_validate(ada.model_dump()), bob]
    table = await users("list")
    assert [line.split()[0] for line in table.out.splitlines()] == ["email", "ada@example.org", "bob@example.org"]
    assert "Bob [red]" in table.out


async def test_a_workspace_is_named_by_its_id(users: Users, register: Register, authorize: AuthorizeSession, call: Caller) -> None:
    ada = await authorize(await register("ada@example.org"))
    lab = await lab_of(call, ada)
    await register("bob@example.org")
    where = ("--workspace", str(lab.workspace_id))
    listed = json.loads((await users("list", "--json", *where)).out)
    assert [(user["email"], user["workspaceId"]) for user in listed] == [("ada@example.org", str(lab.workspace_id))]
    assert (await users("set-role", "bob@example.org", "agent", *where)).err == "atrium: There is no such user here.\n"
    assert (await users("set-role", "ada@example.org", "agent", *where)).err.startswith("atrium: The workspace's last admin")


async def test_what_the_operator_does_to_accounts_is_in_the_log(users: Users, database: Admin) -> None:
    await users("create", "ada@example.org", "--name", "Ada", "--role", "admin", "--password-stdin", typed="correct horse\n")
    await users("link", "ada@example.org", "--reset")
    ada, home = await database.fetchval("SELECT id FROM users"), await database.fetchval("SELECT id FROM workspaces WHERE is_default")
    rows = await database.fetch("SELECT workspace_id, actor_id, target_id, action, details::text FROM audit_log ORDER BY at")
    assert [tuple(row) for row in rows] == [
        (home, UUID(SYSTEM_ACTOR), ada, "identity:user:create", '{"role": "admin"}'),
        (home, UUID(SYSTEM_ACTOR), ada, "identity:user:make-link", '{"purpose": "reset"}'),
    ]


async def test_somebody_is_suspended_and_reinstated(users: Users) -> None:
    await users("create", "ada@example.org", "--name", "Ada", "--password-stdin", typed="correct horse\n")
    assert await users("suspend", "ada@example.org", "--reason", "Lost laptop") == Ended(0, "ada@example.org is suspended.\n", "")
    back = await users("reinstate", "Ada@example.org", "--json")
    assert Account.model_validate_json(back.out).account_status is AccountStatus.ACTIVE
    assert await users("suspend", "nobody@example.org") == Ended(1, "", "atrium: There is no such user here.\n")


async def test_a_link_is_printed_that_sets_another_password(users: Users, call: Caller) -> None:
    await users("create", "ada@example.org", "--name", "Ada", "--password-stdin", typed="correct horse\n")
    made = MailedLink.model_validate_json((await users("link", "ada@example.org", "--reset", "--json")).out)
    assert (made.email, made.purpose) == ("ada@example.org", "reset")
    await call(RESET_PASSWORD, ResetPassword(token=SecretStr(made.token), password=SecretStr("battery staple")), None)
    await call(LOG_IN, LogIn.model_validate({"email": "ada@example.org", "password": "battery staple"}), None)
    printed = (await users("link", "ada@example.org", "--reset")).out
    assert printed.startswith("http://127.0.0.1:8080/reset#token=")
    assert (await users("link", "ada@example.org", "--verify")).err == "atrium: There is no such user here.\n"
    assert (await users("link", "ada@example.org")).err == "atrium: Say which link: --verify or --reset.\n"


async def test_what_is_wrong_is_one_line(users: Users) -> None:
    await users("create", "ada@example.org", "--name", "Ada", "--role", "admin", "--password-stdin", typed="correct horse\n")
    assert await users("set-role", "ada@example.org", "client") == Ended(
        1, "", "atrium: The workspace's last admin keeps that role; make another admin first.\n"
    )
    assert await users("set-role", "nobody@example.org", "client") == Ended(1, "", "atrium: There is no such user here.\n")
    short = await users("create", "x", "--name", "X", "--role", "king", "--password-stdin", typed="short\n")
    assert short.code == 1
    assert short.err.startswith("atrium: email: ")
    assert all(word in short.err for word in ("password: ", "role: "))
    assert short.err.count("\n") == 1


async def test_without_the_service_it_says_so(servers: Servers) -> None:
    ended = await Users(servers)("list")
    assert ended == Ended(1, "", "atrium: The identity service does not answer: is Atrium running? See `atrium doctor`.\n")
