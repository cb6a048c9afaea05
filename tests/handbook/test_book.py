"""A book is of one policy: its facts, rules, promises and cases come together by the ids that they cite."""

import pickle
import shutil
from pathlib import Path

import pytest

from authz_service.errors import ConfigurationError, InvalidPolicy
from authz_service.handbook.book import Book, Sources, read_book
from authz_service.handbook.handbook import Article
from authz_service.handbook.history import record
from authz_service.opa.bundle import build_bundle
from authz_service.opa.folder import SOURCES
from authz_service.opa.regal import requirement_ids
from authz_service.opa.signing import read_private_key
from authz_service.policy.explain import explain
from tests.bundles import without
from tests.handbook.conftest import Edit
from tests.signing import ED25519, private_key


@pytest.fixture(scope="module")
def book(policies: Path) -> Book:
    return read_book(Sources(policies, None))


def test_it_is_small_as_each_worker_keeps_one(book: Book) -> None:
    assert len(pickle.dumps(book)) < 1_000_000


def test_it_explains_where_nothing_is_left_of_what_it_was_read_from(opa: Path, policies: Path, folder: Path) -> None:
    away = pickle.dumps(read_book(Sources(folder, None)))
    shutil.rmtree(folder)
    book: Book = pickle.loads(away)  # noqa: S301 - made above
    asked = list(book.schema.situations())[::3_000]
    both = zip(book.explainer.explain(asked), explain(opa, policies, book.schema, asked), strict=True)
    for explained, expected in both:
        assert [rule.code for rule in explained.fired] == [rule.code for rule in expected.fired] != []
        assert [near.failed.text for near in explained.nearly] == [near.failed.text for near in expected.nearly]
        assert explained._replace(fired=(), nearly=()) == expected._replace(fired=(), nearly=())


def articles(book: Book) -> dict[str, Article]:
    return {one.requirement.id: one for chapter in book.handbook.chapters for one in chapter.articles}


def test_it_has_every_fact_and_reading_in_order(book: Book, policies: Path) -> None:
    assert list(articles(book)) == requirement_ids(policies / "requirements.yaml")
    assert [chapter.title for chapter in book.handbook.chapters][:2] == ["Roles", "What the administrator alone may do"]


def test_a_rule_is_told_once_and_referred_to_from_the_other_facts_that_it_cites(book: Book) -> None:
    told = [rule.code for one in articles(book).values() for rule in one.rules]
    assert len(told) == len(set(told))
    assert "not_own_mobile" in [rule.code for rule in articles(book)["USER-1"].rules]
    assert "not_own_mobile" in [rule.code for rule in articles(book)["USER-2"].see]
    assert book.handbook.homes["not_own_mobile"] == "USER-1"


def test_a_rule_has_its_rego_as_it_is_written_and_its_place(book: Book, policies: Path) -> None:
    rule = book.rules["has_mobile_on_bill"]
    assert rule.rego.count("has_mobile_on_bill if input.") == 2
    lines = (policies / rule.file).read_text().splitlines()
    assert lines[rule.line - 1] == rule.rego.splitlines()[0]


def test_every_fact_has_a_promise_that_holds_and_most_have_cases(book: Book) -> None:
    for one in articles(book).values():
        assert one.promises
        assert [shown.broken_in for shown in one.promises] == [0] * len(one.promises)
    assert "Mary, a user, sees the usage of her own mobile" in [case.name for case in articles(book)["USER-1"].cases]


def test_a_fact_without_a_rule_and_a_rule_without_a_fact_are_gaps(folder: Path, edit: Edit) -> None:
    edit("requirements.yaml", "readings:", "  ROLE-99: Everyone may sing.\nreadings:")
    edit("bundle/authz/roles/roles.rego", "cites: [ROLE-2]}", "cites: [ROLE-77]}")
    handbook = read_book(Sources(folder, None)).handbook
    assert [one.id for one in handbook.without_rule] == ["ROLE-99"]
    assert "is_linked" in [rule.code for rule in handbook.without_fact]


