"""What questions are tried on: a policies folder and customer data, each read again after an edit."""

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Engine

from authz_service.cli.database import database_of
from authz_service.customers.exporting import FileFormat, export
from authz_service.customers.record import RecordKind
from authz_service.fingerprint import fingerprint
from authz_service.opa.bundle import build_bundle
from authz_service.opa.command import run_opa
from authz_service.opa.engine import PACKAGE, RULE, parse_verdict
from authz_service.policy.sentences import Phrases, read_phrases
from authz_service.policy.situations import InputSchema, read_schema
from authz_service.questions import Answer, Json


class TriedPolicy:
    """A policies folder that can be asked.

    Args:
        opa: The program.
        folder: The policies folder.
        work: A folder for its bundle.

    Raises:
        InvalidPolicy: It is broken.
    """

    schema: InputSchema
    phrases: Phrases

    def __init__(self, opa: Path, folder: Path, work: Path) -> None:
        self.folder = folder
        self._opa = opa
        self._bundle = work / "bundle.tar.gz"
        self.reload()

    @property
    def is_edited(self) -> bool:
        return fingerprint([self.folder]) != self._read

    def reload(self) -> None:
        """Reads it again; the policy before stays where it is broken now.

        Raises:
            InvalidPolicy: It is broken.
        """
        # Before anything is read, so that an edit from here on is noticed, and a broken one is told once.
        self._read = fingerprint([self.folder])
        schema = read_schema(self.folder)
        phrases = read_phrases(self.folder, schema)
        build_bundle(self._opa, self.folder, self._bundle)
        self.schema, self.phrases = schema, phrases

    def ask(self, facts: Mapping[str, Json]) -> Answer:
        options = ["--bundle", self._bundle.name, "--stdin-input", "--strict-builtin-errors", "--format", "json"]
        asked = json.dumps({"documents": [facts]})
        query = f"data.{PACKAGE}.{RULE}"
        printed = run_opa(
            self._opa, "eval", *options, query, cwd=self._bundle.parent, shown=self.folder / "bundle", stdin=asked
        )
        said = json.loads(printed)
        value = {"result": said["result"][0]["expressions"][0]["value"]} if "result" in said else {}
        [answer] = parse_verdict(value).answers
        return answer


class _Read(NamedTuple):
    database: Engine
    objects: Mapping[RecordKind, Sequence[Mapping[str, Any]]]


class TriedData:
    """Customer data of files, in memory.

    Args:
        files: YAML or NDJSON.
        open_until: Closes it in the end.

    Raises:
        InvalidFile: Every fault in the files.
    """

    def __init__(self, files: Sequence[Path], open_until: ExitStack) -> None:
        self._files = files
        self._open = open_until.enter_context(ExitStack())
        self.reload()

    @property
    def is_edited(self) -> bool:
        return fingerprint(self._files) != self._fingerprint

    @property
    def database(self) -> Engine:
        return self._data.database

    def reload(self) -> None:
        """Reads them again; what was read before stays where they are broken now.

        Raises:
            InvalidFile: Every fault in the files.
        """
        self._fingerprint = fingerprint(self._files)
        with ExitStack() as opened:
            database = opened.enter_context(database_of(*self._files))
            self._data = _Read(database, _objects(database))
            self._open.close()
            self._open.push(opened.pop_all())

    def people(self) -> dict[str, str]:
        """By id the name, and the role on each customer number."""
        roles: dict[str, list[str]] = {}
        for customer in self._data.objects[RecordKind.CUSTOMER]:
            for member in customer.get("members", ()):
                roles.setdefault(member["person"], []).append(f"{member['role']} of {customer['number']}")
        return {
            person["id"]: ", ".join([person["name"], *(roles.get(person["id"]) or ["linked to no customer number"])])
            for person in self._data.objects[RecordKind.PERSON]
        }

    def things(self) -> dict[str, str]:
        """By number or id the customers, each with its subscriptions."""
        listed = {}
        for customer in self._data.objects[RecordKind.CUSTOMER]:
            listed[customer["number"]] = f"{customer['name']}, {customer.get('kind', 'residential')}"
            for subscription in customer.get("subscriptions", ()):
                said = [subscription[key] for key in ("kind", "number", "holder") if key in subscription]
                said += [f"{key} {subscription[key]}" for key in ("plan", "paid_by") if key in subscription]
                listed[subscription["id"]] = ", ".join(said)
        return listed

    def options(self) -> dict[str, str]:
        """By id the options."""
        return {
            option["id"]: f"{option['name']}, for {option['for']}, {option['price']}"
            for option in self._data.objects[RecordKind.OPTION]
        }


def _objects(database: Engine) -> dict[RecordKind, list[Mapping[str, Any]]]:
    written = BytesIO()
    export(database, written, FileFormat.NDJSON)
    objects: dict[RecordKind, list[Mapping[str, Any]]] = {kind: [] for kind in RecordKind}
    for line in written.getvalue().splitlines():
        [(kind, one)] = json.loads(line).items()
        objects[RecordKind(kind)].append(one)
    return objects
