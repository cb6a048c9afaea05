import base64
import hashlib
import hmac
import json
import re
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_service.journal.pseudonyms import Pseudonyms

KEY = b"k" * 32
UNSTORABLE = ["a\0b", "\0", "\ud800", "a\udfffb"]

names = st.text(st.characters(exclude_categories=[]))


@pytest.fixture
def pseudonyms() -> Pseudonyms:
    return Pseudonyms(KEY)


@pytest.fixture
def plain() -> Pseudonyms:
    return Pseudonyms(KEY, are_plain=True)


# pseudonyms


def test_a_pseudonym_is_a_mark_and_128_bits_of_hmac_sha_256(pseudonyms: Pseudonyms) -> None:
    """What a journal of years holds is found with the same key only if this never changes."""
    keyed = hmac.new(KEY, b"person\0ann", hashlib.sha256).digest()[:16]
    assert pseudonyms.of("person", "ann") == f"~{base64.urlsafe_b64encode(keyed).decode().rstrip('=')}"


@given(names, names)
def test_a_pseudonym_says_nothing_of_the_name_but_that_it_is_one(kind: str, name: str) -> None:
    assert re.fullmatch(r"~[\w-]{22}", Pseudonyms(KEY).of(kind, name), re.ASCII)


def test_the_same_has_the_same_pseudonym_in_every_process(pseudonyms: Pseudonyms) -> None:
    assert pseudonyms.of("person", "ann") == Pseudonyms(KEY).of("person", "ann")


@pytest.mark.parametrize(
    ("key", "kind", "name"),
    [(b"l" * 32, "person", "ann"), (KEY, "customer", "ann"), (KEY, "person", "Ann"), (KEY, "person", "ann ")],
    ids=["another key", "another kind", "another case", "another name"],
)
def test_anything_else_has_another_pseudonym(pseudonyms: Pseudonyms, key: bytes, kind: str, name: str) -> None:
    assert Pseudonyms(key).of(kind, name) != pseudonyms.of("person", "ann")


def test_kind_and_name_do_not_run_into_one(pseudonyms: Pseudonyms) -> None:
    assert pseudonyms.of("person", "ann") != pseudonyms.of("perso", "nann")


@pytest.mark.parametrize("name", ["", *UNSTORABLE, "é", "\N{GRINNING FACE}", "a" * 10_000])
def test_every_name_has_a_pseudonym_that_is_ascii(pseudonyms: Pseudonyms, name: str) -> None:
    assert pseudonyms.of("person", name).isascii()


# plain ids


@pytest.mark.parametrize("name", ["ann", "", "123456789", "é", "\N{GRINNING FACE}", "a~b"])
def test_a_plain_id_stays_as_it_is(plain: Pseudonyms, name: str) -> None:
    assert plain.of("person", name) == name


def test_no_name_passes_for_a_pseudonym(plain: Pseudonyms, pseudonyms: Pseudonyms) -> None:
    of_ann = pseudonyms.of("person", "ann")
    assert plain.of("person", of_ann) == pseudonyms.of("person", of_ann) != of_ann
    assert plain.of("person", "~") == pseudonyms.of("person", "~")


@pytest.mark.parametrize("name", UNSTORABLE)
def test_a_name_that_no_database_takes_has_a_pseudonym_also_where_ids_are_plain(
    plain: Pseudonyms, pseudonyms: Pseudonyms, name: str
) -> None:
    assert plain.of("person", name) == pseudonyms.of("person", name)


@given(kind=st.text(st.characters(exclude_characters="\0", exclude_categories=[])), name=names, are_plain=st.booleans())
def test_a_name_as_json_is_the_same_name(kind: str, name: str, *, are_plain: bool) -> None:
    pseudonyms = Pseudonyms(KEY, are_plain=are_plain)
    quoted = pseudonyms.quoted_names()
    for _ in range(2):
        assert json.loads(quoted[f"{kind}\0{name}"]) == pseudonyms.of(kind, name)


# searching


@given(names, names, st.booleans(), st.booleans())
def test_a_name_is_found_whatever_was_set_when_it_was_written_and_is_now(
    kind: str,
    name: str,
    was_plain: bool,  # noqa: FBT001 - Hypothesis gives it
    is_plain: bool,  # noqa: FBT001 - Hypothesis gives it
) -> None:
    written = Pseudonyms(KEY, are_plain=was_plain).of(kind, name)
    assert written in Pseudonyms(KEY, are_plain=is_plain).all_of(kind, name)


def test_a_pseudonym_is_found_as_itself(pseudonyms: Pseudonyms) -> None:
    of_ann = pseudonyms.of("person", "ann")
    assert of_ann in pseudonyms.all_of("person", of_ann)


@given(names, names)
def test_no_name_is_looked_for_that_a_database_does_not_take(kind: str, name: str) -> None:
    for each in Pseudonyms(KEY).all_of(kind, name):
        assert "\0" not in each
        each.encode()


def test_a_name_is_looked_for_in_no_other_way(pseudonyms: Pseudonyms) -> None:
    assert pseudonyms.all_of("person", "ann") == ["ann", pseudonyms.of("person", "ann")]
    assert pseudonyms.all_of("person", "a\0b") == [pseudonyms.of("person", "a\0b")]


def test_names_of_any_length_have_one_and_fill_no_memory() -> None:
    names = Pseudonyms(KEY)
    tracemalloc.start()
    try:
        for n in range(50):
            long = f"{n}" + "x" * 200_000
            assert names.of("person", long) == Pseudonyms(KEY).of("person", long)
        del long
        assert tracemalloc.get_traced_memory()[0] < 100_000
    finally:
        tracemalloc.stop()
    assert names.of("person", "ann") == names.of("person", "ann") != names.of("customer", "ann")
