import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from authz_service.customers.population import Population
from authz_service.policy.diff import Diff, Impact, OneSided, compare
from authz_service.policy.diff_texts import Report, summary, tell, write_html, write_json, write_markdown
from authz_service.policy.sentences import Phrases, read_phrases
from authz_service.policy.situations import Facts, InputSchema
from authz_service.policy.table import Outcome, Table

OWN = "see the usage of a mobile that is his or her own"


@pytest.fixture(scope="module")
def phrases(policies: Path, schema: InputSchema) -> Phrases:
    return read_phrases(policies, schema)


@pytest.fixture(scope="module")
def swapped(table: Table, schema: InputSchema) -> Diff:
    """The usage of the own mobile is no longer for users; with administrators a reason comes, bills open to users."""
    edited = [_swap(*row) for row in zip(table.situations, table.outcomes, strict=True)]
    return compare(table, schema, table._replace(outcomes=edited), schema)


def _swap(facts: Facts, outcome: Outcome) -> Outcome:
    if facts["action"] == "view_usage" and facts.get("is_holder") and facts["role"] == "user":
        return outcome._replace(allow=False, codes=("nothing_grants",))
    if facts["action"] == "view_usage" and facts.get("is_holder") and facts["role"] == "administrator":
        return outcome._replace(codes=("administrator_usage", "own_mobile_usage"))
    if facts["action"] == "view_bills" and facts["role"] == "user" and facts["resource"] == "customer":
        return outcome._replace(allow=True, codes=("user_bills",))
    return outcome


@pytest.fixture(scope="module")
def told(swapped: Diff, phrases: Phrases) -> Report:
    return tell("main", "policies", swapped, phrases, None)


@pytest.fixture(scope="module")
def with_people(swapped: Diff, phrases: Phrases) -> Report:
    impact: Impact = {
        **{group.why: Population(1_234, 1) for group in swapped.groups},
        **{group.why.happened: Population(0, 0) for group in swapped.groups},
    }
    return tell("main", "policies", swapped, phrases, impact)


def test_the_summary_counts_what_happened(told: Report) -> None:
    said = "✗ 54 of 28,248 situations are answered differently: 6 widened, 24 narrowed, 24 other reasons."
    assert summary(told) == said


def test_a_sentence_says_what_may_be_done_now_and_what_no_longer(told: Report) -> None:
    sentences = [(section.heading.title, group.sentences) for section in told.sections for group in section.groups]
    assert sentences == [
        ("Widened", (("a user may now see the bills", 6),)),
        ("Narrowed", ((f"a user may no longer {OWN}", 24),)),
        ("Other reasons", ((f"where an administrator may still {OWN}", 24),)),
    ]


def test_json_has_the_shape_of_the_contract(told: Report) -> None:
    said = json.loads(write_json(told))
    assert (said.keys(), said["situations"], len(said["changed"])) == ({"situations", "changed"}, 28_248, 54)
    rest: dict[str, Any] = {"route": None, "requires": [], "effects": []}
    assert said["changed"][0] == {
        "facts": {
            "action": "view_bills", "channel": "web", "is_known_person": True, "resource": "customer", "role": "user",
            "customer_kind": "residential",
        },
        "old": {"allow": False, "reasons": ["administrator_only"], **rest},
        "new": {"allow": True, "reasons": ["user_bills"], **rest},
    }  # fmt: skip


def test_json_has_groups_where_it_was_asked_who_is_concerned(told: Report, with_people: Report) -> None:
    assert json.loads(write_json(told)).keys() == {"situations", "changed"}
    said = json.loads(write_json(with_people))
    assert said["groups"][1] == {
        "happened": "narrowed",
        "came": ["nothing_grants"],
        "went": ["own_mobile_usage"],
        "situations": 24,
        "sentences": [{"sentence": f"a user may no longer {OWN}", "situations": 24}],
        "people": 1_234,
        "customer_numbers": 1,
    }
    assert len(said["changed"]) == said["groups"][0]["situations"] + 48


def test_markdown_has_what_widened_and_narrowed_in_sight_and_folds_the_rest(told: Report) -> None:
    in_sight, folded = write_markdown(told).split("<details>")
    assert in_sight == (
        "### Policy: `main` → `policies`\n\n"
        f"{summary(told)}\n\n"
        "#### ✓ Widened: denied before, permitted now\n\n"
        "- a user may now see the bills\n\n"
        "  6 situations: `+ user_bills, - administrator_only`\n\n"
        "#### ✗ Narrowed: permitted before, denied now\n\n"
        f"- a user may no longer {OWN}\n\n"
        "  24 situations: `+ nothing_grants, - own_mobile_usage`\n\n"
    )
    assert f"- where an administrator may still {OWN}" in folded
    assert folded.rstrip().endswith("</details>")


