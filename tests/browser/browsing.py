"""A real Chromium, a service for it to look at, and the pages that there are."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright
from werkzeug.serving import make_server

from tests.conftest import TOKEN
from tests.serving import at_once, serving

CHROMIUM_BIN = "AUTHZ_CHROMIUM_BIN"
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 375, "height": 812}

PAGES: Mapping[str, str] = {
    "handbook": "/",
    "matrix": "/matrix",
    "matrix-filtered": "/matrix?answer=if",
    "matrix-empty": "/matrix?who=not-linked&answer=yes",
    "cell-yes": "/matrix/view_usage-subscription/user-own-mobile",
    "cell-no": "/matrix/view_bills-customer/user-everything-else",
    "cell-on-condition": "/matrix/become_administrator-is_take_over/user-everything-else",
    "reviews": "/customers",
    "review": "/customers/123456789",
    "review-part": "/customers/123456789?people_after=mary.jones",
    "status": "/status",
    "diff": "/matrix/diff?from=&to=",
    "diff-choice": "/matrix/diff",
    "diff-unknown": "/matrix/diff?from=0123456789abcdef",
    "not-found": "/matrix/nothing/here",
    "ask": "/ask?person=mary.jones&action=activate_option&thing=mobile-2002&option=extra-data-5gb&channel=app",
    "decisions": "/decisions",
    "decisions-faults": "/decisions?from=yesterday&answer=perhaps",
    "decisions-empty": "/decisions?person=nobody",
    "decision-yes": "/decisions/{yes}",
    "decision-no": "/decisions/{no}?lang=fr",
    "decision-search": "/decisions/{search}",
    "decision-call": "/decisions/{call}",
    "decision-not-found": "/decisions/01M8AP7ACYZB5DBZ9GTCDH1AYP",
}
"""The pages of whoever has signed in, by name; `where` of the examples makes addresses of them."""


class NoChromium(Exception):
    """There is no browser to try pages in."""


def find_chromium() -> str:
    """The program.

    Raises:
        NoChromium: There is none.
    """
    found = os.environ.get(CHROMIUM_BIN) or shutil.which("chromium")
    if not found or not Path(found).exists():
        raise NoChromium(f"There is no Chromium: apt-get install chromium, or name the program in {CHROMIUM_BIN}.")
    return found


@contextmanager
def browser() -> Iterator[Browser]:
    # Its sandbox does not start for root, and what it looks at here is ours.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=find_chromium(), args=arguments)
        try:
            yield opened
        finally:
            opened.close()


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The address of an app that is served while the block lasts."""
    with serving(make_server("127.0.0.1", 0, at_once(app), threaded=True)) as address:
        yield address


def sign_in(context: BrowserContext, url: str) -> Page:
    """A page of whoever has signed in, as a person does it."""
    page = context.new_page()
    page.goto(f"{url}/")
    page.get_by_label("Your token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{url}/")
    # A page that says to wait loads itself again until the policy is read.
    page.get_by_role("heading", level=1, name="Who may do what, and why").wait_for(timeout=60_000)
    return page
