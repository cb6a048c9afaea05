"""How an explanation is told: for a person, and for a program."""

from collections.abc import Iterator, Mapping, Sequence

import click

from authz_service.cli.counted import counted
from authz_service.cli.policy.asked import Asked
from authz_service.policy import explain
from authz_service.policy.explain import Explanation
from authz_service.policy.fired import Failed, Said
from authz_service.policy.sentences import Phrases
from authz_service.policy.tree import word
from authz_service.questions import Json

_WORDS = {"grants": "grant", "obstacles": "obstacle"}
_LONGEST_WORD = max(map(len, _WORDS.values()))
_INDENT = " " * (_LONGEST_WORD + 4)
_FEW = 6


def sentence(explained: Explanation, phrases: Phrases, asked: Asked | None) -> str:
    return explain.sentence(explained, phrases, asked.who if asked else "", asked.things if asked else ())


def tell(explained: Explanation, phrases: Phrases, asked: Asked | None) -> None:
    """Prints it."""
    allow = explained.answer.allow
    click.echo(f"{_mark(is_yes=allow)} {click.style(sentence(explained, phrases, asked), bold=True)}")
    _section("Facts", _columns({fact: word(value) for fact, value in explained.facts.items()}))
    _section("Answer", _columns(_besides(explained)))
    _section("Rules that fired", (line for rule in explained.fired for line in _fired(rule, allow=allow)))
    _section("Rules that nearly fired, but for one condition", _nearly(explained))
    now, otherwise = ("allowed", "denied") if allow else ("denied", "allowed")
    if explained.turned:
        _section(f"It would be {otherwise} if", _turned(explained, phrases))
    elif explained.is_fixed:
        click.echo(f"\nWhatever else were so, this action on this resource would be {now}.")
    else:
        click.echo(f"\nIt would be {otherwise} only if four facts or more were otherwise.")


def as_json(explained: Explanation, phrases: Phrases, asked: Asked | None) -> dict[str, object]:
    answer = explained.answer
    return {
        "sentence": sentence(explained, phrases, asked),
        "policy_revision": explained.revision,
        "facts": dict(explained.facts),
        "definitions": dict(explained.descriptions),
        "answer": {
            "allow": answer.allow,
            "reasons": [
                {"code": reason.code, "cites": list(reason.cites), "message": reason.said_in("en")}
                for reason in answer.reasons
            ],
            "route": answer.route,
            "requires": list(answer.requires),
            "effects": list(answer.effects),
        },
        "fired": [_rule_as_json(rule) for rule in explained.fired],
        "nearly": [
            {**_rule_as_json(near.rule), "conditions_that_hold": near.held, "failed": _failed_as_json(near.failed)}
            for near in explained.nearly
        ],
        "turned": [
            {"if": phrases.if_it_were(change), "facts": {fact: list(values) for fact, values in change.items()}}
            for change in explained.turned
        ],
        "is_fixed": explained.is_fixed,
    }


def _section(title: str, lines: Iterator[str] | Sequence[str]) -> None:
    told = list(lines)
    if told:
        click.echo(f"\n{click.style(title, bold=True)}")
        for line in told:
            click.echo(line)


def _columns(rows: Mapping[str, str]) -> Iterator[str]:
    width = max(map(len, rows), default=0)
    for name, value in rows.items():
        yield f"  {name:<{width}}  {value}"


def _besides(explained: Explanation) -> dict[str, str]:
    answer = explained.answer
    said = {"route": [answer.route] if answer.route else [], "requires": answer.requires, "effects": answer.effects}
    return {name: ", ".join(values) for name, values in said.items() if values}


def _fired(rule: Said, *, allow: bool) -> Iterator[str]:
    overruled = "" if rule.is_grant == allow else ", overruled"
    yield f"  {_head(rule)}{overruled}"
    yield f"  {_INDENT}{rule.file}:{rule.line}"
    yield f"  {_INDENT}“{rule.message.get('en', '')}”"


def _nearly(explained: Explanation) -> Iterator[str]:
    told = explain.nearly_of_this_question(explained)
    for near in told:
        yield f"  {_head(near.rule)}"
        yield from _failed(near.failed, _INDENT)
    others = len(explained.nearly) - len(told)
    if told and others:
        rules = counted(others, "rule", "rules")
        yield f"  and {rules} for another action or resource, or of that condition alone; --format json has all"


def _turned(explained: Explanation, phrases: Phrases) -> Iterator[str]:
    for change in explained.turned[:_FEW]:
        yield f"  {phrases.if_it_were(change)}"
    others = len(explained.turned) - _FEW
    if others > 0:
        yield f"  and in {counted(others, 'other way', 'other ways')}; --format json has all"


def _failed(failed: Failed, indent: str) -> Iterator[str]:
    yield f"  {indent}{failed.file}:{failed.line}: `{failed.text}` does not hold{_helper(failed)}"
    for deeper in failed.because:
        yield from _failed(deeper, indent + "  ")


def _helper(failed: Failed) -> str:
    if failed.is_negated and failed.helper:
        return f", as this does: {failed.helper}"
    return f": {failed.helper}" if failed.helper else ""


def _head(rule: Said) -> str:
    is_yes = rule.is_grant
    label = _WORDS.get(rule.set, "reason")
    return f"{_mark(is_yes=is_yes)} {label:<{_LONGEST_WORD}}  {rule.title} ({', '.join(rule.cites)})"


def _mark(*, is_yes: bool) -> str:
    return click.style("✓", fg="green") if is_yes else click.style("✗", fg="red")


def _rule_as_json(rule: Said) -> dict[str, Json]:
    return {
        "set": rule.set,
        "code": rule.code,
        "title": rule.title,
        "cites": list(rule.cites),
        "file": str(rule.file),
        "line": rule.line,
    }


def _failed_as_json(failed: Failed) -> dict[str, Json]:
    return {
        "expression": failed.text,
        "file": str(failed.file),
        "line": failed.line,
        "helper": failed.helper,
        "because": [_failed_as_json(deeper) for deeper in failed.because],
    }
