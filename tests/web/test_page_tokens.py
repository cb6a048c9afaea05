import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_service.web.page_tokens import NotAToken, PageTokens, Place

TOKENS = PageTokens(lambda: b"k" * 32)
SEARCH = b"who may see the usage of this mobile"


@given(after=st.text(), limit=st.none() | st.integers(min_value=0))
def test_a_token_opens_to_the_place_that_it_was_made_for(after: str, limit: int | None) -> None:
    assert TOKENS.open(TOKENS.seal(Place(after, limit), SEARCH), SEARCH) == Place(after, limit)


def test_a_token_of_another_process_with_the_same_key_opens() -> None:
    token = PageTokens(lambda: b"k" * 32).seal(Place("ann", 5), SEARCH)
    assert TOKENS.open(token, SEARCH) == Place("ann", 5)


@pytest.mark.parametrize(("key", "search"), [(b"K" * 32, SEARCH), (b"k" * 32, b"another")])
def test_a_token_of_another_key_or_search_does_not_open(key: bytes, search: bytes) -> None:
    token = PageTokens(lambda: key).seal(Place("ann", 5), search)
    with pytest.raises(NotAToken):
        TOKENS.open(token, SEARCH)


@given(st.text())
def test_no_text_but_a_token_opens(text: str) -> None:
    with pytest.raises(NotAToken):
        TOKENS.open(text, SEARCH)
