import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from flask import Flask, Response, jsonify
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError
from openapi_spec_validator import validate
from sqlalchemy import create_engine

from authz_service.customers.domain import MyProximus
from authz_service.web.endpoint import Endpoint, declaration_of, declares
from authz_service.web.evaluation import read_question
from authz_service.web.shapes import Alive, EvaluationRequest, EvaluationsRequest
from authz_service.words import Scope
from tests.web.asking import changed, question
from tests.web.documented import DocumentedClient, operations, path_of

HER_USAGE = question("mary.jones", "view_usage", "mobile-2002", channel="app")
DOMAIN = MyProximus(create_engine("sqlite://"))


@pytest.fixture(scope="module")
def document(smiths: FlaskClient) -> dict[str, Any]:
    response = smiths.get("/openapi.json")
    assert (response.status_code, response.content_type) == (200, "application/json")
    body: dict[str, Any] = response.get_json()
    return body


def test_it_is_an_openapi_document(document: dict[str, Any]) -> None:
    validate(document)


def test_what_takes_long_is_made_once(
    document: dict[str, Any], smiths: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("authz_service.web.openapi.models_json_schema")
    assert smiths.get("/openapi.json").get_json() == document


def test_every_reference_in_it_leads_somewhere_and_no_schema_is_left_over(document: dict[str, Any]) -> None:
    referred = set(references(document))
    schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert referred == schemas


def test_it_has_every_endpoint_and_no_other(smiths: FlaskClient, document: dict[str, Any]) -> None:
    routes = {
        (path_of(rule), method.lower())
        for rule in smiths.application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if isinstance(declaration_of(smiths.application.view_functions[rule.endpoint]), Endpoint)
    }
    assert {(path, method) for path, method, _ in operations(document)} == routes


def test_what_needs_a_token_says_so_and_names_the_scope(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"] == {"token": {"type": "http", "scheme": "bearer"}}
    is_open = {"/docs", "/healthz", "/metrics", "/openapi.json", "/readyz"}
    for path, _, operation in operations(document):
        if path in is_open:
            assert "security" not in operation
            assert {"401", "403"}.isdisjoint(operation["responses"])
        else:
            assert operation["security"] == [{"token": []}]
            assert re.fullmatch(f"Needs the scope ({'|'.join(Scope)}).", operation["description"])
            assert {"401", "403", "500", "503"} <= set(operation["responses"])


def test_every_problem_is_described_as_one(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400 and path != "/readyz":
                assert list(response["content"]) == ["application/problem+json"]


@pytest.mark.parametrize(
    ("status", "body"), [(200, {"status": "alive"}), (200, {"status": "dead"}), (418, {"status": "alive"})]
)
def test_the_client_of_these_tests_refuses_what_the_document_does_not_have(status: int, body: object) -> None:
    app = Flask("made", static_folder=None)
    app.test_client_class = DocumentedClient

    @app.get("/made")
    @declares(Endpoint("Made.", None, answers={200: Alive}))
    def made() -> tuple[Response, int]:
        return jsonify(body), status

    if (status, body) == (200, {"status": "alive"}):
        assert app.test_client().get("/made").get_json() == body
    else:
        with pytest.raises((AssertionError, ValidationError)):
            app.test_client().get("/made")


NOTHING: list[object] = [..., None]
NO_STRING: list[object] = [*NOTHING, 1, 1.5, True, [], {}]
NO_OBJECT: list[object] = [1, "text", True, [], [{}]]
CHANNELS: list[object] = [..., None, "web", "app", "Web", "", "desktop", 0, True, [], {}]
UNKNOWN: list[object] = [None, 1, "text", [], {"type": 1}]
NO_OPTIONS: list[object] = [1, "text", [], True]
NO_SEMANTICS: list[object] = ["", "all", 1, True, [], {}]
BODIES = [
    HER_USAGE,
    {},
    *(changed(HER_USAGE, member, value) for member in ("subject", "action", "resource") for value in NOTHING),
    *(
        changed(HER_USAGE, member, value)
        for member in ("subject.type", "subject.id", "action.name", "resource.type", "resource.id")
        for value in [*NO_STRING, "", "x", "x" * 1000, "\0"]
    ),
    *(
        changed(HER_USAGE, member, value)
        for member in ("subject", "action", "resource", "context")
        for value in [*NO_OBJECT, {}]
    ),
    *(
        changed(HER_USAGE, f"{member}.properties", value)
        for member in ("subject", "action", "resource")
        for value in [*NOTHING, *NO_OBJECT, {}, {"any": [1, {"thing": None}]}]
    ),
    *(changed(HER_USAGE, "context.channel", value) for value in CHANNELS),
    *(
        changed(HER_USAGE, member, value)
        for member in ("other", "subject.other", "action.other", "resource.other", "context.other")
        for value in UNKNOWN
    ),
]


def test_the_table_of_bodies_has_good_ones_and_bad_ones() -> None:
    taken = [reader_takes(body) for body in BODIES]
    assert taken.count(True) > 50
    assert taken.count(False) > 50


@pytest.mark.parametrize("body", BODIES, ids=repr)
def test_the_document_and_the_reader_take_the_same_evaluations(body: dict[str, Any]) -> None:
    assert document_takes(EvaluationRequest, body) == reader_takes(body)


texts = st.sampled_from(["", "person", "mary.jones", "web", "app"])
scalars = st.none() | st.booleans() | st.integers() | texts
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2), max_leaves=4
)
properties = st.dictionaries(st.sampled_from(["channel", "option", "role"]), anything) | anything
members = st.fixed_dictionaries({}, optional=dict.fromkeys(("type", "id", "name"), texts | anything)).flatmap(
    lambda made: st.just(made) | properties.map(lambda more: made | {"properties": more})
)
evaluations = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("subject", "action", "resource", "context"), members | properties)
)


