"""Whether OPA takes it: strictly, against the schema, and with nothing that a policy may not use."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from authz_service.errors import Fault, InvalidPolicy
from authz_service.opa.bundle import build_bundle
from authz_service.opa.command import restricted, run_opa
from authz_service.policy.checks.places import Places
from authz_service.policy.situations import read_schema

_PROMISE = "promise.json"


def uncompiled(places: Places) -> list[Fault]:
    """What keeps the policy from going live, and what is wrong with its tests and promises."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        try:
            build_bundle(places.opa, places.policies, work / "bundle.tar.gz")
            read_schema(places.policies)
        except InvalidPolicy as error:
            return list(error.faults)
        try:
            _check_all(places, work)
        except InvalidPolicy as error:
            return list(error.faults)
    return []


def _check_all(places: Places, work: Path) -> None:
    schemas = work / "schemas"
    shutil.copytree(places.policies / "schemas", schemas, ignore=lambda _, names: [n for n in names if "json" not in n])
    (schemas / _PROMISE).write_text(json.dumps(_schema_of_promises(places.policies)), encoding="utf-8")
    options = ["--strict", "--max-errors", "0", "--schema", str(schemas), *restricted(places.opa, work)]
    checked = ["check", *options, "--format", "json", *places.with_tests()]
    run_opa(places.opa, *checked, cwd=places.policies, shown=places.policies)


def _schema_of_promises(policies: Path) -> dict[str, Any]:
    """What a promise is about: facts of whatever kind of question, and the answer."""
    facts = json.loads((policies / "schemas" / "input.json").read_text(encoding="utf-8"))
    words = {"type": "array", "items": {"type": "string"}}
    answer = {
        "allow": {"type": "boolean"},
        "reasons": words,
        "route": {"type": ["string", "null"]},
        "requires": words,
        "effects": words,
    }
    return _object(
        {
            "facts": _object({name: {"$ref": f"#/definitions/{name}"} for name in facts["definitions"]}),
            "answer": _object(answer),
        }
    ) | {"definitions": facts["definitions"]}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}
