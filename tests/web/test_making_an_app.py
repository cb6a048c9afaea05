import inspect
from types import CodeType

import pytest
from flask import Flask, url_for
from werkzeug.routing import Rule

from authz_service.app import close_app, create_app
from authz_service.settings import Settings
from tests.fakes.engine import FakeEngine, says_nothing


def test_how_an_address_is_built_is_compiled_when_the_first_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []

    get_function = inspect.getattr_static(Rule, "_get_func_code").__func__

    def get_and_tell(code: CodeType, name: str) -> object:
        compiled.append(name)
        return get_function(code, name)

    monkeypatch.setattr(Rule, "_get_func_code", staticmethod(get_and_tell))
    app = create_app(Settings("sqlite://"), callers=[], engine=FakeEngine(says_nothing))
    try:
        assert compiled == []
        assert built_twice(app) == ["/v1/people/mary.jones?of=2"] * 2
        assert compiled == ["<builder:'/v1/people/<person_id:person>'>"]
    finally:
        close_app(app)


def built_twice(app: Flask) -> list[str]:
    with app.test_request_context():
        return [url_for("data.read_person", person="mary.jones", of=2) for _ in range(2)]
