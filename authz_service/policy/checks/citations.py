"""Whether every requirement is in a rule and in a promise, and every fact of the schema in a rule."""

from collections.abc import Sequence

from authz_service.errors import Fault
from authz_service.opa.regal import requirement_ids
from authz_service.policy.checks.places import Places, line_of
from authz_service.policy.promises import Promise
from authz_service.policy.situations import InputSchema
from authz_service.policy.syntax import Rule, nodes, path

_REQUIREMENTS = "requirements.yaml"
_SCHEMA = "schemas/input.json"


def uncited(places: Places, rules: Sequence[Rule], promises: Sequence[Promise]) -> list[Fault]:
    """The facts and readings that no rule cites, or no promise.

    Raises:
        InvalidPolicy: They cannot be read.
    """
    file = places.policies / _REQUIREMENTS
    by_rules = {cite for rule in rules for cite in rule.cites}
    by_promises = {cite for promise in promises for cite in promise.cites}
    return [
        Fault(f"{identifier} is cited by no {what}", file=str(file), line=line_of(file, rf"^\s+{identifier}:"))
        for identifier in requirement_ids(file)
        for cited, what in (
            (by_rules, "rule; write the rule that it asks for, or cite it in the METADATA of the rule that has it"),
            (by_promises, f"promise; write in {places.promises} what has to hold because of it"),
        )
        if identifier not in cited
    ]


def unread(places: Places, rules: Sequence[Rule], schema: InputSchema) -> list[Fault]:
    """The facts of the schema that neither a rule of the bundle nor a promise reads.

    What must not matter is read by a promise alone.
    """
    named = [path(node) for rule in rules for node in nodes(rule.node) if node.get("type") == "ref"]
    read = {name for names in named if names[:1] == ["input"] for name in names[1:]}
    file = places.policies / _SCHEMA
    return [
        Fault(
            f"neither a rule nor a promise reads `{fact}`; write what needs it, or take it out of the schema",
            file=str(file),
            line=line_of(file, rf'^    "{fact}": '),
        )
        for fact in schema.descriptions
        if fact not in read
    ]
