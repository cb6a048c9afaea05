"""Renews the pictures of every page: `python -m tests.browser.screenshots`, which is `make screenshots`."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from flask import Flask
from playwright.sync_api import Page, ViewportSize

from authz_service.app import close_app, create_app
from authz_service.callers.callers import Caller, token_sha256
from authz_service.customers.activation_code import key_finder
from authz_service.customers.importing import import_files
from authz_service.opa.binary import find_opa, project_tool_folder
from authz_service.opa.supervisor import SupervisedOpa
from authz_service.settings import Settings
from authz_service.storage.database import connect, upgrade
from authz_service.words import Scope
from tests.browser.browsing import DESKTOP, PAGES, PHONE, browser, served, sign_in
from tests.browser.examples import where
from tests.browser.states import STATES, in_every_state, visited
from tests.conftest import ROOT, SMITH_FAMILY, TOKEN
from tests.earlier import with_comparison

FOLDER = ROOT / "docs" / "screenshots"
_WHOLE = 2_400  # of a longer page the beginning is enough


class Look(NamedTuple):
    """How a page is looked at."""

    name: str
    viewport: ViewportSize
    theme: Literal["light", "dark"]


LOOKS = (Look("light", DESKTOP, "light"), Look("dark", DESKTOP, "dark"), Look("phone", PHONE, "light"))


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with _smiths() as (app, settings), served(app) as url, in_every_state(settings, url) as states, browser() as opened:
        for look in LOOKS:
            context = opened.new_context(viewport=look.viewport, color_scheme=look.theme)
            visitor = context.new_page()
            visitor.goto(f"{url}/sign-in")
            visitor.screenshot(path=FOLDER / f"sign-in-{look.name}.png")
            page = sign_in(context, url)
            for name, path in {**PAGES, "handbook-rule": "/#USER-1"}.items():
                page.goto("about:blank")
                page.goto(where(url, path))
                _shoot(page, name, look)
            page.goto(url + PAGES["ask"])
            page.get_by_role("button", name="Ask").click()
            page.locator("#answer").wait_for()
            _shoot(page, "ask-answered", look)
            for state in STATES:
                with visited(page, states, state):
                    page.screenshot(path=FOLDER / f"{state}-{look.name}.png")
            context.close()


def _shoot(page: Page, name: str, look: Look) -> None:
    height = page.evaluate("document.documentElement.scrollHeight")
    page.screenshot(path=FOLDER / f"{name}-{look.name}.png", full_page=height <= _WHOLE)


@contextmanager
def _smiths() -> Iterator[tuple[Flask, Settings]]:
    """The service over the Smith family, with the policy of the checkout, and its settings."""
    with tempfile.TemporaryDirectory() as state:
        url = f"sqlite:///{Path(state) / 'authz.db'}"
        database = connect(url)
        upgrade(database)
        import_files(database, [SMITH_FAMILY], key_finder(None, database))
        database.dispose()
        program, policies = find_opa(os.environ, project_tool_folder()), ROOT / "policies"
        with SupervisedOpa(program, policies) as opa:
            settings = Settings(url, opa.url, policy_status=opa.status_file)
            app = create_app(settings, callers=[Caller("reviewer", token_sha256(TOKEN), frozenset(Scope))])
            try:
                with_comparison(app, program, policies)
                yield app, settings
            finally:
                close_app(app)


if __name__ == "__main__":
    main()
