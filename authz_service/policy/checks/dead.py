"""What only all situations together can show: rules that never hold, reasons that nobody gets, answers without one."""

from collections.abc import Iterator, Sequence

from authz_service.errors import Fault
from authz_service.policy.checks.places import Places
from authz_service.policy.examples import further, smallest_first, told
from authz_service.policy.holding import Asked, hold_nowhere
from authz_service.policy.promises import BROKEN, documents
from authz_service.policy.sentences import Phrases
from authz_service.policy.syntax import Node, Rule, nodes, path
from authz_service.policy.table import Table

_ANSWER = ("data.authz.decision", "answer")
_ANSWER_OF_A_PROMISE = ["input", "answer"]
_NAMED = 3


def dead_rules(places: Places, rules: Sequence[Rule], table: Table) -> list[Fault]:
    """The rules of the bundle that hold in no situation, and the reasons that are in no answer."""
    asked = [Asked(rule, rule.conditions) for rule in rules if _can_be_asked(rule)]
    dead = hold_nowhere(places.opa, places.bundle, asked, table.situations)
    given = {code for outcome in table.outcomes for code in outcome.codes}
    what = "holds in no situation; correct its conditions, or delete it"
    return [
        *(_at(rule, what) for rule in dead if not _needs_one_of(rule, dead, rules)),
        *(
            _at(rule, "is a reason that nobody can get: no answer has it; correct what stands against it, or delete it")
            for rule in rules
            if rule.gives_a_reason and rule not in dead and rule.code not in given
        ),
    ]


def dead_promises(places: Places, rules: Sequence[Rule], table: Table) -> list[Fault]:
    """The promises, and rules that they are written with, about facts that no situation has: they promise nothing."""
    of_answers = _rules_of_answers(rules)
    asked = [
        Asked(rule, conditions)
        for rule in rules
        if _can_be_asked(rule) and (conditions := list(_about_facts(rule, of_answers)))
    ]
    what = "is about facts that no situation has, so nothing can break it; correct its conditions, or delete it"
    return [_at(rule, what) for rule in hold_nowhere(places.opa, places.promises, asked, documents(table))]


def answers_without_reason(places: Places, rules: Sequence[Rule], table: Table, phrases: Phrases) -> list[Fault]:
    without = [place for place, outcome in enumerate(table.outcomes) if not outcome.codes]
    if not without:
        return []
    answer = next((rule for rule in rules if (rule.package, rule.name) == _ANSWER), None)
    named = smallest_first(table, without)[:_NAMED]
    sentences = "; ".join(told(table, place, phrases) for place in named)
    what = f"gives no reason: {sentences}{further(len(without) - len(named))}; write the rule that gives one"
    return [Fault(what, file=answer.file if answer else str(places.bundle), line=answer.line if answer else 0)]


def _needs_one_of(rule: Rule, dead: Sequence[Rule], rules: Sequence[Rule]) -> bool:
    """Whether it cannot hold because of another rule, of which no definition holds."""
    alive = {_name(other) for other in rules if other not in dead}
    gone = {_name(other) for other in dead} - alive
    return any(
        ".".join([rule.imports.get(first, f"{rule.package}.{first}"), *others]) in gone
        for condition in rule.conditions
        if "negated" not in condition and isinstance(condition["terms"], dict)
        for first, *others in [path(condition["terms"]) or [""]]
    )


def _name(rule: Rule) -> str:
    return f"{rule.package}.{rule.name}"


def _can_be_asked(rule: Rule) -> bool:
    """Whether the conditions stand for themselves, without arguments, and there are any."""
    written = [part for condition in rule.conditions for node in nodes(condition) for part in [path(node)[:2]]]
    return bool(rule.conditions) and "args" not in rule.node["head"] and ["rego", "metadata"] not in written


def _rules_of_answers(rules: Sequence[Rule]) -> set[str]:
    """The names of the rules that say something about the answer, be it through others."""
    found: set[str] = set()
    while True:
        more = {
            rule.name
            for rule in rules
            if rule.name != BROKEN
            for condition in rule.conditions
            if _mentions(condition, found)
        }
        if more <= found:
            return found
        found |= more


def _about_facts(rule: Rule, of_answers: set[str]) -> Iterator[Node]:
    """The conditions of a promise that the answer has nothing to do with, be it through a variable."""
    names = set(of_answers)
    for condition in rule.conditions:
        if _mentions(condition, names):
            names |= _variables(condition)
        else:
            yield condition


def _mentions(condition: Node, names: set[str]) -> bool:
    return any(
        path(node)[:2] == _ANSWER_OF_A_PROMISE or (node.get("type") == "var" and node["value"] in names)
        for node in nodes(condition)
    )


def _variables(condition: Node) -> set[str]:
    """What it gives a value: the variables of `some` and on the left of `:=`."""
    terms = condition["terms"]
    if isinstance(terms, dict):
        declared = terms.get("symbols", [])
    else:
        declared = [terms[1]] if path(terms[0]) == ["assign"] else []
    return {
        node["value"]
        for symbol in declared
        for part in (symbol["value"][1:-1] if symbol.get("type") == "call" else [symbol])
        for node in nodes(part)
        if node.get("type") == "var"
    }


def _at(rule: Rule, what: str) -> Fault:
    return Fault(f"`{rule.code or rule.name}` {what}", file=rule.file, line=rule.line)
