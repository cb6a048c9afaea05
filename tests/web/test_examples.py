"""The examples of the API document, each run on the Smith family as it is in the fixtures."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from werkzeug.test import TestResponse

from authz_service.settings import Settings
from tests.processes import wait_until
from tests.web.documented import PUBLIC_URL, operations, whole_document

DOCUMENT = whole_document()
OPERATIONS = [(path, method) for path, method, _ in operations(DOCUMENT)]
DELETIONS = [(path, method) for path, method in OPERATIONS if method == "delete"]
# What is another with every policy, and with every call.
OF_ITS_DAY = {"policy_revision", "revision", "decision_id", "next_token"}
# What the journal makes anew for each decision, and what its keys make of a name.
OF_ITS_ENTRY = {"id", "at", "subject", "resource", "customer", "request_id", "chain", "sequence"}
OF_ITS_PROOF = {"entry", "ruling", "previous", "index", "path", "checkpoint", "signature"}

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
    decision_id = kept_decision(client) if path.startswith("/v1/decisions") else ""
    response = run(client, path, method, decision_id)
    status, answer = success(path, method)
    assert (response.status_code, response.mimetype) == (status, next(iter(answer), "text/html")), response.text
    for content in answer.values():
        if "example" in content:
            of_entry = OF_ITS_ENTRY | OF_ITS_PROOF if decision_id else ()
            assert of_any_day(response.get_json(), of_entry) == of_any_day(content["example"], of_entry)


def kept_decision(client: FlaskClient) -> str:
    """Makes the decision that the examples of the journal are about; returns its id once its block is signed."""
    decision_id = run(client, "/v1/decide", "post").headers["Decision-Id"]
    wait_until(lambda: client.get(f"/v1/decisions/{decision_id}/proof").status_code == 200)
    return decision_id


def run(client: FlaskClient, path: str, method: str, decision_id: str = "") -> TestResponse:
    operation = DOCUMENT["paths"][path][method]
    examples: dict[str, dict[str, str]] = {"path": {}, "header": {}, "query": {}}
    for parameter in operation.get("parameters", []):
        examples[parameter["in"]][parameter["name"]] = parameter["example"]
    if decision_id:
        examples["path"]["decision_id"] = decision_id
    content = body_of(operation)
    body = {"json": content["application/json"]["example"]} if content else {}
    address = path.format_map(examples["path"])
    return client.open(address, method=method, headers=examples["header"], query_string=examples["query"], **body)


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


def of_any_day(value: object, of_entry: Collection[str] = ()) -> object:
    """The answer without what is another next time; what is empty stays empty, but for what an entry makes."""
    match value:
        case dict():
            return {
                name: "…"
                if name in {*of_entry, "behind_bytes"} or (name in OF_ITS_DAY and inner)
                else of_any_day(inner, () if name == "facts" else of_entry)
                for name, inner in value.items()
            }
        case list():
            return [of_any_day(inner, of_entry) for inner in value]
        case _:
            return value
