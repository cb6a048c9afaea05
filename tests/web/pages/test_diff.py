"""The page of two revisions offers those that there are, and tells what they answer differently."""

from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from authz_service.opa.folder import read_revision
from authz_service.opa.supervisor import SupervisedOpa, bundle_in_force
from tests.earlier import earlier_policies, keep_earlier
from tests.processes import wait_until
from tests.web.conftest import MakeClient, database_of
from tests.web.pages.reading import READ_WITHIN_SECONDS, signed_in, with_book
from tests.web.test_docs import Page


def told(reader: FlaskClient, address: str) -> str:
    """The page, once what it tells of is prepared."""
    wait_until(lambda: "Refresh" not in reader.get(address).headers, READ_WITHIN_SECONDS)
    return unescape(reader.get(address).text)


@pytest.fixture(scope="module")
def shadowed(opa: Path, policies: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SupervisedOpa]:
    """The OPA of a shadow policy that has another message than the shipped one."""
    with SupervisedOpa(opa, earlier_policies(policies, tmp_path_factory.mktemp("shadow") / "policies")) as running:
        yield running


@pytest.fixture
def client(make_client: MakeClient) -> FlaskClient:
    return with_book(signed_in(make_client()))


def test_where_one_revision_alone_is_known_there_is_nothing_to_compare(client: FlaskClient) -> None:
    text = told(client, "/matrix/diff")
    assert "There is nothing to compare yet" in text
    assert '<form class="filters"' not in text


def test_it_offers_what_was_in_force_and_compares_it(client: FlaskClient, opa: Path, policies: Path) -> None:
    revision = keep_earlier(database_of(client.application), opa, policies)
    choice = told(client, "/matrix/diff")
    assert "5 October 2026, 07:30:00 UTC" in choice
    [link] = [href for href in Page(choice).values_of("href") if href.startswith("/matrix/diff?")]
    assert f"from={revision}" in link
    text = told(client, link)
    Page(text)
    widened, narrowed = text.index('id="widened"'), text.index('id="narrowed"')
    assert widened < narrowed
    assert "A user may now see the usage of a mobile that is his or her own paid by an employer." in text
    assert "24 situations, 2 people on 1 customer number today" in text
    assert 'href="/#rule-administrator_only"' in text
    assert '<span class="answer condition"><span aria-hidden="true">◐</span> in 12 of 24</span>' in text
    assert text == told(client, f"/matrix/diff?from={revision}") == told(client, "/matrix/diff?from=&to=")


def test_the_shadow_policy_can_be_compared_before_it_is_in_force(
    make_client: MakeClient, shadowed: SupervisedOpa
) -> None:
    client = make_client(shadow_opa_url=shadowed.url, shadow_policy_status=shadowed.status_file)
    reader = with_book(signed_in(client))
    assert "shadow policy</td><td>not yet" in told(reader, "/matrix/diff")
    text = told(reader, "/matrix/diff?from=&to=")
    assert "A user may now see the bills" in text
    assert "A user may no longer see the usage" in text


@pytest.mark.parametrize("query", ["from=0123&to=", "from=&to=0123", "from=0123&to=4567", "from=<script>"])
def test_a_revision_that_is_not_known_is_told_with_what_there_is(client: FlaskClient, query: str) -> None:
    response = client.get(f"/matrix/diff?{query}")
    assert (response.status_code, response.mimetype) == (404, "text/html")
    assert "not known here." in response.text
    assert "A service knows the policy in force" in response.text
    assert "<script" not in response.text


def test_the_same_revision_twice_is_told_as_such(client: FlaskClient, running_opa: SupervisedOpa) -> None:
    revision = read_revision(bundle_in_force(running_opa.status_file))
    text = told(client, f"/matrix/diff?from={revision}&to={revision}")
    assert "It is the same revision on both sides." in text
    assert "No situation is answered differently" in text
