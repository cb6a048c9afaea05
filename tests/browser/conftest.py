from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser

from authz_service.opa.supervisor import SupervisedOpa
from authz_service.settings import Settings
from tests.browser.browsing import NoChromium, browser, served
from tests.browser.states import in_every_state
from tests.earlier import with_comparison
from tests.web.conftest import database_of, smiths

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


@pytest.fixture(scope="session")
def states(smiths: FlaskClient, running_opa: SupervisedOpa, url: str) -> Iterator[Mapping[str, str]]:
    """Where whoever has signed in there has nothing to see."""
    database_url = database_of(smiths.application).url.render_as_string(hide_password=False)
    with in_every_state(Settings(database_url, running_opa.url), url) as found:
        yield found
