"""The API document, made from what the endpoints declare."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from flask import Blueprint, Flask, Response, current_app, jsonify, render_template
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from authz_service.customers.model import CustomerNumber, Id
from authz_service.web.bodies import MAX_BYTES
from authz_service.web.endpoint import Endpoint, declaration_of, declares
from authz_service.web.request_ids import HEADER
from authz_service.web.shapes import Problem
from authz_service.web.slow_bodies import TOO_SLOW

_JSON = "application/json"
_SCHEMA = "#/components/schemas/{model}"
_VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")
_METHODS = ("GET", "POST", "PUT", "DELETE")
_ID = TypeAdapter(Id).json_schema()
_TEXT = {"type": "string"}
# What holds for a parameter wherever it stands; the examples are of the Smith family.
_PARAMETERS: Mapping[str, dict[str, object]] = {
    "number": {"schema": TypeAdapter(CustomerNumber).json_schema(), "example": "123456789"},
    "person": {"schema": _ID, "example": "mary.jones"},
    "option": {"schema": _ID, "example": "voicemail-to-text"},
    "If-Match": {"schema": _TEXT, "example": '"1"'},
    "Accept-Language": {"schema": _TEXT, "example": "en"},
    "decision_id": {"schema": _TEXT, "example": "01M84QSGESVD27XPQJ3W7TSFSQ"},
}
# What holds for a query parameter.
_SEARCHED = {"schema": {"type": "string", "pattern": r"^[^\x00]*$"}}
_TIME = {"schema": {"type": "string", "format": "date-time"}}
_QUERY_PARAMETERS: Mapping[str, dict[str, object]] = {
    "subject": _SEARCHED | {"example": "mary.jones"},
    "customer": _SEARCHED | {"example": "123456789"},
    "action": _SEARCHED | {"example": "view_usage"},
    "decision": {"schema": {"type": "string", "enum": ["true", "false"]}, "example": "true"},
    "from": _TIME | {"example": "2026-11-01T00:00:00Z"},
    "to": _TIME | {"example": "2099-12-31T23:59:59Z"},
    "limit": {"schema": {"type": "integer", "minimum": 1, "maximum": 1000}, "example": 10},
    "cursor": {
        "schema": {"type": "string", "pattern": r"^[0-7][0-9A-HJKMNP-TV-Z]{25}(\.(0|[1-9][0-9]{0,8}))?$"},
        "example": "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
    },
}
_OF_ALL = {500: "Something went wrong here; it is in the log of the service."}
_OF_A_SCOPE = {
    401: "No valid bearer token.",
    403: "The token does not have the scope, or the caller may not ask about this action.",
    429: "The caller asks more than its limits allow; try again after Retry-After.",
    503: "The database, or whoever issued the token, does not answer; try again after Retry-After.",
}
_OF_AN_ADDRESS = {404: "There is nothing at this address."}
_OF_A_BODY = {
    400: "The body breaks the contract; errors names each member.",
    408: TOO_SLOW,
    413: f"The body is larger than {MAX_BYTES // 1024 // 1024} MiB.",
}
_HEADERS_OF_PROBLEMS = {
    401: {"WWW-Authenticate": "That a bearer token is wanted, and whether the one given is invalid."},
    429: {"Retry-After": "The seconds to wait."},
    503: {"Retry-After": "The seconds to wait."},
}
_DESCRIPTION = f"""\
Who may do what with a customer number, decided by policy.

The decide endpoints follow the AuthZEN Authorization API 1.0. Every error is a problem document (RFC 9457).
The header {HEADER} is echoed, or made."""


def document_endpoints(version: str) -> Blueprint:
    endpoints = Blueprint("documents", __name__, template_folder="templates", static_folder="static")

    @endpoints.get("/openapi.json")
    @declares(Endpoint("This API as an OpenAPI document.", None, answers={200: "application/json"}))
    def openapi() -> Response:
        return jsonify(openapi_document(current_app, version))

    @endpoints.get("/docs")
    @declares(Endpoint("This API as a page to read.", None, answers={200: "text/html"}))
    def docs() -> str:
        return render_template("docs.html", document=openapi_document(current_app, version))

    return endpoints


def openapi_document(app: Flask, version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of every endpoint of the app."""
    paths: dict[str, dict[str, Any]] = {}
    models: dict[type[BaseModel], None] = {Problem: None}
    for rule in app.url_map.iter_rules():
        declaration = declaration_of(app.view_functions[rule.endpoint])
        if not isinstance(declaration, Endpoint):
            continue
        models |= dict.fromkeys(_models(declaration))
        path = _VARIABLE.sub(r"{\1}", rule.rule)
        for method in _METHODS:
            if method in (rule.methods or ()):
                paths.setdefault(path, {})[method.lower()] = _operation(method, path, rule, declaration)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Authorization service", "version": version, "description": _DESCRIPTION},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": _schemas(tuple(models)),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


