import re
from collections import Counter
from html import unescape
from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient

from authz_service import __version__

VOID = {"meta", "link", "br", "hr", "input"}


class Page(HTMLParser):
    """What there is on a page; fails on tags that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def values_of(self, attribute: str) -> list[str]:
        return [value or "" for name, value in self.attributes if name == attribute]


@pytest.fixture(scope="module")
def page(smiths: FlaskClient) -> Page:
    response = smiths.get("/docs")
    assert response.status_code == 200
    assert response.content_type == "text/html; charset=utf-8"
    return Page(response.text)


def test_it_is_a_page_with_a_title_a_language_and_one_heading(smiths: FlaskClient, page: Page) -> None:
    assert page.tags["h1"] == page.tags["title"] == page.tags["main"] == 1
    assert page.values_of("lang") == ["en"]
    assert re.search("<title>Authorization service . API</title>", smiths.get("/docs").text)
    assert __version__ in page.text


def test_every_operation_has_its_section_and_a_link_to_it(smiths: FlaskClient, page: Page) -> None:
    paths = smiths.get("/openapi.json").get_json()["paths"]
    for path, operations in paths.items():
        for method, operation in operations.items():
            assert page.text.count(f"{method.upper()} {path}") >= 2
            assert operation["summary"] in page.text
            assert operation["operationId"] in page.values_of("id")
            assert f"#{operation['operationId']}" in page.values_of("href")


def test_every_schema_and_member_and_status_is_on_it(smiths: FlaskClient, page: Page) -> None:
    document = smiths.get("/openapi.json").get_json()
    for name, schema in document["components"]["schemas"].items():
        assert f"schema-{name}" in page.values_of("id")
        assert all(member in page.text for member in schema.get("properties", {}))
    for operations in document["paths"].values():
        for operation in operations.values():
            assert all(response["description"] in page.text for response in operation["responses"].values())


def test_every_link_within_it_leads_somewhere_and_no_id_stands_twice(page: Page) -> None:
    ids = page.values_of("id")
    assert len(set(ids)) == len(ids)
    within = {href[1:] for href in page.values_of("href") if href.startswith("#")}
    assert len(within) > 20
    assert within <= set(ids)


def test_it_refers_to_no_other_host_and_runs_nothing(smiths: FlaskClient, page: Page) -> None:
    text = smiths.get("/docs").text
    assert "http:" not in text
    assert "https:" not in text
    assert "//" not in text
    assert {"script", "img", "iframe", "form", "style", "object"}.isdisjoint(page.tags)
    assert page.values_of("style") == []
    assert not [name for name, _ in page.attributes if name.startswith("on")]


def test_no_template_is_left_unfilled(page: Page) -> None:
    assert not re.search(r"{{|}}|{%|%}|Undefined", page.text)


def test_its_headers_let_a_browser_load_its_own_style_and_nothing_else(smiths: FlaskClient) -> None:
    headers = smiths.get("/docs").headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe-" not in policy
    assert dict(part.strip().split(" ", 1) for part in policy.split(";")) == {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_its_style_sheet_is_served_from_here(smiths: FlaskClient, page: Page) -> None:
    [address] = [href for href in page.values_of("href") if href.endswith(".css")]
    with smiths.get(address) as response:
        assert (response.status_code, response.mimetype) == (200, "text/css")
        style = response.get_data(as_text=True)
    assert "@media print" in style
    assert "url(" not in style
    assert "@import" not in style


def test_its_other_links_lead_somewhere(smiths: FlaskClient, page: Page) -> None:
    for href in page.values_of("href"):
        if not href.startswith("#"):
            with smiths.get(unescape(href)) as response:
                assert response.status_code == 200
