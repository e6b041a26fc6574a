"""`atrium users`: accounts of people, made and changed by the operator."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

import typer
from pydantic import SecretStr, ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from atrium.installation import Installation
from shared.application import CannotStart
from shared.contracts.identity.accounts import (
    MAKE_LINK,
    REINSTATE_ACCOUNT,
    SUSPEND_ACCOUNT,
    MakeLink,
    ReinstateAccount,
    SuspendAccount,
)
from shared.contracts.identity.users import ASSIGN_ROLE, CREATE_USER, LIST_USERS, AssignRole, CreateUser, ListUsers, User
from shared.contracts.model import Request, View
from shared.contracts.operations import Operation
from shared.contracts.principal import Role
from shared.contracts.refusals import Refusal, ServiceIsUnavailable
from shared.contracts.validation import invalid
from shared.messaging.caller import Caller

users = typer.Typer(no_args_is_help=True, help="Make, list and change the accounts of people.")

_ROLES = "admin, agent, productOwner, client or guest"
_PAGE = 200

Email = Annotated[str, typer.Argument(help="Whose account.")]
Workspace = Annotated[UUID | None, typer.Option(help="The id of the workspace; the default one otherwise.")]
AsJson = Annotated[bool, typer.Option("--json", help="For a machine to read.")]


@users.command()
def create(
    email: Email,
    name: Annotated[str, typer.Option(help="What others see.")],
    role: Annotated[str, typer.Option(help=_ROLES)] = Role.CLIENT,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Take the password from standard input.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make an account, whose email counts as verified. The password is asked for.

    Example: atrium users create ada@example.org --name "Ada Lovelace" --role admin
    """
    password = SecretStr(sys.stdin.readline().rstrip("\r\n") if password_stdin else _asked_password())
    request = _request(CreateUser, email=email, password=password, name=name, role=role)
    user = asyncio.run(_call(CREATE_USER, request))
    _say(user, f"{user.email} has an account as {user.role}.", as_json=as_json)


@users.command("list")
def list_users(workspace: Workspace = None, as_json: AsJson = False) -> None:
    """The accounts in a workspace, by email.

    Example: atrium users list --json
    """
    asyncio.run(_list(workspace, as_json=as_json))


@users.command()
def set_role(email: Email, role: Annotated[str, typer.Argument(help=_ROLES)], workspace: Workspace = None, as_json: AsJson = False) -> None:
    """Give somebody another role, from their next request on.

    Example: atrium users set-role ada@example.org agent
    """
    user = asyncio.run(_call(ASSIGN_ROLE, _request(AssignRole, workspace_id=workspace, email=email, role=role)))
    _say(user, f"{user.email} is {user.role}.", as_json=as_json)


@users.command()
def suspend(email: Email, reason: Annotated[str | None, typer.Option(help="Why; kept.")] = None, as_json: AsJson = False) -> None:
    """Keep somebody out of every workspace, from their next request on.

    Example: atrium users suspend mallory@example.org --reason "Sends spam"
    """
    account = asyncio.run(_call(SUSPEND_ACCOUNT, _request(SuspendAccount, email=email, reason=reason)))
    _say(account, f"{account.email} is suspended.", as_json=as_json)


@users.command()
def reinstate(email: Email, reason: Annotated[str | None, typer.Option(help="Why; kept.")] = None, as_json: AsJson = False) -> None:
    """Let somebody in again whom `suspend` keeps out.

    Example: atrium users reinstate mallory@example.org
    """
    account = asyncio.run(_call(REINSTATE_ACCOUNT, _request(ReinstateAccount, email=email, reason=reason)))
    _say(account, f"{account.email} is {account.account_status}.", as_json=as_json)


@users.command()
def link(
    email: Email,
    verify: Annotated[bool, typer.Option("--verify", help="By which they verify their email.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="By which they set another password.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print a link for one use, as it would be mailed: for where no mail is sent.

    Example: atrium users link ada@example.org --reset
    """
    if verify == reset:
        raise CannotStart("Say which link: --verify or --reset.")
    made = asyncio.run(_call(MAKE_LINK, _request(MakeLink, email=email, purpose="reset" if reset else "verify")))
    typer.echo(made.model_dump_json(indent=2) if as_json else made.url)


def _asked_password() -> str:
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _request[Q: Request](kind: type[Q], **fields: object) -> Q:
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise _problem(invalid(error)) from None


async def _call[Q: Request, R: View](operation: Operation[Q, R], request: Q) -> R:
    async with Installation.find().caller() as caller:
        return await _answer(caller, operation, request)


async def _answer[Q: Request, R: View](caller: Caller, operation: Operation[Q, R], request: Q) -> R:
    try:
        return await caller(operation, request, None)
    except Refusal as refusal:
        raise _problem(refusal) from None


async def _list(workspace_id: UUID | None, *, as_json: bool) -> None:
    found = [user async for user in _pages(workspace_id)]
    if as_json:
        typer.echo(json.dumps([_shown(user) for user in found], indent=2))
        return
    table = Table("email", "name", "role", "status", "id", box=None, pad_edge=False)
    for user in found:
        table.add_row(escape(user.email or ""), escape(user.name), user.role, user.account_status or "", str(user.id))
    Console().print(table)


async def _pages(workspace_id: UUID | None) -> AsyncIterator[User]:
    async with Installation.find().caller() as caller:
        cursor, more = None, True
        while more:
            page = await _answer(caller, LIST_USERS, ListUsers(workspace_id=workspace_id, limit=_PAGE, cursor=cursor))
            for user in page.users:
                yield user
            cursor, more = page.next_cursor, page.has_more


def _problem(refusal: Refusal) -> CannotStart:
    if isinstance(refusal, ServiceIsUnavailable):
        return CannotStart("The identity service does not answer: is Atrium running? See `atrium doctor`.")
    fields = "; ".join(f"{error.field}: {error.detail}" for error in refusal.errors)
    return CannotStart(fields or refusal.detail)


def _shown(user: View) -> dict[str, object]:
    return user.model_dump(mode="json", by_alias=True)


def _say(user: View, line: str, *, as_json: bool) -> None:
    typer.echo(json.dumps(_shown(user), indent=2) if as_json else line)
