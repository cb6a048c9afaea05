import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, Response, jsonify
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError
from pydantic import ValidationError as ShapeError
from sqlalchemy import create_engine

from authz_service.customers.domain import MyProximus
from authz_service.web.endpoint import Endpoint, declares
from authz_service.web.evaluation import read_question
from authz_service.web.shapes import Alive, EvaluationRequest, EvaluationsRequest
from authz_service.words import Scope
from tests.web.asking import CUSTOMER, changed, question
from tests.web.documented import DocumentedClient

HER_USAGE = question("mary.jones", "view_usage", "mobile-2002", channel="app")
DOMAIN = MyProximus(create_engine("sqlite://"))

# What OpenAPI 3.1 asks of a document, as far as ours goes.
_CONTENT = {
    "type": "object",
    "minProperties": 1,
    "propertyNames": {"enum": ["application/json", "application/problem+json"]},
    "additionalProperties": {
        "type": "object",
        "required": ["schema"],
        "properties": {"schema": {"type": "object", "required": ["$ref"]}, "example": True},
        "additionalProperties": False,
    },
}
OPENAPI = {
    "type": "object",
    "required": ["openapi", "info", "paths", "components"],
    "additionalProperties": False,
    "properties": {
        "openapi": {"pattern": r"^3\.1\.\d+$"},
        "info": {
            "required": ["title", "version", "description"],
            "additionalProperties": {"type": "string", "minLength": 1},
        },
        "paths": {
            "propertyNames": {"pattern": "^/"},
            "additionalProperties": {
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"enum": ["get", "put", "post", "delete"]},
                "additionalProperties": {"$ref": "#/$defs/operation"},
            },
        },
        "components": {
            "required": ["schemas", "securitySchemes"],
            "additionalProperties": {"propertyNames": {"pattern": r"^[A-Za-z0-9._-]+$"}},
        },
    },
    "$defs": {
        "operation": {
            "type": "object",
            "required": ["operationId", "summary", "responses"],
            "additionalProperties": False,
            "properties": {
                "operationId": {"pattern": r"^\w+$"},
                "summary": {"type": "string", "minLength": 1},
                "description": {"type": "string", "minLength": 1},
                "security": {"type": "array", "items": {"type": "object"}},
                "parameters": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "required": ["name", "in", "required", "schema"],
                        "additionalProperties": False,
                        "properties": {
                            "name": {"type": "string"},
                            "in": {"enum": ["path", "header"]},
                            "required": {"type": "boolean"},
                            "description": {"type": "string", "minLength": 1},
                            "schema": {"type": "object"},
                        },
                        "if": {"properties": {"in": {"const": "path"}}},
                        "then": {"properties": {"required": {"const": True}}},
                    },
                },
                "requestBody": {
                    "required": ["required", "content"],
                    "properties": {"required": {"const": True}, "content": _CONTENT},
                    "additionalProperties": False,
                },
                "responses": {
                    "type": "object",
                    "minProperties": 1,
                    "propertyNames": {"pattern": "^[1-5][0-9][0-9]$"},
                    "additionalProperties": {
                        "type": "object",
                        "required": ["description"],
                        "additionalProperties": False,
                        "properties": {"description": {"type": "string", "minLength": 1}, "content": _CONTENT},
                    },
                },
            },
        },
    },
}


@pytest.fixture(scope="module")
def document(smiths: FlaskClient) -> dict[str, Any]:
    response = smiths.get("/openapi.json")
    assert (response.status_code, response.content_type) == (200, "application/json")
    body: dict[str, Any] = response.get_json()
    return body


def test_it_is_an_openapi_document(document: dict[str, Any]) -> None:
    Draft202012Validator(OPENAPI).validate(document)


def test_its_schemas_are_json_schemas(document: dict[str, Any]) -> None:
    assert len(document["components"]["schemas"]) > 20
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_reference_in_it_leads_somewhere_and_no_schema_is_left_over(document: dict[str, Any]) -> None:
    referred = set(references(document))
    schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert referred == schemas


def test_it_has_every_route_and_no_other(smiths: FlaskClient, document: dict[str, Any]) -> None:
    routes = {
        (re.sub(r"<(?:path:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in smiths.application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint != "documents.static"
    }
    assert {(path, method) for path, method, _ in operations(document)} == routes


def test_no_two_operations_have_the_same_id(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(ids)) == len(ids)


def test_every_variable_of_an_address_is_a_parameter(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        described = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
        assert described == set(re.findall(r"{(\w+)}", path))


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


def test_every_body_has_an_example_that_fits_its_schema_and_succeeds(
    client: FlaskClient, document: dict[str, Any]
) -> None:
    names = {"number": CUSTOMER, "person": "mary.jones", "option": "extra-data-5gb"}
    sent = 0
    for path, method, operation in operations(document):
        if method in {"post", "put"}:
            content = operation["requestBody"]["content"]["application/json"]
            Draft202012Validator(document | content["schema"]).validate(content["example"])
            response = client.open(path.format_map(names), method=method.upper(), json=content["example"])
            assert response.status_code in {200, 201}, response.text
            assert '"error"' not in response.text
            sent += 1
    assert sent >= 6


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
    assert shape_takes(EvaluationRequest, body) == reader_takes(body)


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
    assert shape_takes(EvaluationRequest, body) == reader_takes(body)


@pytest.mark.parametrize(
    "body",
    [
        HER_USAGE,
        HER_USAGE | {"evaluations": None},
        HER_USAGE | {"evaluations": []},
        HER_USAGE | {"evaluations": [{}]},
        HER_USAGE | {"evaluations": [{"context": {"channel": "web"}}, {"subject": None}, {"context": None}]},
        {"evaluations": [HER_USAGE, HER_USAGE]},
        HER_USAGE | {"evaluations": [HER_USAGE], "options": None},
        HER_USAGE | {"evaluations": [HER_USAGE], "options": {"evaluations_semantic": None, "other": 1}},
        HER_USAGE | {"evaluations": [HER_USAGE], "options": {"evaluations_semantic": "deny_on_first_deny"}},
        # what both refuse
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
    assert shape_takes(EvaluationsRequest, body) == (response.status_code == 200)


def reader_takes(body: dict[str, Any]) -> bool:
    read = read_question(body, [])
    if read is None:
        return False
    # The option of an action depends on the action's name: the document has it in words only.
    plain = read._replace(action=read.action._replace(properties={}))
    return not DOMAIN.faults(plain)


def shape_takes(shape: type[EvaluationRequest | EvaluationsRequest], body: object) -> bool:
    try:
        shape.model_validate(body)
    except ShapeError:
        return False
    return True


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


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
