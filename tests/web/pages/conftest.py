import pytest
from flask.testing import FlaskClient

from tests.web.pages.reading import signed_in


@pytest.fixture
def reader(smiths: FlaskClient) -> FlaskClient:
    """Somebody who has signed in."""
    return signed_in(smiths)
