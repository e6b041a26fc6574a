"""What a request of identity takes, and what of it shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from shared.contracts.identity.sessions import LogIn, RegisterUser
from shared.contracts.identity.users import normal_email


def test_a_password_travels_whole_and_is_printed_masked() -> None:
    request = LogIn(email="ada@example.org", password=SecretStr("correct horse"))
    assert LogIn.model_validate_json(request.model_dump_json()) == request
    assert '"correct horse"' in request.model_dump_json()
    assert "correct horse" not in f"{request} {request!r} {request.model_dump()}"


@pytest.mark.parametrize("email", ["ada@example.org", "ada@office.local", "ada@company.test", "zoë@example.org", "a+b@x.io"])
def test_an_email_of_any_network_is_taken(email: str) -> None:
    assert RegisterUser(email=email, password=SecretStr("12345678"), name="Ada").email == email


@pytest.mark.parametrize(
    "email", ["", "ada", "ada@", "@example.org", "ada@example", "Ada <ada@example.org>", "a\0b@example.org", "a b@x.io"]
)
def test_what_is_no_email_is_not(email: str) -> None:
    with pytest.raises(ValidationError):
        RegisterUser(email=email, password=SecretStr("12345678"), name="Ada")


@given(st.emails() | st.text())
def test_an_emails_normal_form_is_final(text: str) -> None:
    assert normal_email(normal_email(text)) == normal_email(text)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (" ADA@Example.ORG", "ada@example.org"),
        ("ZO\N{LATIN CAPITAL LETTER E WITH DIAERESIS}@example.org", "zoë@example.org"),
        ("zoe\N{COMBINING DIAERESIS}@example.org", "zoë@example.org"),
        ("J\N{COMBINING CARON}@example.org", "\N{LATIN SMALL LETTER J WITH CARON}@example.org"),
        ("ada@xn--bcher-kva.example", "ada@bücher.example"),
        ("ada@ＢÜCHER.example", "ada@bücher.example"),
        (" No Email ", "no email"),
    ],
)
def test_an_email_is_the_same_however_it_is_written(written: str, kept: str) -> None:
    assert LogIn(email=written, password=SecretStr("x")).email == kept


@pytest.mark.parametrize("name", ["", "   ", "a\0b", "x" * 256])
def test_what_is_no_name_is_not(name: str) -> None:
    with pytest.raises(ValidationError):
        RegisterUser(email="ada@example.org", password=SecretStr("12345678"), name=name)


@pytest.mark.parametrize("length", [7, 201])
def test_a_password_has_eight_to_two_hundred_characters(length: int) -> None:
    with pytest.raises(ValidationError):
        RegisterUser(email="ada@example.org", password=SecretStr("x" * length), name="Ada")