def test_a_helper_is_told_and_is_no_gap_until_it_cites_or_gives_a_reason(book: Book, folder: Path, edit: Edit) -> None:
    assert [rule.code for rule in book.handbook.helpers] == ["of"]
    assert book.handbook.gaps == 0
    edit("bundle/authz/roles/roles.rego", "cites: [ROLE-2]}", "cites: []}")
    handbook = read_book(Sources(folder, None)).handbook
    assert sorted(rule.code for rule in handbook.helpers) == ["is_linked", "of"]
    edit("bundle/authz/permissions/grants.rego", "cites: [USER-1]", "cites: []")
    handbook = read_book(Sources(folder, None)).handbook
    assert [rule.code for rule in handbook.without_fact] == ["own_mobile_usage"]


def test_a_broken_promise_is_told_with_how_many_situations_break_it(folder: Path, edit: Edit) -> None:
    edit(
        "bundle/authz/permissions/grants.rego",
        '	roles.is_user\n	is_own_mobile\n	input.action == "view_usage"',
        '	roles.is_user\n	input.action == "view_usage"',
    )
    edit(
        "bundle/authz/permissions/obstacles.rego",
        "	input.action in catalogue.actions.subscription\n	not is_own_mobile",
        "	input.action in catalogue.option_actions\n	not is_own_mobile",
    )
    broken = [shown for one in articles(read_book(Sources(folder, None))).values() for shown in one.promises]
    assert max(shown.broken_in for shown in broken) > 0


def test_a_bundle_tells_what_its_folder_tells_but_for_the_cases(
    book: Book, opa: Path, policies: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle.tar.gz"
    build_bundle(opa, policies, bundle, history=record(policies))
    read = read_book(Sources(bundle, None))
    assert (read.revision, read.situations) == (book.revision, book.situations)
    assert read.rules == book.rules
    assert read.matrix == book.matrix
    without_cases = {id_: one._replace(cases=()) for id_, one in articles(book).items()}
    assert articles(read).keys() == without_cases.keys()
    for id_, one in articles(read).items():
        wanted = without_cases[id_]
        assert one._replace(promises=()) == wanted._replace(promises=())
        assert [shown.promise.title for shown in one.promises] == [shown.promise.title for shown in wanted.promises]
    assert any(one.changed for one in articles(read).values())


def test_an_answer_explained_from_a_signed_bundle_names_places_in_the_bundle(
    book: Book, opa: Path, policies: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle.tar.gz"
    build_bundle(opa, policies, bundle, signing=read_private_key(private_key(tmp_path, "key", ED25519)))
    situation = next(iter(book.schema.situations()))
    [told] = read_book(Sources(bundle, None)).explainer.explain([situation])
    [wanted] = book.explainer.explain([situation])
    assert wanted.fired
    places = [(str(said.file), said.line) for said in told.fired]
    assert places == [(f"{bundle}:{said.file.relative_to(policies).as_posix()}", said.line) for said in wanted.fired]


def test_of_a_bundle_without_history_no_day_is_claimed(opa: Path, policies: Path, tmp_path: Path) -> None:
    build_bundle(opa, policies, tmp_path / "bundle.tar.gz")
    read = read_book(Sources(tmp_path / "bundle.tar.gz", None))
    assert not any(one.changed for one in articles(read).values())
    assert not any(rule.changed for rule in read.rules.values())


def test_what_is_wrong_in_a_bundle_is_told_with_its_file(opa: Path, folder: Path, edit: Edit, tmp_path: Path) -> None:
    edit("schemas/phrases.yaml", "who:", "whom:")
    bundle = tmp_path / "bundle.tar.gz"
    build_bundle(opa, folder, bundle)
    with pytest.raises(InvalidPolicy) as refusal:
        read_book(Sources(bundle, None))
    assert str(refusal.value).startswith(f"{bundle}:schemas/phrases.yaml: ")


def test_of_a_bundle_that_has_the_rules_alone_the_operator_is_told_what_to_do(
    opa: Path, policies: Path, tmp_path: Path
) -> None:
    whole, bare = tmp_path / "whole.tar.gz", tmp_path / "bare.tar.gz"
    build_bundle(opa, policies, whole)
    without(whole, bare, SOURCES)
    with pytest.raises(ConfigurationError, match="has the rules alone; make it anew with `policy build`"):
        read_book(Sources(bare, None))
