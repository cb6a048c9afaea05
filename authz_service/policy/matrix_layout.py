"""How the permission matrix of a policies folder is arranged: its rows, its columns, and what conditions are called."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from authz_service.errors import Fault, InvalidPolicy
from authz_service.policy.alternatives import Alternatives
from authz_service.policy.sentences import Several
from authz_service.policy.situations import InputSchema

FILE = Path("schemas") / "matrix.yaml"


class Layout(NamedTuple):
    """How the situations are arranged.

    Attributes:
        columns: Whom a column is about, by its title.
        rows: What the rows of a group are about, by its title.
        conditions: What conditions are called.
        in_short: What some of them are called where there is little room.
    """

    columns: Mapping[str, Several]
    rows: Mapping[str, Sequence[Several]]
    conditions: Mapping[str, Alternatives]
    in_short: Mapping[str, str]


def read_layout(policies: Path, schema: InputSchema) -> Layout:
    """How the policies folder arranges its situations.

    Raises:
        InvalidPolicy: It is missing, of another shape, or speaks of facts that the schema does not have.
    """
    file = policies / FILE
    try:
        read = yaml.safe_load(file.read_text(encoding="utf-8"))
        columns = {title: _facts(facts) for title, facts in read["columns"].items()}
        rows = {title: tuple(map(_facts, of_group)) for title, of_group in read["rows"].items()}
        conditions = {title: tuple(map(_facts, boxes)) for title, boxes in read["conditions"].items()}
        in_short = {title: str(said) for title, said in read.get("in_short", {}).items()}
    except (OSError, ValueError, yaml.YAMLError, LookupError, TypeError, AttributeError) as error:
        what = "must be YAML with `columns`, `rows` in groups, and `conditions`, each with the values of facts"
        raise InvalidPolicy([Fault(what, file=str(file))]) from error
    known = {(fact, value) for kind in schema.kinds for fact, values in kind.facts.items() for value in values}
    places = [
        *((f"columns.{title}", facts) for title, facts in columns.items()),
        *((f"rows.{title}", facts) for title, of_group in rows.items() for facts in of_group),
        *((f"conditions.{title}", box) for title, boxes in conditions.items() for box in boxes),
    ]
    faults = [
        Fault(f"there is no such value in the schema: {value!r}", f"{place}.{fact}", file=str(file))
        for place, facts in places
        for fact, values in facts.items()
        for value in values
        if (fact, value) not in known
    ]
    faults += [
        Fault("there is no such condition", f"in_short.{title}", file=str(file))
        for title in in_short
        if title not in conditions
    ]
    if faults:
        raise InvalidPolicy(faults)
    return Layout(columns, rows, conditions, in_short)


def _facts(read: Mapping[str, Any]) -> Several:
    return {fact: tuple(values) for fact, values in read.items()}
