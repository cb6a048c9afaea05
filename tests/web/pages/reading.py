"""What tests of pages share: signing in as a reader does."""

import re

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import TOKEN
from tests.processes import wait_until

READ_WITHIN_SECONDS = 60.0

_FORM_KEY = re.compile(r'name="form_key" value="([^"]+)"')


def form_key(client: FlaskClient, path: str = "/sign-in") -> str:
    """What the form of a page brings along."""
    found = _FORM_KEY.search(client.get(path).text)
    assert found
    return found[1]


def sign_in(client: FlaskClient, token: str = TOKEN, there: str = "") -> TestResponse:
    return client.post("/sign-in", data={"form_key": form_key(client), "token": token, "next": there})


def signed_in(client: FlaskClient) -> FlaskClient:
    """A client of the same app that has signed in with the token of the tests, and sends no other."""
    reader = client.application.test_client()
    assert sign_in(reader).status_code == 303
    return reader


def with_book(reader: FlaskClient) -> FlaskClient:
    """The same reader, once the policy has been read by the service."""
    wait_until(lambda: "Refresh" not in reader.get("/").headers, READ_WITHIN_SECONDS)
    return reader
