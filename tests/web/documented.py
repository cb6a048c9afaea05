"""A test client that holds every response against the API document."""

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from authz_service import __version__
from authz_service.app import close_app, create_app
from authz_service.settings import Settings
from authz_service.web.endpoint import Endpoint, declaration_of
from authz_service.web.openapi import openapi_document
from tests.fakes.engine import FakeEngine, says_nothing

PUBLIC_URL = "https://authz.example.org"


def path_of(rule: Rule) -> str:
    """As the document writes the address of a route."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def whole_document() -> dict[str, Any]:
    """The document of an app with everything that there is only where it is configured."""
    app = create_app(Settings("sqlite://", public_url=PUBLIC_URL), callers=[], engine=FakeEngine(says_nothing))
    try:
        return openapi_document(app, __version__)
    finally:
        close_app(app)


class DocumentedClient(FlaskClient):
    """Fails on a response whose status, content type or body the API document does not have."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:  # noqa: ANN401 - as inherited
        response = super().open(*args, **kwargs)
        rule = self._rule_of(response)
        if rule is not None and response.request.method != "OPTIONS" and self._is_documented(rule):
            self._hold_against_document(rule, response)
        return response

    def _is_documented(self, rule: Rule) -> bool:
        return isinstance(declaration_of(self.application.view_functions[rule.endpoint]), Endpoint)

    @cached_property
    def _document(self) -> dict[str, Any]:
        return openapi_document(self.application, "0")

    def _rule_of(self, response: TestResponse) -> Rule | None:
        request = response.request
        try:
            rule, _ = self.application.url_map.bind("localhost").match(request.path, request.method, return_rule=True)
        except HTTPException:
            return None
        return rule

    def _hold_against_document(self, rule: Rule, response: TestResponse) -> None:
        method = response.request.method.replace("HEAD", "GET").lower()
        path = path_of(rule)
        documented = self._document["paths"][path][method]["responses"]
        status = str(response.status_code)
        assert status in documented, f"{method} {path}: {status} is not in the API document"
        for content_type, content in documented[status].get("content", {}).items():
            assert response.mimetype == content_type
            if response.request.method != "HEAD":
                schema = self._document | content["schema"]
                Draft202012Validator(schema).validate(response.get_json() if response.is_json else response.text)
        assert set(documented[status].get("headers", {})) <= set(response.headers.keys())
