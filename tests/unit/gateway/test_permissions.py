"""Every route names the permission that it needs, in the one table that docs/permissions.md is made from."""

import re

import pytest

from services.gateway.permissions_document import PAGE, document
from services.gateway.routing import ROUTES
from shared.contracts.permissions import Permission

# For whoever signs in, up or out, and for those who check tokens.
FOR_ANYBODY = {
    "register_user",
    "log_in",
    "refresh_session",
    "log_out",
    "get_public_keys",
    "request_reset",
    "reset_password",
    "open_link",
}

NEEDED = {
    "identity:self:read": "get_me switch_workspace",
    "identity:self:update": "accept_invitation",
    "identity:role:read": "list_roles get_role list_permissions",
    "identity:role:assign": "set_role change_member",
    "identity:role:manage": "create_role change_role delete_role",
    "identity:service:manage": "create_service_account list_service_accounts get_service_account delete_service_account "
    "create_service_token list_service_tokens rotate_service_token revoke_service_token",
    "workspace:space:read": "list_workspaces get_workspace remove_member",
    "workspace:space:create": "create_workspace",
    "workspace:space:update": "change_workspace",
    "workspace:member:read": "list_members",
    "workspace:member:invite": "create_invitation list_invitations revoke_invitation",
    "audit:log:read": "list_audit",
    "chat:room:read": "list_threads get_thread",
    "chat:room:create": "open_thread",
    "chat:room:update": "change_thread",
    "chat:room:archive": "archive_thread",
    "chat:message:read": "list_messages get_message",
    "chat:message:send": "post_message",
    "chat:message:edit": "edit_message",
    "chat:message:delete": "delete_message",
    "chat:file:read": "list_attachments open_attachment open_preview link_attachment",
    "chat:file:upload": "upload_attachments upload_voice begin_presigned_upload finish_presigned_upload "
    "create_resumable_upload get_resumable_upload continue_resumable_upload delete_resumable_upload",
    "chat:file:delete": "delete_attachment",
}


def test_the_page_of_permissions_is_that_of_the_routes() -> None:
    assert PAGE.read_text() == document(), "run `python -m services.gateway.permissions_document`"


def test_the_page_has_a_row_for_every_permission_and_every_route() -> None:
    page = document()
    rows = set(re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE))
    assert {permission.value for permission in Permission} | {f"{route.method} {route.path}" for route in ROUTES} <= rows


def test_a_route_needs_a_permission_or_is_known_to_be_for_anybody() -> None:
    assert {route.name for route in ROUTES if route.needs is None} == FOR_ANYBODY


@pytest.mark.parametrize("permission", NEEDED)
def test_these_routes_need_the_permission(permission: str) -> None:
    needing = {route.name for route in ROUTES if route.needs == Permission(permission)}
    assert set(NEEDED[permission].split()) <= needing