@lru_cache(4)
def _schemas(models: tuple[type[BaseModel], ...]) -> Mapping[str, object]:
    # Kept, as they take nearly a tenth of a second, and whoever asks needs no token.
    _, schemas = models_json_schema([(model, "validation") for model in models], ref_template=_SCHEMA)
    definitions: Mapping[str, object] = schemas["$defs"]
    return definitions


def _models(declaration: Endpoint) -> Iterator[type[BaseModel]]:
    for model in (declaration.body, *declaration.answers.values()):
        if isinstance(model, type):
            yield model


def _operation(method: str, path: str, rule: Rule, declaration: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{method.lower()}{path}").strip("_"),
        "summary": declaration.summary,
    }
    if declaration.scope:
        operation["security"] = [{"token": []}]
        operation["description"] = f"Needs the scope {declaration.scope}."
    parameters = [_parameter(name, "path", "", is_required=True) for name in sorted(rule.arguments)]
    parameters += [_parameter(name, "header", what) for name, what in declaration.headers.items()]
    parameters += [
        {"name": name, "in": "query", "required": False, "description": what} | _QUERY_PARAMETERS[name]
        for name, what in declaration.query.items()
    ]
    if parameters:
        operation["parameters"] = parameters
    if declaration.body:
        content: dict[str, object] = {"schema": _reference(declaration.body)}
        if declaration.example is not None:
            content["example"] = declaration.example
        operation["requestBody"] = {"required": True, "content": {_JSON: content}}
    operation["responses"] = _responses(rule, declaration)
    return operation


def _parameter(name: str, where: str, what: str, *, is_required: bool = False) -> dict[str, Any]:
    parameter: dict[str, Any] = {"name": name, "in": where, "required": is_required}
    return parameter | ({"description": what} if what else {}) | _PARAMETERS[name]


def _responses(rule: Rule, declaration: Endpoint) -> dict[str, Any]:
    problems = dict(_OF_ALL)
    problems |= _OF_A_SCOPE if declaration.scope else {}
    problems |= _OF_AN_ADDRESS if rule.arguments else {}
    problems |= _OF_A_BODY if declaration.body else {}
    problems |= declaration.problems
    responses = {status: _answer(status, body, declaration) for status, body in declaration.answers.items()}
    responses |= {status: _problem(status, what) for status, what in problems.items()}
    return {str(status): response for status, response in sorted(responses.items())}


def _answer(status: int, body: type[BaseModel] | str | None, declaration: Endpoint) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": "Done." if body is None else "The answer."}
    if declaration.answer_headers:
        answer["headers"] = _headers(declaration.answer_headers)
    if isinstance(body, str):
        answer["content"] = {body: {"schema": {} if body == _JSON else _TEXT}}
    elif body is not None:
        answer["content"] = {_JSON: {"schema": _reference(body)}}
        if declaration.answer_example is not None and status == min(declaration.answers):
            answer["content"][_JSON]["example"] = declaration.answer_example
    return answer


def _problem(status: int, what: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": _reference(Problem)}}
    headers = _HEADERS_OF_PROBLEMS.get(status)
    return {"description": what, "content": content} | ({"headers": _headers(headers)} if headers else {})


def _headers(headers: Mapping[str, str]) -> dict[str, Any]:
    return {name: {"description": what, "required": True, "schema": _TEXT} for name, what in headers.items()}


def _reference(model: type[BaseModel]) -> Mapping[str, str]:
    return {"$ref": _SCHEMA.format(model=model.__name__)}
