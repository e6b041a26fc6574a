"""What roles grant (API.md, Roles), and how grants travel."""

import pytest

from shared.contracts.permissions import Permission, as_bits, from_bits
from shared.contracts.principal import Role
from shared.contracts.roles import BUILT_IN


@pytest.mark.parametrize(
    ("permission", "roles"),
    [
        ("identity:self:read", "admin agent productOwner client guest"),
        ("identity:role:assign", "admin"),
        ("identity:role:manage", "admin"),
        ("workspace:member:invite", "admin"),
        ("audit:log:read", "admin"),
        ("chat:room:read", "admin agent productOwner client guest"),
        ("chat:room:create", "admin agent productOwner client"),
        ("chat:room:update", "admin agent productOwner client"),
        ("chat:room:archive", "admin agent productOwner"),
        ("chat:message:read", "admin agent productOwner client guest"),
        ("chat:message:send", "admin agent productOwner client guest"),
        ("chat:message:edit", "admin agent productOwner client guest"),
        ("chat:message:delete", "admin agent productOwner client guest"),
        ("chat:message:note", "admin agent"),
        ("chat:message:send-for-contact", ""),
        ("supervisor:chat:read", "admin agent productOwner"),
        ("supervisor:chat:update", "admin agent"),
    ],
)
def test_a_permission_is_granted_by_these_roles(permission: str, roles: str) -> None:
    assert {role for role in Role if Permission(permission) in BUILT_IN[role]} == {Role(name) for name in roles.split()}


def test_permissions_are_domain_function_action() -> None:
    assert all(len(permission.split(":")) == 3 for permission in Permission)


def test_every_role_has_its_grants() -> None:
    assert set(BUILT_IN) == set(Role)


@pytest.mark.parametrize("role", Role)
def test_grants_survive_their_travel_as_bits(role: Role) -> None:
    assert set(from_bits(as_bits(BUILT_IN[role]))) == BUILT_IN[role]


def test_bits_of_a_later_version_are_ignored() -> None:
    assert from_bits(1 << 200 | Permission.ROOM_READ.bit) == [Permission.ROOM_READ]
