"""Situations told in sentences, with the phrases beside the schema."""

from collections.abc import Iterator, Mapping
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple, TypeAlias

import yaml

from authz_service.errors import Fault, InvalidPolicy
from authz_service.policy.situations import InputSchema, Value

Several: TypeAlias = Mapping[str, tuple[Value, ...]]
"""Facts with all the values that are meant; a fact that is left out may have any."""

FILE = Path("schemas") / "phrases.yaml"
_PARTS = ("who", "of_what", "may", "with_what", "when")
# What is asked stays as it is where something else would be so.
_IF, _NEVER_IF = "if", ("action", "resource")
_ANYBODY, _ANYTHING = "anybody", "do anything"


class Phrases(NamedTuple):
    """How the values of facts are told, by the part of the sentence that they are in."""

    parts: Mapping[str, Mapping[str, Mapping[Value, str]]]

    def who_does_what(self, facts: Several, verb: str) -> str:
        """A sentence without its full stop: "a user may see the usage of a mobile that is his or her own".

        Args:
            facts: Whom and what it is about.
            verb: What joins them, such as `may` or `may no longer`.
        """
        who, of_what = self._told("who", facts)[:1] or [_ANYBODY], self._told("of_what", facts)
        return " ".join([*who, *of_what, verb, self.what(facts)])

    def what(self, facts: Several) -> str:
        """What is done: "see the usage of a mobile that is his or her own"."""
        what = " ".join([*(self._told("may", facts) or [_ANYTHING]), *self._told("with_what", facts)])
        return ": ".join(filter(None, [what, ", ".join(self._told("when", facts))]))

    def if_it_were(self, facts: Several) -> str:
        """What would be so: "the option were free and it were on the web site"."""
        phrases = self.parts.get(_IF, {})
        return " and ".join(
            _either_clause([phrases.get(fact, {}).get(value, f"{fact} were {value}") for value in values])
            for fact, values in facts.items()
        )

    def of(self, fact: str, value: Value) -> str:
        """How one value is told; the fact by its name where it has no phrase."""
        for phrases in self.parts.values():
            if fact in phrases:
                return phrases[fact][value]
        return f"{fact} {value}"

    def _told(self, part: str, facts: Several) -> list[str]:
        return list(filter(None, self._said(part, facts)))

    def _said(self, part: str, facts: Several) -> Iterator[str]:
        for fact, phrases in self.parts[part].items():
            values = facts.get(fact, ())
            # All there are is as good as none said.
            if values and len(values) < len(phrases):
                yield _either([phrases[value] for value in values if phrases[value]])


def read_phrases(policies: Path, schema: InputSchema) -> Phrases:
    """The phrases of a policies folder.

    Raises:
        InvalidPolicy: A part is missing, or a value has no phrase, or a phrase no value.
    """
    file = policies / FILE
    try:
        parts = yaml.safe_load(file.read_text(encoding="utf-8"))
        told = {(fact, value) for part in _PARTS for fact, phrases in parts[part].items() for value in phrases}
        told_if = {(fact, value) for fact, phrases in parts.get(_IF, {}).items() for value in phrases}
    except (OSError, ValueError, yaml.YAMLError, LookupError, TypeError, AttributeError) as error:
        what = f"must be YAML with {', '.join(_PARTS)}, each with facts and a phrase for every value"
        raise InvalidPolicy([Fault(what, file=str(file))]) from error
    known = {(fact, value) for kind in schema.kinds for fact, values in kind.facts.items() for value in values}
    wanted_if = {(fact, value) for fact, value in known if fact not in _NEVER_IF}
    faults = [
        *(Fault(f"has no phrase for {value!r}", fact, file=str(file)) for fact, value in _sorted(known - told)),
        *(
            Fault(f"has no phrase for {value!r}", f"{_IF}.{fact}", file=str(file))
            # A folder may do without: facts are then told by their names.
            for fact, value in _sorted(wanted_if - told_if if told_if else set())
        ),
        *(
            Fault(f"has a phrase for {value!r}, which the schema does not", fact, file=str(file))
            for fact, value in _sorted((told | told_if) - known)
        ),
    ]
    if faults:
        raise InvalidPolicy(faults)
    return Phrases(parts)


def _sorted(pairs: set[tuple[str, Value]]) -> list[tuple[str, Value]]:
    return sorted(pairs, key=str)


def _either(phrases: list[str]) -> str:
    *others, last = phrases or [""]
    return f"{', '.join(others)} or {last}" if others else last


def _either_clause(clauses: list[str]) -> str:
    """The clauses with "or" between, and the words that they begin with alike once."""
    words = [clause.split() for clause in clauses]
    alike = [same[0] for same in takewhile(lambda same: len(set(same)) == 1, zip(*words, strict=False))]
    return " ".join([*alike, _either([" ".join(of_clause[len(alike) :]) for of_clause in words])]).rstrip()
