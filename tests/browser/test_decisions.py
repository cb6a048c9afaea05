"""What a reviewer does who doubts a decision, in a real Chromium."""

import json
from pathlib import Path
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from flask.testing import FlaskClient
from playwright.sync_api import Browser, expect

from authz_service.journal.proof import check_proof
from tests.browser.browsing import DESKTOP, PHONE, sign_in
from tests.browser.examples import where
from tests.pdf import pages_of_pdf
from tests.web.conftest import parts_of

THEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")


def test_a_reviewer_doubts_a_decision_sees_the_fact_checks_the_proof_and_exports_the_review(
    chromium: Browser, smiths: FlaskClient, url: str, tmp_path: Path
) -> None:
    decision_id = where(url, "{no}").removeprefix(url)
    context = chromium.new_context(viewport=DESKTOP)
    page = sign_in(context, url)
    page.get_by_role("link", name="Decisions").click()
    page.get_by_label("Person").fill("mary.jones")
    page.locator("select[name=answer]").select_option("deny")
    page.get_by_role("button", name="Search").click()
    row = page.locator("tr", has=page.locator(f'a[href="/decisions/{decision_id}"]'))
    expect(row).to_contain_text("mary.jones")
    row.get_by_role("link", name="A user may not see the usage of a mobile that is somebody else's").click()
    fact = page.locator("dl.facts div", has=page.get_by_text("is holder", exact=True))
    expect(fact).to_contain_text("no")
    expect(page.get_by_text("The same:")).to_be_visible()
    expect(page.get_by_text("No, the proof holds.")).to_be_visible()
    with page.expect_download() as loading:
        page.get_by_role("link", name="Download the proof").click()
    file = tmp_path / loading.value.suggested_filename
    loading.value.save_as(file)
    writer = parts_of(smiths.application).journal.writer
    assert writer
    assert file.name == f"proof-{decision_id}.json"
    assert check_proof(json.loads(file.read_text()), [writer.public_key])
    page.get_by_role("link", name="USER-3").first.click()
    page.wait_for_url("**/#USER-3")
    page.get_by_role("link", name="Reviews").click()
    page.get_by_label("Customer number").fill("123456789")
    page.get_by_label("Customer number").press("Enter")
    of_mary = page.locator("tbody", has=page.get_by_role("rowheader", name="Mary Jones")).filter(has_text="mobile-2003")
    expect(of_mary.locator("tr", has_text="mobile-2003").locator(".deny").first).to_contain_text("no")
    page.get_by_label("Note").fill("Looked into a doubt about mobile-2003: it is Tracy's.")
    page.get_by_role("button", name="Sign off").click()
    page.wait_for_url("**/reviews/**")
    for link in ("As PDF", "As CSV"):
        with page.expect_download() as loading:
            page.get_by_role("link", name=link).click()
        loading.value.save_as(tmp_path / link)
    assert "mary.jones" in (tmp_path / "As CSV").read_text()
    assert any("Mary Jones" in text for text in pages_of_pdf((tmp_path / "As PDF").read_bytes()))
    context.close()


def test_a_question_is_tried_by_keyboard_alone_on_a_phone_too(chromium: Browser, url: str) -> None:
    for viewport in (DESKTOP, PHONE):
        context = chromium.new_context(viewport=viewport)
        page = sign_in(context, url)
        page.goto(f"{url}/ask")
        page.get_by_label("Person").focus()
        page.keyboard.type("mary.jones")
        page.keyboard.press("Tab")
        page.keyboard.type("activate an option")
        page.keyboard.press("Tab")
        page.keyboard.type("mobile-2002")
        page.keyboard.press("Tab")
        page.keyboard.type("extra-data-5gb")
        page.keyboard.press("Enter")
        page.wait_for_url("**/ask#answer")
        expect(page.get_by_role("listitem").filter(has_text="the option were free")).to_be_visible()
        page.locator("details:not([open])").first.evaluate("details => { details.open = true; }")
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            results = Axe().run(page)
            assert results.violations_count == 0, results.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
        context.close()
