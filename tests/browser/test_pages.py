"""Every page in a real Chromium: for everybody, with nothing from elsewhere."""

import re
from collections.abc import Iterator, Mapping
from typing import Literal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from tests.browser.browsing import DESKTOP, PAGES, PHONE, find_chromium, sign_in
from tests.browser.browsing import NoChromium as NoChromiumFound
from tests.browser.examples import where
from tests.browser.states import STATES, visited
from tests.conftest import TOKEN
from tests.pdf import pages_of_pdf

USABLE = "a[href], button, select, summary, input:not([type=hidden], [tabindex='-1']), [tabindex='0']"

Theme = Literal["light", "dark"]
EVERY_PAGE = pytest.mark.parametrize("path", [*PAGES.values(), "/sign-in"], ids=[*PAGES, "sign-in"])
BOTH_THEMES = pytest.mark.parametrize("theme", ["light", "dark"])


@pytest.fixture(scope="module")
def signed_in(chromium: Browser, url: str) -> Iterator[Page]:
    context = chromium.new_context(viewport=DESKTOP)
    yield sign_in(context, url)
    context.close()


@EVERY_PAGE
@BOTH_THEMES
def test_axe_finds_nothing(signed_in: Page, url: str, path: str, theme: Theme) -> None:
    signed_in.emulate_media(color_scheme=theme)
    signed_in.goto(where(url, path))
    signed_in.locator("details").evaluate_all("all => all.slice(0, 20).forEach(one => { one.open = true; })")
    results = Axe().run(signed_in)
    assert results.violations_count == 0, results.generate_report()


@EVERY_PAGE
def test_on_a_phone_nothing_is_beside_the_screen(chromium: Browser, signed_in: Page, url: str, path: str) -> None:
    context = chromium.new_context(viewport=PHONE, storage_state=signed_in.context.storage_state())
    page = context.new_page()
    page.goto(where(url, path))
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    context.close()


@EVERY_PAGE
def test_nothing_is_loaded_from_elsewhere_and_nothing_is_refused(signed_in: Page, url: str, path: str) -> None:
    asked: list[str] = []
    said: list[str] = []

    def see(request: Request) -> None:
        asked.append(request.url)

    def hear(message: ConsoleMessage) -> None:
        # That a page is not there, or a form is wrong, is what some of them are about.
        if message.type in {"error", "warning"} and not re.search("40[04]", message.text):
            said.append(message.text)

    signed_in.on("request", see)
    signed_in.on("console", hear)
    signed_in.goto(where(url, path))
    signed_in.remove_listener("request", see)
    signed_in.remove_listener("console", hear)
    assert {urlsplit(address).netloc for address in asked} == {urlsplit(url).netloc}
    assert said == []
    assert signed_in.locator("script, style, [style], [onclick]").count() == 0


@EVERY_PAGE
def test_every_page_has_a_title_and_one_heading(signed_in: Page, url: str, path: str) -> None:
    signed_in.goto(where(url, path))
    assert signed_in.title().endswith("Authorization")
    assert signed_in.locator("h1").count() == 1
    assert signed_in.locator("main").count() == 1


def test_the_first_tab_skips_to_the_content(signed_in: Page, url: str) -> None:
    signed_in.goto(f"{url}/matrix")
    signed_in.keyboard.press("Tab")
    assert signed_in.evaluate("document.activeElement.textContent") == "Skip to the content"
    signed_in.keyboard.press("Enter")
    assert signed_in.evaluate("document.activeElement.id") == "content"


@pytest.mark.parametrize(
    "path", ["/", "/matrix", "/matrix/view_usage-subscription/user-own-mobile", "/matrix/diff?from=&to=", "/sign-in"]
)
def test_tab_reaches_all_that_can_be_used(signed_in: Page, url: str, path: str) -> None:
    signed_in.goto(url + path)
    usable = signed_in.locator(USABLE).locator("visible=true").count()
    reached = set()
    for _ in range(usable + 20):
        signed_in.keyboard.press("Tab")
        reached.add(signed_in.evaluate(f"[...document.querySelectorAll(`{USABLE}`)].indexOf(document.activeElement)"))
    assert len(reached - {-1}) == usable


def test_the_handbook_is_read_by_keyboard(signed_in: Page, url: str) -> None:
    signed_in.goto(f"{url}/")
    contents = signed_in.get_by_role("navigation", name="Chapters")
    contents.get_by_role("link", name="USER-1", exact=True).press("Enter")
    assert signed_in.url == f"{url}/#USER-1"
    focused = "document.activeElement.closest('article')?.getAttribute('aria-labelledby')"
    signed_in.keyboard.press("Tab")
    assert signed_in.evaluate(focused) == "USER-1"
    for _ in range(12):
        if signed_in.evaluate("document.activeElement.tagName") == "SUMMARY":
            break
        signed_in.keyboard.press("Tab")
    assert signed_in.evaluate(focused) == "USER-1"
    signed_in.keyboard.press("Enter")
    assert signed_in.evaluate("document.activeElement.parentElement.open")
    assert signed_in.locator("details[open] dd[lang=nl]").first.is_visible()


