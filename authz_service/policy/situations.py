"""Every situation that the policy can be asked about: all that the closed schema admits, minus what cannot occur."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import yaml

from authz_service.errors import Fault, InvalidPolicy

Value: TypeAlias = str | bool
Facts: TypeAlias = Mapping[str, Value]

SCHEMA = Path("schemas") / "input.json"
_IMPOSSIBLE = Path("schemas") / "impossible.yaml"


class Kind(NamedTuple):
    """One kind of question.

    Attributes:
        title: What it is about.
        facts: The values that each of its facts can have, in the order of the schema.
    """

    title: str
    facts: Mapping[str, tuple[Value, ...]]


class Impossible(NamedTuple):
    """Facts that exclude each other.

    Attributes:
        name: What is impossible.
        because: Why.
        never: The values that do not occur together.
    """

    name: str
    because: str
    never: Mapping[str, tuple[Value, ...]]


class InputSchema(NamedTuple):
    """What can be asked.

    Attributes:
        kinds: The kinds of questions.
        impossible: What the kinds admit and what cannot occur all the same.
        descriptions: The definition of each fact.
    """

    kinds: tuple[Kind, ...]
    impossible: tuple[Impossible, ...]
    descriptions: Mapping[str, str]

    def kind_of(self, facts: Facts) -> Kind | None:
        """The kind of question that these facts state; None where they state none."""
        return next((kind for kind in self.kinds if _states(kind, facts)), None)

    def excluded_by(self, facts: Facts) -> Impossible | None:
        """Why these facts cannot occur together; None where they can."""
        return next((rule for rule in self.impossible if _excludes(rule, facts)), None)

    def situations(self) -> Iterator[Facts]:
        """All there are, kind by kind, in the order of the schema."""
        for kind in self.kinds:
            rules = [rule for rule in self.impossible if rule.never.keys() <= kind.facts.keys()]
            begun: list[dict[str, Value]] = [{}]
            # Fact by fact, so that what begins impossibly is not gone on with.
            for fact, values in kind.facts.items():
                begun = [{**facts, fact: value} for facts in begun for value in values]
                for rule in rules:
                    if fact in rule.never:
                        begun = [facts for facts in begun if not _excludes(rule, facts)]
            yield from begun


def read_schema(policies: Path) -> InputSchema:
    """The schema of a policies folder, and beside it what cannot occur.

    Raises:
        InvalidPolicy: With what is wrong, in which file.
    """
    kinds, descriptions = _kinds(policies / SCHEMA)
    known: dict[str, set[Value]] = {}
    for kind in kinds:
        for fact, values in kind.facts.items():
            known.setdefault(fact, set()).update(values)
    return InputSchema(kinds, _impossible(policies / _IMPOSSIBLE, known), descriptions)


def _kinds(file: Path) -> tuple[tuple[Kind, ...], Mapping[str, str]]:
    try:
        schema = json.loads(file.read_text(encoding="utf-8"))
        definitions = schema["definitions"]

        def values(fact: Mapping[str, Any]) -> tuple[Value, ...]:
            if "$ref" in fact:
                return values(definitions[fact["$ref"].rpartition("/")[2]])
            if "const" in fact:
                return (fact["const"],)
            return tuple(fact["enum"]) if "enum" in fact else {"boolean": (False, True)}[fact["type"]]

        kinds = tuple(
            Kind(kind["title"], {name: values(fact) for name, fact in kind["properties"].items()})
            for kind in schema["anyOf"]
        )
        return kinds, {name: definition["description"] for name, definition in definitions.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        what = "must be a JSON schema with `anyOf`: kinds of questions, whose facts are enumerations and booleans"
        raise InvalidPolicy([Fault(what, file=str(file))]) from error


def _impossible(file: Path, known: Mapping[str, set[Value]]) -> tuple[Impossible, ...]:
    try:
        listed = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else {}
        rules = tuple(
            Impossible(name, rule["because"], {fact: tuple(values) for fact, values in rule["never"].items()})
            for name, rule in listed.items()
        )
    except (OSError, ValueError, yaml.YAMLError, LookupError, TypeError, AttributeError) as error:
        what = "must be YAML: for each thing that is impossible its `because`, and `never` with the values of facts"
        raise InvalidPolicy([Fault(what, file=str(file))]) from error
    faults = [
        Fault(f"there is no such value in the schema: {value!r}", f"{rule.name}.never.{fact}", file=str(file))
        for rule in rules
        for fact, values in rule.never.items()
        for value in values
        if value not in known.get(fact, ())
    ]
    if faults:
        raise InvalidPolicy(faults)
    return rules


def _states(kind: Kind, facts: Facts) -> bool:
    return kind.facts.keys() == facts.keys() and all(facts[fact] in values for fact, values in kind.facts.items())


def _excludes(rule: Impossible, facts: Facts) -> bool:
    return all(facts.get(fact) in values for fact, values in rule.never.items())
