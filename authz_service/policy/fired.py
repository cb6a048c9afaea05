"""Which rules that give a reason fired in a situation, and which nearly did."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from authz_service.policy.conditions import Condition, Expression, Name, name_of
from authz_service.policy.judging import Judged
from authz_service.policy.syntax import Rule

GRANTS = "grants"


class Said(NamedTuple):
    """A rule that gives a reason.

    Attributes:
        set: Where its reason goes, `grants` or `obstacles`; for another rule its name.
        code: Its code.
        title: What it says.
        cites: The facts and readings that it rests on.
        message: The sentence to the person, by language.
        file: Where its author finds it.
        line: The line there.
    """

    set: str
    code: str
    title: str
    cites: tuple[str, ...]
    message: Mapping[str, str]
    file: Path
    line: int

    @property
    def is_grant(self) -> bool:
        return self.set == GRANTS


class Failed(NamedTuple):
    """A condition that does not hold.

    Attributes:
        text: The expression at which it ends.
        file: Where it is.
        line: The line there.
        is_negated: Whether it fails because what stands after its `not` holds.
        helper: The title of the rule that it asks, where it does nothing else; else empty.
        because: The conditions of that rule that do not hold, where that rule has one body.
        reads: The facts that it depends on.
    """

    text: str
    file: Path
    line: int
    is_negated: bool
    helper: str
    because: tuple["Failed", ...]
    reads: frozenset[str]


class Near(NamedTuple):
    """A rule that did not fire, for one condition.

    Attributes:
        rule: The rule.
        held: How many other conditions it has, all of which hold.
        failed: The one that does not.
    """

    rule: Said
    held: int
    failed: Failed


class Told:
    """The rules of a policy, judged for one situation and told with their places, which are those of their author."""

    def __init__(self, rules: Sequence[Rule], judged: Judged) -> None:
        self._judged = judged
        self._rules = rules
        self._codes = {reason.code for answer in judged.verdict.answers for reason in answer.reasons}
        self._named: dict[Name, list[int]] = {}
        for n, rule in enumerate(rules):
            self._named.setdefault(name_of(rule), []).append(n)
        self._reasons = [n for n, rule in enumerate(rules) if "message" in rule.custom]

    def fired(self) -> list[Said]:
        """The rules that fired, those that the answer rests on first."""
        said = [self._said(n) for n in self._reasons if self._has_fired(n)]
        return sorted(said, key=lambda one: one.code not in self._codes)

    def nearly(self) -> list[Near]:
        """The rules that did not fire, for one condition."""
        found = []
        for n in self._reasons:
            failed = None if self._has_fired(n) else self._judged.failed(n)
            if failed is not None and len(failed) == 1:
                held = len(self._judged.conditions[n] or ()) - 1
                found.append(Near(self._said(n), held, self._failed(n, failed[0])))
        return found

    def reads(self) -> frozenset[str]:
        """The facts that the answer depends on, by the rules that gave it."""
        return frozenset().union(
            *(self._reads_of(n) for n in self._reasons if self._rules[n].custom.get("code") in self._codes)
        )

    def _has_fired(self, n: int) -> bool:
        rule = self._rules[n]
        # A reason that is in no set, such as that nothing grants it, is one where the answer gives it.
        return rule.custom.get("code") in self._judged.codes.get(name_of(rule), self._codes)

    def _said(self, n: int) -> Said:
        rule = self._rules[n]
        custom = rule.custom
        return Said(
            rule.name,
            custom.get("code", ""),
            rule.annotation.get("title", ""),
            tuple(custom.get("cites", ())),
            custom["message"],
            Path(rule.file),
            rule.line,
        )

    def _reads_of(self, n: int) -> frozenset[str]:
        expressions = [expression for condition in self._judged.conditions[n] or () for expression in condition]
        return frozenset().union(*map(self._reads, expressions))

    def _reads(self, expression: Expression) -> frozenset[str]:
        facts = frozenset(name[1] for name in expression.refers if name[0] == "input" and len(name) > 1)
        asked = {name[:length] for name in expression.refers for length in range(2, len(name) + 1)}
        return facts.union(*(self._reads_of(n) for name in asked for n in self._named.get(name, ())))

    def _failed(self, n: int, condition: Condition) -> Failed:
        expression = self._judged.end(condition)
        helpers = self._named.get(expression.helper, []) if expression.helper else []
        because: tuple[Failed, ...] = ()
        if len(helpers) == 1 and not expression.is_negated:
            because = tuple(self._failed(helpers[0], each) for each in self._judged.failed(helpers[0]) or ())
        return Failed(
            " ".join(expression.text.split()),
            Path(self._rules[n].file),
            expression.line,
            expression.is_negated,
            next((title for helper in helpers if (title := self._rules[helper].annotation.get("title"))), ""),
            because,
            self._reads(expression),
        )
