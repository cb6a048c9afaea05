"""The examples of the API document, each run on the Smith family as it is in the fixtures."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from werkzeug.test import TestResponse

from authz_service.settings import Settings
from tests.web.documented import PUBLIC_URL, operations, whole_document

DOCUMENT = whole_document()
OPERATIONS = [(path, method) for path, method, _ in operations(DOCUMENT)]
DELETIONS = [(path, method) for path, method in OPERATIONS if method == "delete"]
# What is another with every policy, and with every call.
OF_ITS_DAY = {"policy_revision", "revision", "decision_id", "next_token"}

every_operation = pytest.mark.parametrize(("path", "method"), OPERATIONS)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, public_url=PUBLIC_URL)


@every_operation
def test_an_operation_has_examples_of_all_that_it_takes_and_answers(path: str, method: str) -> None:
    for schema, example in descriptions(path, method):
        Draft202012Validator(DOCUMENT | schema).validate(example)


@every_operation
def test_the_example_of_an_operation_succeeds_and_answers_as_in_the_document(
    client: FlaskClient, path: str, method: str
) -> None:
    if (path, method) in DELETIONS:
        # In the order of the document: a person goes after the customer numbers that he or she is on.
        for earlier in DELETIONS[: DELETIONS.index((path, method))]:
            run(client, *earlier)
    response = run(client, path, method)
    status, answer = success(path, method)
    assert (response.status_code, response.mimetype) == (status, next(iter(answer), "text/html")), response.text
    for content in answer.values():
        if "example" in content:
            assert of_any_day(response.get_json()) == of_any_day(content["example"])


def run(client: FlaskClient, path: str, method: str) -> TestResponse:
    operation = DOCUMENT["paths"][path][method]
    examples: dict[str, dict[str, str]] = {"path": {}, "header": {}}
    for parameter in operation.get("parameters", []):
        examples[parameter["in"]][parameter["name"]] = parameter["example"]
    content = body_of(operation)
    body = {"json": content["application/json"]["example"]} if content else {}
    return client.open(path.format_map(examples["path"]), method=method, headers=examples["header"], **body)


def descriptions(path: str, method: str) -> Iterator[tuple[dict[str, Any], object]]:
    """The schema of each thing that should have an example, and the example."""
    operation = DOCUMENT["paths"][path][method]
    for parameter in operation.get("parameters", []):
        yield parameter["schema"], parameter["example"]
    for content in body_of(operation).values():
        yield content["schema"], content["example"]
    for content in success(path, method)[1].values():
        # A page, metrics and this document are no JSON of a model.
        if "$ref" in content["schema"]:
            yield content["schema"], content["example"]


def body_of(operation: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = operation.get("requestBody", {}).get("content", {})
    return content


def success(path: str, method: str) -> tuple[int, dict[str, Any]]:
    """The first status of success, and the content that comes with it by media type."""
    status, response = next(iter(DOCUMENT["paths"][path][method]["responses"].items()))
    return int(status), response.get("content", {})


def of_any_day(value: object) -> object:
    """The answer without what is another next time; what is empty stays empty."""
    match value:
        case dict():
            return {name: "…" if name in OF_ITS_DAY and inner else of_any_day(inner) for name, inner in value.items()}
        case list():
            return [of_any_day(inner) for inner in value]
        case _:
            return value
