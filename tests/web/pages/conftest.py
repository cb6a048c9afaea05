import pytest
from flask.testing import FlaskClient

from tests.web.pages.reading import signed_in, with_book


@pytest.fixture
def reader(smiths: FlaskClient) -> FlaskClient:
    """Somebody who has signed in."""
    return with_book(signed_in(smiths))