@pytest.mark.parametrize("write", [write_markdown, write_html])
def test_people_and_customer_numbers_are_told_where_they_were_counted(
    write: Callable[[Report], str], told: Report, with_people: Report
) -> None:
    assert "24 situations, 1,234 people on 1 customer number today" in write(with_people)
    assert "people" not in write(told)


def test_only_the_one_who_is_concerned_is_a_person_and_nobody_is_a_word(swapped: Diff, phrases: Phrases) -> None:
    for population, said in [
        (Population(0, 0), "nobody today"),
        (Population(1, 1), "1 person on 1 customer number today"),
        (Population(2_000, 0), "2,000 people today"),
    ]:
        text = write_markdown(tell("a", "b", swapped, phrases, {group.why: population for group in swapped.groups}))
        assert f"24 situations, {said}: " in text


class _Page(HTMLParser):
    """What has to be known of a page: open elements, what it would load, its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "br"}:
            self.open.append(tag)
        self.loads += [tag] if tag in {"script", "link", "img"} else []
        self.loads += [name for name, _ in attrs if name.startswith("on") or name in {"src", "href"}]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def test_the_page_is_by_itself_and_has_symbol_and_word_beside_colour(told: Report) -> None:
    text = write_html(told)
    page = _Page(text)
    assert (page.open, page.loads) == ([], [])
    assert text.count("<h1>") == 1
    assert '<span class="permit">✓ Widened</span>' in text
    assert '<span class="deny">✗ Narrowed</span>' in text
    assert f"a user may no longer {OWN}" in page.words
    assert "@media print" in text
    assert "color-scheme: light dark" in text


def test_the_page_has_each_situation_with_the_reasons_before_and_now(told: Report) -> None:
    text = write_html(told)
    assert len(re.findall(r"<td>own_mobile_usage</td><td>nothing_grants</td></tr>", text)) == 24
    assert "<code>is_holder</code> yes" in text


def test_the_page_says_the_first_of_very_many_situations_are_not_all(
    table: Table, schema: InputSchema, phrases: Phrases
) -> None:
    def renamed(outcome: Outcome) -> Outcome:
        return outcome._replace(codes=("other",)) if outcome.codes == ("already_administrator",) else outcome

    outcomes = [renamed(outcome) for outcome in table.outcomes]
    report = tell("a", "b", compare(table, schema, table._replace(outcomes=outcomes), schema), phrases, None)
    text = write_html(report)
    assert "the situations, the first 60 of 3,024" in text
    assert text.count("<td>already_administrator</td>") == 60


def test_what_a_page_is_called_is_no_markup(swapped: Diff, phrases: Phrases) -> None:
    page = _Page(write_html(tell("<b>", "&", swapped, phrases, None)))
    assert "Policy: <b> → &" in page.words


def test_where_nothing_differs_every_text_says_so(table: Table, schema: InputSchema, phrases: Phrases) -> None:
    report = tell("a", "b", compare(table, schema, table, schema), phrases, None)
    said = "✓ No situation is answered differently (28,248 judged)."
    assert summary(report) == said
    assert said in write_markdown(report)
    assert said in _Page(write_html(report)).words
    assert json.loads(write_json(report)) == {"situations": 28_248, "changed": []}


def test_what_only_one_can_be_asked_about_is_told(swapped: Diff, phrases: Phrases) -> None:
    one_sided = swapped._replace(
        changes=(), groups=(), added=(OneSided("mobile", 12, 3),), removed=(OneSided("TV", 1, 0),)
    )
    report = tell("a", "b", one_sided, phrases, None)
    added, removed = (
        "12 situations of the kind “mobile” added, 3 permitted",
        "1 situation of the kind “TV” removed, 0 permitted",
    )
    assert summary(report) == f"✗ 0 of 28,248 situations are answered differently; {added}; {removed}."
    assert added in _Page(write_html(report)).words
    said = json.loads(write_json(report))
    assert said["added"] == [{"kind": "mobile", "situations": 12, "allowed": 3}]
    assert said["removed"] == [{"kind": "TV", "situations": 1, "allowed": 0}]
