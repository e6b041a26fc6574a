"""How long access tokens live; and refresh tokens: what is ours is known without asking anybody."""

from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey

from services.identity.tokens import AccessTokens, RefreshTokens
from shared.contracts.identity.users import User
from shared.identifiers import new_id

OURS = RefreshTokens(b"k" * 32)


def test_an_access_token_lives_for_a_quarter_of_an_hour() -> None:
    key = ECKey.generate_key("P-256")
    user = User.model_construct(id=new_id(), workspace_id=new_id())  # type: ignore[call-arg]  # of an account, it says no more
    token, ends = AccessTokens(key).issue(user, new_id())
    claims = jwt.decode(token, key).claims
    assert (claims["exp"] - claims["iat"], claims["exp"]) == (15 * 60, ends.timestamp())


def test_a_token_is_read_back() -> None:
    token = OURS.first()
    assert OURS.read(token.text) == token
    assert OURS.read(OURS.successor(token).text) == OURS.successor(token)


def test_a_successor_is_always_the_same_and_of_the_same_session() -> None:
    token = OURS.first()
    assert OURS.successor(token) == OURS.successor(token)
    assert OURS.successor(token).session_id == token.session_id
    assert OURS.successor(token).text != token.text


def test_a_token_of_another_installation_is_none_of_ours() -> None:
    token = RefreshTokens(b"x" * 32).first()
    assert OURS.read(token.text) is None


def test_a_hash_tells_nothing_of_the_token() -> None:
    token = OURS.first()
    assert token.hash not in token.text
    assert len(token.hash) == 64


@given(st.text(max_size=200))
def test_what_was_made_up_is_none_of_ours(text: str) -> None:
    assert OURS.read(text) is None


@given(st.integers(0, 85), st.sampled_from("ABCxyz019-_"))
def test_a_token_with_one_letter_changed_is_none_of_ours(place: int, letter: str) -> None:
    token = OURS.first()
    changed = token.text[:place] + letter + token.text[place + 1 :]
    assert (OURS.read(changed) is None) == (changed != token.text)
