"""One word for a thing: Python's vocabularies, the schema and the policy's catalogue have the same words."""

import json
import subprocess
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from authz_service.words import (
    ActionName,
    Channel,
    CustomerKind,
    PaidBy,
    Plan,
    ResourceType,
    Role,
    SubscriptionKind,
)
from tests.conftest import ROOT

_SCHEMA: dict[str, Any] = json.loads((ROOT / "policies" / "schemas" / "input.json").read_text())


@pytest.mark.parametrize(
    ("fact", "words", "besides"),
    [
        ("action", ActionName, {"unknown"}),
        ("channel", Channel, {"unspecified"}),
        ("role", Role, {"none"}),
        ("customer_kind", CustomerKind, set()),
        ("subscription_kind", SubscriptionKind, set()),
        ("plan", Plan, set()),
        ("paid_by", PaidBy, set()),
        ("resource", ResourceType, {"unknown_customer", "unknown_subscription", "unknown_type"}),
    ],
)
def test_the_schema_has_the_words_of_python(fact: str, words: type[StrEnum], besides: set[str]) -> None:
    assert set(_SCHEMA["definitions"][fact]["enum"]) == {*words, *besides}


def test_the_catalogue_has_the_actions_of_python(opa: Path) -> None:
    asked: list[str | Path] = [
        opa,
        "eval",
        "--format",
        "raw",
        "--data",
        "policies/bundle",
        "data.authz.catalogue.actions",
    ]
    said = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    catalogue = json.loads(said.stdout)
    assert set(catalogue) == set(ResourceType)
    assert {action for actions in catalogue.values() for action in actions} == set(ActionName)


def test_the_schema_is_a_schema() -> None:
    Draft7Validator.check_schema(_SCHEMA)


def test_every_fact_is_an_enumeration_or_a_boolean_and_defined_in_a_line() -> None:
    for name, fact in _SCHEMA["definitions"].items():
        assert "enum" in fact or fact["type"] == "boolean", name
        assert fact["description"].endswith("."), name
        assert "\n" not in fact["description"], name


def test_every_kind_of_question_is_closed_and_gives_all_its_facts() -> None:
    kinds = _SCHEMA["anyOf"]
    assert len(kinds) == 8
    for kind in kinds:
        assert kind["additionalProperties"] is False
        assert set(kind["required"]) == set(kind["properties"])
        assert set(kind["properties"]) <= set(_SCHEMA["definitions"])


def test_every_fact_is_in_some_kind_of_question() -> None:
    used = {fact for kind in _SCHEMA["anyOf"] for fact in kind["properties"]}
    assert used == set(_SCHEMA["definitions"])
