"""Schemathesis calls the service with what the API document allows, and with what it does not allow."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import hypothesis
import pytest
import schemathesis
from flask import Flask
from schemathesis import Case
from schemathesis.config import SchemathesisConfig

from authz_service.settings import Settings
from tests.conftest import TOKEN
from tests.web.conftest import database_of
from tests.web.documented import PUBLIC_URL, whole_document

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

CONFIG = SchemathesisConfig.from_dict(
    {
        # The same requests in every run.
        "seed": 1,
        "generation": {
            "max-examples": 30,
            "deterministic": True,
            "database": "none",
            # The check of authorization leaves the token out, or changes it; everything else is tried with it.
            "with-security-parameters": False,
        },
        "suppress-health-check": ["all"],
        "auth": {"openapi": {"token": {"bearer": TOKEN}}},
        # Besides what they are by default: whether a version is stale is looked at before anything else.
        "checks": {
            "positive_data_acceptance": {"expected-statuses": ["2xx", "401", "403", "404", "409", "412"]},
            "negative_data_rejection": {"expected-statuses": ["400", "401", "404", "405", "409", "412"]},
        },
        "operations": [
            {
                # No schema can say that members are known people, that holders are members, and so on.
                "include-name": "PUT /v1/customers/{number}",
                "checks": {"positive_data_acceptance": {"enabled": False}},
            }
        ],
    }
)


class Service:
    """Stands in for the app, which Schemathesis wants before there is one, and undoes what requests have changed."""

    @contextmanager
    def of(self, app: Flask) -> Iterator[None]:
        self._app = app
        self._is_changed = False
        file = str(database_of(app).url.database)
        with closing(sqlite3.connect(file)) as self._database, closing(sqlite3.connect(":memory:")) as self._kept:
            # It need not outlive the machine, and this is done for each request.
            self._database.execute("PRAGMA synchronous = OFF")
            self._database.backup(self._kept)
            yield

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        self._is_changed |= environ["REQUEST_METHOD"] != "GET"
        return self._app(environ, start_response)

    def begin_anew(self) -> None:
        if self._is_changed:
            self._kept.backup(self._database)
            self._is_changed = False


service = Service()
api = schemathesis.openapi.from_dict(whole_document(), config=CONFIG)
api.app = service


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, public_url=PUBLIC_URL)


@pytest.fixture(autouse=True)
def at_your_service(app: Flask) -> Iterator[None]:
    with service.of(app):
        yield


@api.parametrize()
def test_no_request_leads_out_of_the_document(case: Case[Any]) -> None:
    service.begin_anew()
    meet_what_no_schema_says(case)
    case.call_and_validate()


def meet_what_no_schema_says(case: Case[Any]) -> None:
    if case.meta is None or case.meta.generation.mode.is_negative:
        return
    body: Any = case.body
    if case.method == "PUT":
        # The address names what the body names; a dot is escaped, as one alone would be taken out of the address.
        [name] = case.path_parameters
        key: str = body["number" if name == "number" else "id"]
        case.path_parameters[name] = quote(key, safe="").replace(".", "%2E")
    elif "/search/" in case.path and body.get("page"):
        # A token is one that the service gave before.
        body["page"].pop("token", None)


class Sequences(api.as_state_machine()):  # type: ignore[misc]  # made from the document
    def setup(self) -> None:
        service.begin_anew()

    def before_call(self, case: Case[Any]) -> None:
        meet_what_no_schema_says(case)


def test_no_sequence_of_requests_leads_out_of_the_document() -> None:
    # The configuration above is for single requests.
    settings = hypothesis.settings(Sequences.TestCase.settings, max_examples=50, derandomize=True, database=None)
    Sequences.run(settings=settings)
