"""Which function answers which operation, of those about roles, workspaces, service accounts and the log."""

from services.identity.handlers import audit, invitations, roles, service_accounts, workspaces
from services.identity.service import Service
from shared.contracts.identity.audit import LIST_AUDIT
from shared.contracts.identity.invitations import ACCEPT_INVITATION, CREATE_INVITATION, GET_INVITATION, LIST_INVITATIONS, REVOKE_INVITATION
from shared.contracts.identity.members import CHANGE_MEMBER, GET_MEMBER, LIST_MEMBERS, REMOVE_MEMBER
from shared.contracts.identity.roles import CHANGE_ROLE, CREATE_ROLE, DELETE_ROLE, GET_ROLE, LIST_PERMISSIONS, LIST_ROLES
from shared.contracts.identity.service_accounts import (
    AUTHORIZE_TOKEN,
    CREATE_SERVICE_ACCOUNT,
    CREATE_SERVICE_TOKEN,
    DELETE_SERVICE_ACCOUNT,
    GET_SERVICE_ACCOUNT,
    GET_SERVICE_TOKEN,
    LIST_SERVICE_ACCOUNTS,
    LIST_SERVICE_TOKENS,
    REVOKE_SERVICE_TOKEN,
    ROTATE_SERVICE_TOKEN,
)
from shared.contracts.identity.workspaces import (
    CHANGE_WORKSPACE,
    CREATE_WORKSPACE,
    GET_WORKSPACE,
    LIST_WORKSPACES,
    SWITCH_WORKSPACE,
)
from shared.messaging.responder import Responder


def serve_roles(responder: Responder, service: Service) -> None:
    responder.serve(LIST_ROLES, roles.list_roles, service)
    responder.serve(GET_ROLE, roles.get_role, service)
    responder.serve(CREATE_ROLE, roles.create_role, service)
    responder.serve(CHANGE_ROLE, roles.change_role, service)
    responder.serve(DELETE_ROLE, roles.delete_role, service)
    responder.serve(LIST_PERMISSIONS, roles.list_permissions, service)
    responder.serve(LIST_AUDIT, audit.list_audit, service)


def serve_workspaces(responder: Responder, service: Service) -> None:
    responder.serve(CREATE_WORKSPACE, workspaces.create_workspace, service)
    responder.serve(LIST_WORKSPACES, workspaces.list_workspaces, service)
    responder.serve(GET_WORKSPACE, workspaces.get_workspace, service)
    responder.serve(CHANGE_WORKSPACE, workspaces.change_workspace, service)
    responder.serve(SWITCH_WORKSPACE, workspaces.switch_workspace, service)
    responder.serve(LIST_MEMBERS, workspaces.list_members, service)
    responder.serve(GET_MEMBER, workspaces.get_member, service)
    responder.serve(CHANGE_MEMBER, workspaces.change_member, service)
    responder.serve(REMOVE_MEMBER, workspaces.remove_member, service)
    responder.serve(CREATE_INVITATION, invitations.create_invitation, service)
    responder.serve(LIST_INVITATIONS, invitations.list_invitations, service)
    responder.serve(GET_INVITATION, invitations.get_invitation, service)
    responder.serve(REVOKE_INVITATION, invitations.revoke_invitation, service)
    responder.serve(ACCEPT_INVITATION, invitations.accept_invitation, service)


def serve_service_accounts(responder: Responder, service: Service) -> None:
    responder.serve_together(AUTHORIZE_TOKEN, service_accounts.authorize_token, service)
    responder.serve(CREATE_SERVICE_ACCOUNT, service_accounts.create_service_account, service)
    responder.serve(LIST_SERVICE_ACCOUNTS, service_accounts.list_service_accounts, service)
    responder.serve(GET_SERVICE_ACCOUNT, service_accounts.get_service_account, service)
    responder.serve(DELETE_SERVICE_ACCOUNT, service_accounts.delete_service_account, service)
    responder.serve(CREATE_SERVICE_TOKEN, service_accounts.create_service_token, service)
    responder.serve(LIST_SERVICE_TOKENS, service_accounts.list_service_tokens, service)
    responder.serve(GET_SERVICE_TOKEN, service_accounts.get_service_token, service)
    responder.serve(ROTATE_SERVICE_TOKEN, service_accounts.rotate_service_token, service)
    responder.serve(REVOKE_SERVICE_TOKEN, service_accounts.revoke_service_token, service)