def test_a_visitor_signs_in_by_keyboard_and_is_told_of_a_wrong_token(chromium: Browser, url: str) -> None:
    context = chromium.new_context(viewport=DESKTOP)
    page = context.new_page()
    page.goto(f"{url}/sign-in")
    field = page.get_by_label("Your token")
    for _ in range(4):
        page.keyboard.press("Tab")
        if field.evaluate("field => field === document.activeElement"):
            break
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert field.get_attribute("aria-describedby") == alert.get_attribute("id")
    assert field.get_attribute("aria-invalid") == "true"
    field.focus()
    page.keyboard.type(TOKEN)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Sign in"
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=1, name="Who may do what, and why").wait_for(timeout=60_000)
    context.close()


@pytest.mark.parametrize("state", STATES)
@BOTH_THEMES
def test_axe_finds_nothing_where_nothing_can_be_shown(
    signed_in: Page, states: Mapping[str, str], state: str, theme: Theme
) -> None:
    signed_in.emulate_media(color_scheme=theme)
    with visited(signed_in, states, state):
        results = Axe().run(signed_in)
        assert results.violations_count == 0, results.generate_report()
        assert signed_in.get_by_role("heading", level=1).inner_text() == STATES[state]


@pytest.mark.parametrize("state", STATES)
def test_on_a_phone_nothing_is_beside_the_screen_where_nothing_can_be_shown(
    chromium: Browser, signed_in: Page, states: Mapping[str, str], state: str
) -> None:
    context = chromium.new_context(viewport=PHONE, storage_state=signed_in.context.storage_state())
    page = context.new_page()
    with visited(page, states, state):
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    context.close()


def test_enter_on_a_cell_opens_why_and_there_is_a_way_back(signed_in: Page, url: str) -> None:
    signed_in.goto(f"{url}/matrix")
    cell = signed_in.locator("tr", has_text="see the usage").get_by_role("link", name="yes").nth(1)
    cell.focus()
    signed_in.keyboard.press("Enter")
    signed_in.wait_for_url("**/matrix/view_usage-subscription/user-own-mobile")
    assert signed_in.get_by_role("heading", level=1).inner_text().startswith("See the usage")
    signed_in.get_by_role("link", name="A user sees the usage of his or her own mobile").click()
    signed_in.wait_for_url("**/#rule-own_mobile_usage")
    assert signed_in.locator("#rule-own_mobile_usage").is_visible()


def test_the_filters_work_without_a_script(signed_in: Page, url: str) -> None:
    signed_in.goto(f"{url}/matrix")
    signed_in.get_by_label("Answer").select_option("if")
    signed_in.get_by_role("button", name="Show").click()
    signed_in.wait_for_url("**/matrix?*answer=if")
    assert signed_in.locator("td.condition").count() == 4
    assert signed_in.locator("th", has_text="see the bills").count() == 0


def test_the_matrix_prints_on_one_a4_page(signed_in: Page, url: str) -> None:
    signed_in.goto(f"{url}/matrix")
    assert signed_in.pdf(format="A4").count(b"/Type /Page\n") == 1


def test_what_is_closed_on_the_screen_is_read_on_paper(signed_in: Page, url: str) -> None:
    signed_in.goto(f"{url}/")
    said = signed_in.locator("details dd").first.text_content()
    assert said
    assert not signed_in.locator("details dd").first.is_visible()
    printed = " ".join(" ".join(pages_of_pdf(signed_in.pdf(format="A4"))).split())
    assert said in printed


def test_a_review_is_signed_off_and_taken_along(signed_in: Page, url: str) -> None:
    signed_in.goto(f"{url}/customers")
    signed_in.get_by_label("Customer number").fill("123456789")
    signed_in.get_by_role("button", name="Review").click()
    signed_in.get_by_label("Note").fill("Looked at on the phone with Philip.")
    signed_in.get_by_role("button", name="Sign off").click()
    signed_in.wait_for_url("**/reviews/**")
    assert Axe().run(signed_in).violations_count == 0
    assert signed_in.get_by_text("Looked at on the phone with Philip.").is_visible()
    with signed_in.expect_download() as download:
        signed_in.get_by_role("link", name="As PDF").click()
    assert "Looked at on the phone with Philip." in " ".join(pages_of_pdf(download.value.path().read_bytes()))


def test_signing_out_leads_to_signing_in(chromium: Browser, url: str) -> None:
    context = chromium.new_context()
    page = sign_in(context, url)
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.goto(f"{url}/matrix")
    assert urlsplit(page.url).path == "/sign-in"
    context.close()


def test_without_a_browser_it_is_told_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHZ_CHROMIUM_BIN", "/nowhere/chromium")
    with pytest.raises(NoChromiumFound, match="apt-get install chromium"):
        find_chromium()