@given(evaluations)
def test_they_take_the_same_of_whatever_evaluations(body: dict[str, Any]) -> None:
    assert document_takes(EvaluationRequest, body) == reader_takes(body)


@pytest.mark.parametrize(
    "body",
    [
        HER_USAGE,
        HER_USAGE | {"evaluations": None},
        HER_USAGE | {"evaluations": []},
        HER_USAGE | {"evaluations": [{}]},
        HER_USAGE | {"evaluations": [{"context": {"channel": "web"}}, {"subject": None}, {"context": None}]},
        {"evaluations": [HER_USAGE, HER_USAGE]},
        {"evaluations": [None, 1, "text", {"subject": 1}, {"subject": {}}, {"context": {"channel": 1}}]},
        {"subject": {}, "action": {"name": 1}, "context": {"channel": "fax"}, "evaluations": [HER_USAGE]},
        *(HER_USAGE | {"options": options} for options in NO_OPTIONS),
        HER_USAGE | {"evaluations": [HER_USAGE], "options": None},
        HER_USAGE | {"evaluations": [HER_USAGE], "options": {"evaluations_semantic": None, "other": 1}},
        HER_USAGE | {"evaluations": [HER_USAGE], "options": {"evaluations_semantic": "deny_on_first_deny"}},
        # what both refuse
        {},
        {"evaluations": []},
        {"subject": HER_USAGE["subject"], "evaluations": None},
        HER_USAGE | {"subject": {}, "evaluations": []},
        {"evaluations": {}},
        {"evaluations": "text"},
        {"evaluations": True},
        *(HER_USAGE | {"evaluations": [HER_USAGE], "options": options} for options in NO_OPTIONS),
        *(
            HER_USAGE | {"evaluations": [HER_USAGE], "options": {"evaluations_semantic": semantic}}
            for semantic in NO_SEMANTICS
        ),
        *({member: 1, "evaluations": [HER_USAGE]} for member in ("subject", "action", "resource", "context")),
    ],
    ids=repr,
)
def test_the_document_and_the_service_take_the_same_calls(smiths: FlaskClient, body: dict[str, Any]) -> None:
    response = smiths.post("/access/v1/evaluations", json=body)
    assert document_takes(EvaluationsRequest, body) == (response.status_code == 200)


def reader_takes(body: dict[str, Any]) -> bool:
    read = read_question(body, [])
    if read is None:
        return False
    # The option of an action depends on the action's name: the document has it in words only.
    plain = read._replace(action=read.action._replace(properties={}))
    return not DOMAIN.faults(plain)


def document_takes(shape: type[EvaluationRequest | EvaluationsRequest], body: object) -> bool:
    return validator(shape).is_valid(body)


@cache
def validator(shape: type[EvaluationRequest | EvaluationsRequest]) -> Draft202012Validator:
    return Draft202012Validator(shape.model_json_schema())


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "$ref":
                yield inner
            elif name == "mapping":
                yield from inner.values()
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)
