"""Each fact and reading with the rules that implement it, the promises proven for it and the cases that test it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from authz_service.handbook.history import Change, History, newest
from authz_service.handbook.requirements import FILE, Requirement, Section
from authz_service.handbook.rules import ShownRule
from authz_service.policy.checks.cases import read_cases
from authz_service.policy.promises import Promise


class ShownPromise(NamedTuple):
    """A promise, and whether it holds.

    Attributes:
        promise: The promise.
        broken_in: How many situations break it.
    """

    promise: Promise
    broken_in: int


class ShownCase(NamedTuple):
    """A decision that has to stay as it is.

    Attributes:
        name: Its story, as a sentence without its full stop.
        allow: Whether it is allowed.
        file: The file that it is in.
    """

    name: str
    allow: bool
    file: str


class Article(NamedTuple):
    """A fact or reading, and all that belongs to it.

    Attributes:
        requirement: The fact or reading.
        rules: The rules that are told here in full.
        see: The other rules that cite it, told under another.
        promises: The promises that cite it.
        cases: The cases that are examples of it.
        changed: When its sentence or one of its rules was changed last; None where that is not known.
    """

    requirement: Requirement
    rules: tuple[ShownRule, ...]
    see: tuple[ShownRule, ...]
    promises: tuple[ShownPromise, ...]
    cases: tuple[ShownCase, ...]
    changed: Change | None

    @property
    def has_no_rule(self) -> bool:
        return not (self.rules or self.see)


class Chapter(NamedTuple):
    """The articles of one section."""

    id: str
    title: str
    articles: tuple[Article, ...]


class Handbook(NamedTuple):
    """The whole.

    Attributes:
        chapters: The facts and readings in their order.
        without_rule: The facts and readings that no rule cites.
        without_fact: The rules that give a reason and cite nothing, and those that cite nothing that there is.
        helpers: The rules that others are written with: they give no reason, and so cite nothing.
        homes: The id of the fact or reading under which a rule is told in full, by its code.
    """

    chapters: tuple[Chapter, ...]
    without_rule: tuple[Requirement, ...]
    without_fact: tuple[ShownRule, ...]
    helpers: tuple[ShownRule, ...]
    homes: Mapping[str, str]

    @property
    def gaps(self) -> int:
        """How many facts have no rule or no promise, and how many rules no fact."""
        articles = [one for chapter in self.chapters for one in chapter.articles]
        return sum(one.has_no_rule + (not one.promises) for one in articles) + len(self.without_fact)


def write_handbook(
    sections: Sequence[Section],
    rules: Sequence[ShownRule],
    promises: Sequence[ShownPromise],
    cases: Path | None,
    history: History,
) -> Handbook:
    """Brings them together by the ids that they cite.

    Args:
        sections: The facts and readings.
        rules: The rules of the policy.
        promises: The promises, each with whether it holds.
        cases: The folder of the decision tables, if there is one.
        history: Since when the lines of the folder are as they are.
    """
    known = [one.id for section in sections for one in section.requirements]
    # A rule is told once, under the first that it names, as that is what it is written for.
    homes = {rule.code: next((cite for cite in rule.cites if cite in known), "") for rule in rules}
    shown_cases = _by_fact(cases) if cases else {}

    def article(one: Requirement) -> Article:
        citing = [rule for rule in rules if one.id in rule.cites]
        own = history.last_change(FILE, one.line, one.line)
        return Article(
            one,
            tuple(rule for rule in citing if homes[rule.code] == one.id),
            tuple(rule for rule in citing if homes[rule.code] != one.id),
            tuple(shown for shown in promises if one.id in shown.promise.cites),
            tuple(shown_cases.get(one.id, ())),
            newest([own, *(rule.changed for rule in citing)]),
        )

    chapters = tuple(
        Chapter(section.id, section.title, tuple(map(article, section.requirements))) for section in sections
    )
    articles = [one for chapter in chapters for one in chapter.articles]
    homeless = [rule for rule in rules if not homes[rule.code]]
    return Handbook(
        chapters,
        tuple(one.requirement for one in articles if one.has_no_rule),
        tuple(rule for rule in homeless if rule.gives_a_reason or rule.cites),
        tuple(rule for rule in homeless if not (rule.gives_a_reason or rule.cites)),
        homes,
    )


def _by_fact(folder: Path) -> dict[str, list[ShownCase]]:
    found: dict[str, list[ShownCase]] = {}
    for file, _, case in read_cases(folder):
        shown = ShownCase(case["name"], case["answer"]["allow"], file.name)
        for id_ in dict.fromkeys([*case["answer"]["cites"], *case.get("shows", ())]):
            found.setdefault(id_, []).append(shown)
    return found
