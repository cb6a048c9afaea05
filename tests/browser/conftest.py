from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser

from tests.browser.browsing import NoChromium, browser, served
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
def url(smiths: FlaskClient) -> Iterator[str]:
    """Where the Smith family's service is."""
    with served(smiths.application) as address:
        yield address
