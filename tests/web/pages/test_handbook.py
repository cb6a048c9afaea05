"""The handbook tells all that the policy has, and what is wrong with it."""

import re
import shutil
import threading
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from authz_service.handbook import apart
from authz_service.handbook.book import Sources, read_book
from authz_service.web.pages.rego import highlighted
from tests.processes import wait_until
from tests.web.conftest import MakeClient
from tests.web.pages.reading import READ_WITHIN_SECONDS, signed_in, with_book
from tests.web.test_docs import Page

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def edited(policies: Path, tmp_path: Path, make_client: MakeClient) -> FlaskClient:
    """A reader of a service whose folder is another than the one that OPA answers by, with a script in a fact."""
    folder = Path(shutil.copytree(policies, tmp_path / "policies"))
    requirements, grants = folder / "requirements.yaml", folder / "bundle" / "authz" / "permissions" / "grants.rego"
    requirements.write_text(requirements.read_text().replace("readings:", f"  ROLE-99: {SCRIPT}\nreadings:"))
    grants.write_text(grants.read_text().replace("title: A user sees the usage", f"title: {SCRIPT} sees the usage"))
    return with_book(signed_in(make_client(policies=folder, policy_status=None)))


def test_it_has_every_fact_rule_promise_and_case(reader: FlaskClient, policies: Path) -> None:
    text = unescape(reader.get("/").text)
    book = read_book(Sources(policies, None))
    articles = [one for chapter in book.handbook.chapters for one in chapter.articles]
    assert len(articles) >= 38
    for one in articles:
        assert f'id="{one.requirement.id}"' in text
        assert one.requirement.text in text
        assert all(shown.promise.title in text for shown in one.promises)
        assert all(case.name in text for case in one.cases)
    for code, rule in book.rules.items():
        assert f'id="rule-{code}"' in text
        assert all(message in text for message in rule.message.values())


def test_it_is_closed_in_order_and_every_link_within_it_leads_somewhere(reader: FlaskClient) -> None:
    page = Page(reader.get("/").text)
    ids = page.values_of("id")
    assert len(set(ids)) == len(ids)
    assert {href[1:] for href in page.values_of("href") if href.startswith("#")} <= set(ids)
    assert page.tags["h1"] == 1


def test_it_names_the_revision_in_force(reader: FlaskClient, policies: Path) -> None:
    assert read_book(Sources(policies, None)).revision in reader.get("/").text


def test_what_looks_like_a_script_stays_text(edited: FlaskClient) -> None:
    for path in ("/", "/matrix", "/matrix/view_usage-subscription/user-own-mobile"):
        page = edited.get(path)
        assert page.status_code == 200
        assert "<script" not in page.text
    assert "&lt;script&gt;alert(1)" in edited.get("/").text


def test_a_script_in_rego_stays_text() -> None:
    shown = highlighted('allow if input.x == "<script>"  # </pre><script>\n`<script>`')
    assert shown.count("&lt;script&gt;") == 3
    assert "<script" not in shown
    assert "</pre" not in shown


def test_a_fact_without_a_rule_is_shown_as_a_gap(edited: FlaskClient) -> None:
    text = edited.get("/").text
    assert "Gap: no rule cites ROLE-99." in text
    assert "Gap: nothing is proven for ROLE-99." in text
    assert re.search(r'"cite" href="/#ROLE-99"', text)


def test_a_folder_that_is_not_what_opa_answers_by_is_told(edited: FlaskClient, reader: FlaskClient) -> None:
    edited.application.extensions["authz_service"].watch._memory.confirm()  # noqa: SLF001 - else some moment later
    assert "OPA answers by revision" in edited.get("/").text
    assert "OPA answers by revision" not in reader.get("/").text


def test_a_policy_that_cannot_be_read_is_told_with_what_to_mend(make_client: MakeClient, tmp_path: Path) -> None:
    client = with_book(signed_in(make_client(policies=tmp_path / "nowhere", policy_status=None)))
    response = client.get("/")
    assert (response.status_code, response.mimetype) == (503, "text/html")
    assert "AUTHZ_POLICIES" in response.text


def test_whoever_comes_before_the_policy_is_read_is_asked_to_wait_and_need_not_load_it_again(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("authz_service.handbook.shelf._PATIENCE_SECONDS", 0.0)
    has_come, make = threading.Event(), apart.made_apart

    def make_later(make_it: Callable[[], object]) -> object:
        assert has_come.wait(READ_WITHIN_SECONDS)
        return make(make_it)

    monkeypatch.setattr(apart, "made_apart", make_later)
    client = signed_in(make_client())
    for path in ("/", "/matrix"):
        response = client.get(path)
        assert (response.status_code, response.headers["Refresh"]) == (503, "2")
        assert "One moment" in response.text
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    has_come.set()
    assert with_book(client).get("/matrix").status_code == 200


def test_while_an_edit_is_read_the_page_from_before_is_shown_and_says_so(edited: FlaskClient, tmp_path: Path) -> None:
    requirements = tmp_path / "policies" / "requirements.yaml"
    requirements.write_text(requirements.read_text().replace("readings:", "  ROLE-98: Late.\nreadings:"))
    text = edited.get("/").text
    assert "The policy has changed just now." in text
    assert "ROLE-98" not in text
    wait_until(lambda: "ROLE-98" in edited.get("/").text, READ_WITHIN_SECONDS)
    assert "The policy has changed just now." not in edited.get("/").text
