from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser

from tests.browser.browsing import NoChromium, browser, served
from tests.earlier import with_comparison
from tests.web.conftest import smiths

__all__ = ["smiths"]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    try:
        with browser() as opened:
            yield opened
    except NoChromium as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def url(smiths: FlaskClient, opa: Path, policies: Path) -> Iterator[str]:
    """Where the Smith family's service is, which knows an earlier revision too."""
    with_comparison(smiths.application, opa, policies)
    with served(smiths.application) as address:
        yield address
