"""Signing in with an account in a real Chromium, at a provider of another site."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Route
from werkzeug.serving import make_server

from authz_service.app import close_app, create_app
from authz_service.callers.callers import Caller, token_sha256
from authz_service.opa.supervisor import SupervisedOpa
from authz_service.settings import Settings
from authz_service.storage.database import connect, upgrade
from authz_service.words import Scope
from tests.browser.browsing import DESKTOP
from tests.conftest import TOKEN
from tests.ports import free_port
from tests.provider.running import OUTSIDER, READER, provider
from tests.serving import at_once, serving

HANDBOOK = "Who may do what, and why"


@pytest.fixture(scope="module")
def url(running_opa: SupervisedOpa, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a service is whose readers have accounts."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    database_url = f"sqlite:///{tmp_path_factory.mktemp('accounts') / 'authz.db'}"
    database = connect(database_url)
    upgrade(database)
    database.dispose()
    with provider(f"{address}/sign-in/back") as running:
        settings = Settings(database_url, running_opa.url, public_url=address, openid=running.settings())
        app = create_app(settings, callers=[Caller("tests", token_sha256(TOKEN), frozenset(Scope))])
        with serving(make_server("127.0.0.1", port, at_once(app), threaded=True)):
            yield address
        close_app(app)


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    opened = chromium.new_context(viewport=DESKTOP)
    yield opened
    opened.close()


def sign_in_with_account(page: Page, person: str) -> None:
    page.get_by_role("link", name="Sign in with your account").press("Enter")
    page.locator("input[name=login]").fill(person)
    page.locator("input[name=password]").fill("any")
    page.locator("button[type=submit]").click()
    page.get_by_role("button", name="Continue").click()


def test_a_reader_signs_in_with_an_account_and_gets_to_the_page_that_was_wanted(
    context: BrowserContext, url: str
) -> None:
    page = context.new_page()
    page.goto(f"{url}/matrix?answer=if")
    sign_in_with_account(page, READER)
    page.wait_for_url(f"{url}/matrix?answer=if")
    page.get_by_role("heading", level=1, name="Who may do what").wait_for(timeout=60_000)
    assert page.locator("td.condition").count() == 4
    assert page.get_by_text("reader~").is_visible()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{url}/sign-in")


def test_who_may_not_read_is_told_so_on_a_page_that_axe_finds_nothing_on(context: BrowserContext, url: str) -> None:
    page = context.new_page()
    page.goto(url)
    sign_in_with_account(page, OUTSIDER)
    page.get_by_role("alert").wait_for()
    assert "not among those that may read here" in page.get_by_role("alert").inner_text()
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def test_a_link_on_another_site_leads_whoever_has_signed_in_to_the_page(context: BrowserContext, url: str) -> None:
    def elsewhere(route: Route) -> None:
        route.fulfill(content_type="text/html", body=f'<a href="{url}/matrix">The matrix</a>')

    context.route("http://elsewhere.example/", elsewhere)
    page = context.new_page()
    page.goto(url)
    page.get_by_label("Your token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", level=1, name=HANDBOOK).wait_for(timeout=60_000)
    page.goto("http://elsewhere.example/")
    page.get_by_role("link", name="The matrix").click()
    page.get_by_role("link", name="Compare revisions").wait_for(timeout=10_000)
    assert page.url == f"{url}/matrix"


def test_a_link_on_another_site_leads_whoever_has_not_signed_in_to_do_so(context: BrowserContext, url: str) -> None:
    def elsewhere(route: Route) -> None:
        route.fulfill(content_type="text/html", body=f'<a href="{url}/matrix">The matrix</a>')

    context.route("http://elsewhere.example/", elsewhere)
    page = context.new_page()
    page.goto("http://elsewhere.example/")
    page.get_by_role("link", name="The matrix").click()
    page.get_by_label("Your token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{url}/matrix")
