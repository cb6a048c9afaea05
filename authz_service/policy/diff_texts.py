"""A difference between policies told: in sentences, and as the texts that programs and pages take."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from authz_service.customers.population import Population
from authz_service.policy.diff import Diff, Group, Happened, Impact
from authz_service.policy.sentences import Phrases
from authz_service.policy.situations import Facts
from authz_service.policy.table import Outcome
from authz_service.policy.tree import word

SENTENCES_SHOWN = 12
"""How many sentences of a group a text for people has, when it has more."""

SITUATIONS_SHOWN = 60
"""How many of its situations."""
_PAGES = Environment(
    loader=PackageLoader("authz_service.policy"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Heading(NamedTuple):
    """How it is told what happened."""

    symbol: str
    title: str
    meaning: str


_HEADINGS = {
    Happened.WIDENED: Heading("✓", "Widened", "denied before, permitted now"),
    Happened.NARROWED: Heading("✗", "Narrowed", "permitted before, denied now"),
    Happened.TAKES_OVER_OTHERWISE: Heading("•", "Takes over otherwise", "answered as before, with other effects"),
    Happened.STILL_TO_BRING_OTHERWISE: Heading(
        "•", "Still to bring otherwise", "permitted as before, by another route or with something else to bring"
    ),
    Happened.OTHER_REASONS: Heading("•", "Other reasons", "permitted or denied as before"),
}


class Told(NamedTuple):
    """A group of changes in words.

    Attributes:
        group: The group.
        sentences: What its situations are, each with how many.
        population: Who is in it today, where that was asked.
    """

    group: Group
    sentences: tuple[tuple[str, int], ...]
    population: Population | None

    @property
    def size(self) -> int:
        return len(self.group.changes)


class Section(NamedTuple):
    """The groups to which the same happened."""

    happened: Happened
    groups: tuple[Told, ...]
    population: Population | None

    @property
    def heading(self) -> Heading:
        return _HEADINGS[self.happened]

    @property
    def size(self) -> int:
        return sum(told.size for told in self.groups)


class Report(NamedTuple):
    """A difference in words.

    Attributes:
        old: What the old version is called.
        new: What the new version is called.
        diff: The difference.
        sections: What happened, what matters most first.
        has_impact: Whether it was asked who is concerned.
    """

    old: str
    new: str
    diff: Diff
    sections: tuple[Section, ...]
    has_impact: bool


def tell(old: str, new: str, diff: Diff, phrases: Phrases, impact: Impact | None) -> Report:
    populations: Impact = impact or {}
    sections = []
    for happened, groups in groupby(diff.groups, key=lambda group: group.why.happened):
        told = tuple(Told(group, _sentences(group, phrases), populations.get(group.why)) for group in groups)
        sections.append(Section(happened, told, populations.get(happened)))
    return Report(old, new, diff, tuple(sections), impact is not None)


def summary(report: Report) -> str:
    """Such as `✗ 12 of 28,248 situations are answered differently: 6 widened, 6 other reasons.`."""
    diff = report.diff
    if diff.is_empty:
        return f"✓ No situation is answered differently ({diff.judged:,} judged)."
    count = len(diff.changes)
    is_or_are = "situation is" if count == 1 else "situations are"
    parts = [f"{section.size:,} {section.heading.title.lower()}" for section in report.sections]
    said = f"{count:,} of {diff.judged:,} {is_or_are} answered differently" + (f": {', '.join(parts)}" if parts else "")
    return f"✗ {'; '.join([said, *one_sided(report)])}."


def one_sided(report: Report) -> list[str]:
    """What only one of the two can be asked about."""
    return [
        f"{_counted(side.size, 'situation')} of the kind “{side.kind}” {what}, {side.allowed:,} permitted"
        for what, sides in (("added", report.diff.added), ("removed", report.diff.removed))
        for side in sides
    ]


def size_of(told: Told | Section) -> str:
    """Such as `24 situations, 3 people on 1 customer number today`."""
    size = _counted(told.size, "situation")
    return f"{size}, {_people(told.population)}" if told.population else size


def write_json(report: Report) -> str:
    """The situations, and with an impact the groups."""
    diff = report.diff
    document: dict[str, object] = {
        "situations": diff.judged,
        "changed": [
            {"facts": change.facts, "old": _stated(change.old), "new": _stated(change.new)} for change in diff.changes
        ],
    }
    for name, sides in (("added", diff.added), ("removed", diff.removed)):
        if sides:
            document[name] = [{"kind": side.kind, "situations": side.size, "allowed": side.allowed} for side in sides]
    if report.has_impact:
        document["groups"] = [_group(told) for section in report.sections for told in section.groups]
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def write_markdown(report: Report) -> str:
    """For a comment on a pull request: what widened and narrowed in sight, the rest folded."""
    lines = [f"### Policy: `{report.old}` → `{report.new}`", "", summary(report), ""]
    for section in report.sections:
        symbol, title, meaning = section.heading
        size = f" ({size_of(section)})" if len(section.groups) > 1 else ""
        is_in_sight = section.happened in {Happened.WIDENED, Happened.NARROWED}
        told = [*(line for group in section.groups for line in [*_markdown(group), ""])]
        if is_in_sight:
            lines += [f"#### {symbol} {title}: {meaning}{size}", "", *told]
        else:
            lines += ["<details>", f"<summary>{symbol} {title}: {meaning}{size}</summary>", "", *told, "</details>", ""]
    return "\n".join(lines)


def write_html(report: Report) -> str:
    """A page by itself."""
    return _PAGES.get_template("diff.html").render(
        report=report,
        summary=summary(report),
        one_sided=one_sided(report),
        size_of=size_of,
        came_and_went=came_and_went,
        rows=situations_of,
        shown=SITUATIONS_SHOWN,
    )


def came_and_went(told: Told) -> str:
    """Such as `+ own_role, - not_linked`."""
    why = told.group.why
    return ", ".join([*(f"+ {code}" for code in why.came), *(f"- {code}" for code in why.went)])


def _sentences(group: Group, phrases: Phrases) -> tuple[tuple[str, int], ...]:
    """Each once, the one with most situations first."""
    why = group.why
    if why.happened is Happened.WIDENED:
        verb = "may now"
    elif why.happened is Happened.NARROWED:
        verb = "may no longer"
    else:
        verb = "may still" if why.allow else "may still not"
    # Some of those that are told of may have changed more: they are in a section above.
    begin = "where " if why.happened is Happened.OTHER_REASONS else ""
    sizes: dict[str, int] = {}
    for box in group.boxes:
        sentence = begin + phrases.who_does_what(box.facts, verb)
        sizes[sentence] = sizes.get(sentence, 0) + box.size
    return tuple(sorted(sizes.items(), key=lambda told: -told[1]))


def _stated(outcome: Outcome) -> dict[str, object]:
    return {
        "allow": outcome.allow,
        "reasons": outcome.codes,
        "route": outcome.route,
        "requires": outcome.requires,
        "effects": outcome.effects,
    }


def _group(told: Told) -> dict[str, object]:
    why, population = told.group.why, told.population or Population(0, 0)
    return {
        "happened": why.happened,
        "came": why.came,
        "went": why.went,
        "situations": told.size,
        "sentences": [{"sentence": sentence, "situations": size} for sentence, size in told.sentences],
        **population._asdict(),
    }


def _markdown(told: Told) -> Iterator[str]:
    for sentence, size in told.sentences[:SENTENCES_SHOWN]:
        yield f"- {sentence} ({size:,})" if len(told.sentences) > 1 else f"- {sentence}"
    more = len(told.sentences) - SENTENCES_SHOWN
    if more > 0:
        yield f"- … and {more:,} more"
    yield ""
    yield f"  {size_of(told)}: `{came_and_went(told)}`"


class Situations(NamedTuple):
    """The situations of a group as a table.

    Attributes:
        same: The facts that all have in common, with their value.
        columns: The other facts.
        rows: Their values, then the reasons before and now; the first of them.
    """

    same: Mapping[str, str]
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def situations_of(told: Told) -> Situations:
    changes = told.group.changes
    facts = list(dict.fromkeys(fact for change in changes for fact in change.facts))
    values = {fact: {_said(change.facts, fact) for change in changes} for fact in facts}
    columns = [fact for fact in facts if len(values[fact]) > 1]
    return Situations(
        {fact: value for fact, (value, *more) in values.items() if not more},
        columns,
        [
            [*(_said(change.facts, fact) for fact in columns), ", ".join(change.old.codes), ", ".join(change.new.codes)]
            for change in changes[:SITUATIONS_SHOWN]
        ],
    )


def _said(facts: Facts, fact: str) -> str:
    return word(facts[fact]) if fact in facts else ""


def _people(population: Population) -> str:
    if not population.people:
        return "nobody today"
    numbers = population.customer_numbers
    on = f" on {_counted(numbers, 'customer number')}" if numbers else ""
    return f"{_counted(population.people, 'person', 'people')}{on} today"


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
