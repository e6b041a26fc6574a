"""Invitations into a workspace: for one use, and not for ever."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.identity.members import RoleIsNotUsable
from shared.contracts.identity.sessions import AlreadyAMember, InvitationIsNotValid, InvitationToken, TooManyWorkspaces
from shared.contracts.identity.users import Email, GrantExceedsYours
from shared.contracts.identity.workspaces import NotForServiceAccounts, Workspace, WorkspaceNotFound
from shared.contracts.model import Event, Nothing, Request, Time, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.principal import Role
from shared.contracts.refusals import CursorIsNotValid, NotFound, PermissionIsMissing, TooMany

HOURS, MOST_HOURS = 7 * 24, 30 * 24


class Invitation(View):
    """An invitation that nobody has accepted yet. `mailStatus`: what became of its mail; null where it is not mailed."""

    id: UUID
    email: str | None
    role: str
    invited_by: UUID
    created_at: Time
    expires_at: Time
    mail_status: Literal["waiting", "sent", "failed"] | None = None


class InvitationPage(View):
    invitations: list[Invitation]
    has_more: bool
    next_cursor: str | None


class InvitationMade(Invitation):
    """`token` is shown here and never again; it is null where it went by mail, so that whoever has it reads that mailbox."""

    token: str | None


class InvitationNotFound(NotFound):
    """There is no such invitation here."""


class MailboxGotEnough(TooMany):
    """This mailbox got enough invitations within the hour; try again later."""


class CreateInvitation(Request):
    """Invite somebody: by mail where an email is given, by a token to hand on otherwise. It takes the place of one that the email had."""

    workspace_id: UUID
    email: Email | None = None
    role: Annotated[str, Field(max_length=32)] = Role.CLIENT.value
    expires_in_hours: Annotated[int, Field(ge=1, le=MOST_HOURS)] = HOURS


class ListInvitations(Request):
    """The invitations of the caller's workspace that wait, oldest first; those that have expired are not among them."""

    workspace_id: UUID
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=500)] | None = None


class GetInvitation(Request):
    """One invitation that waits."""

    workspace_id: UUID
    invitation_id: UUID


class RevokeInvitation(Request):
    """Take an invitation back."""

    workspace_id: UUID
    invitation_id: UUID


class AcceptInvitation(Request):
    """Join the workspace of an invitation; `auth/switch` leads there."""

    token: InvitationToken


CREATE_INVITATION = Operation(
    CreateInvitation,
    InvitationMade,
    called_by=[GATEWAY],
    refuses=[WorkspaceNotFound, RoleIsNotUsable, PermissionIsMissing, GrantExceedsYours, AlreadyAMember, MailboxGotEnough],
)
LIST_INVITATIONS = Operation(
    ListInvitations, InvitationPage, called_by=[GATEWAY], refuses=[WorkspaceNotFound, CursorIsNotValid], coalesced=False
)
GET_INVITATION = Operation(GetInvitation, Invitation, called_by=[GATEWAY], refuses=[WorkspaceNotFound, InvitationNotFound])
REVOKE_INVITATION = Operation(RevokeInvitation, Nothing, called_by=[GATEWAY], refuses=[WorkspaceNotFound, InvitationNotFound])
ACCEPT_INVITATION = Operation(
    AcceptInvitation,
    Workspace,
    called_by=[GATEWAY],
    refuses=[InvitationIsNotValid, AlreadyAMember, TooManyWorkspaces, NotForServiceAccounts],
)


class InvitationCreated(Event):
    """Somebody is invited into the workspace."""

    invitation: Invitation


class InvitationRevoked(Event):
    """An invitation was taken back."""

    revoked_by: UUID


class InvitationAccepted(Event):
    """An invitation has led somebody into the workspace."""

    accepted_by: UUID
