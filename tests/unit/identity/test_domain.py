"""The rules of identity."""

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain import (
    RETRY_GRACE,
    Refreshing,
    Session,
    check_an_admin_stays,
    check_within,
    first_and_last,
    first_role,
    givable,
    token_grants,
    usernames,
)
from shared.contracts.identity.users import GrantExceedsYours, WorkspaceNeedsAnAdmin
from shared.contracts.permissions import Permission
from shared.contracts.principal import Role

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def session(**differences: object) -> Session:
    usual: dict[str, object] = {
        "token_hash": "second",
        "previous_token_hash": "first",
        "rotated_at": NOW,
        "expires_at": NOW + timedelta(days=30),
        "ended_at": None,
        "user_may_sign_in": True,
    }
    return Session(**(usual | differences))  # type: ignore[arg-type]


def test_the_current_token_is_rotated() -> None:
    assert session().refreshing("second", "third", NOW) is Refreshing.ROTATE


def test_the_one_before_is_repeated_for_ten_seconds() -> None:
    assert session().refreshing("first", "second", NOW + RETRY_GRACE) is Refreshing.REPEAT
    assert session().refreshing("first", "second", NOW + RETRY_GRACE + timedelta(milliseconds=1)) is Refreshing.REUSED


def test_the_one_before_that_was_used_twice() -> None:
    assert session().refreshing("zeroth", "first", NOW) is Refreshing.REUSED


@pytest.mark.parametrize("token", ["first", "second", "zeroth"])
@pytest.mark.parametrize("difference", [{"ended_at": NOW}, {"expires_at": NOW}, {"user_may_sign_in": False}])
def test_a_session_that_is_over_stays_over(token: str, difference: dict[str, object]) -> None:
    assert session(**difference).refreshing(token, "successor", NOW) is Refreshing.OVER


def test_the_first_of_an_empty_workspace_is_its_admin() -> None:
    assert first_role(workspace_is_empty=True) is Role.ADMIN
    assert first_role(workspace_is_empty=False) is Role.CLIENT


def test_the_last_admin_stays_one() -> None:
    with pytest.raises(WorkspaceNeedsAnAdmin):
        check_an_admin_stays(Role.ADMIN, Role.AGENT, other_admins=0)
    check_an_admin_stays(Role.ADMIN, Role.AGENT, other_admins=1)
    check_an_admin_stays(Role.ADMIN, Role.ADMIN, other_admins=0)
    check_an_admin_stays(Role.CLIENT, Role.ADMIN, other_admins=0)


@pytest.mark.parametrize(
    ("name", "parts"),
    [("Plato", ("Plato", "")), ("Ada Lovelace", ("Ada", "Lovelace")), ("Ada King  of Lovelace", ("Ada", "King  of Lovelace"))],
)
def test_a_names_first_word_is_the_first_name(name: str, parts: tuple[str, str]) -> None:
    assert first_and_last(name) == parts


@pytest.mark.parametrize(
    ("email", "username"),
    [
        ("ada@example.org", "ada"),
        ("Ada_K+lists@example.org", "ada.k.lists"),
        ("zoë@example.org", "zoe"),
        ("李@example.org", "user"),
        ("..@example.org", "user"),
    ],
)
def test_a_username_is_made_from_the_email(email: str, username: str) -> None:
    assert next(usernames(email, "noise")) == username


def test_taken_usernames_get_a_number_and_then_noise() -> None:
    names = list(usernames("ada@example.org", "4f"))
    assert names[:3] == ["ada", "ada.2", "ada.3"]
    assert names[-1] == "ada.4f"


@given(st.emails(), st.text("0123456789abcdef", min_size=12, max_size=12))
def test_usernames_are_short_and_plain(email: str, noise: str) -> None:
    for name in islice(usernames(email, noise), 20):
        assert 1 <= len(name) <= 63
        assert name.isascii()
        assert name == name.lower()


def test_the_one_before_a_switch_was_traded_for_nothing_and_is_good_for_a_retry() -> None:
    assert session().refreshing("first", "another", NOW + RETRY_GRACE) is Refreshing.ROTATE
    assert session().refreshing("first", "another", NOW + RETRY_GRACE + timedelta(milliseconds=1)) is Refreshing.REUSED


@pytest.mark.parametrize(("gift", "own"), [(0, 0), (0, 5), (5, 5), (1, 5), (4, 7)])
def test_who_is_granted_it_gives_it(gift: int, own: int) -> None:
    check_within(gift, own)


@pytest.mark.parametrize(("gift", "own"), [(1, 0), (2, 5), (7, 5)])
def test_nobody_gives_what_they_are_not_granted(gift: int, own: int) -> None:
    with pytest.raises(GrantExceedsYours):
        check_within(gift, own)


def test_who_manages_programs_alone_gives_them_what_no_person_is_granted() -> None:
    for_contact, manage, read = Permission.MESSAGE_FOR_CONTACT.bit, Permission.SERVICE_MANAGE.bit, Permission.MESSAGE_READ.bit
    assert givable(manage) == manage | for_contact
    assert givable(read) == read
    assert token_grants(for_contact | read, manage) == for_contact
    assert token_grants(for_contact | read, read) == read


def test_whoever_has_a_role_of_the_workspace_is_no_admin() -> None:
    check_an_admin_stays("figurehead", None, other_admins=0)
    with pytest.raises(WorkspaceNeedsAnAdmin):
        check_an_admin_stays(Role.ADMIN, "figurehead", other_admins=0)
    with pytest.raises(WorkspaceNeedsAnAdmin):
        check_an_admin_stays(Role.ADMIN, None, other_admins=0)
    check_an_admin_stays(Role.ADMIN, None, other_admins=1)
