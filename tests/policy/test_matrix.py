import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from authz_service.errors import InvalidPolicy
from authz_service.policy.alternatives import Together, matches
from authz_service.policy.matrix import Answer, Matrix, Row, arrange
from authz_service.policy.matrix_layout import Layout, read_layout
from authz_service.policy.matrix_texts import condition_in_short, said_below, said_of_cell, title_of_row
from authz_service.policy.sentences import Phrases
from authz_service.policy.situations import Facts, InputSchema
from authz_service.policy.table import Table, judge_all

# From the requirements, by hand: whom each is for. `-` where own mobiles have nothing to do with it.
EXPECTED = """
                                                                  administrator  own mobile  else  not linked
ADMIN-1         see the bills                                     yes            -           no    no
ADMIN-1         manage the bills                                  yes            -           no    no
ADMIN-1         see the payment statements                        yes            -           no    no
ADMIN-1         manage the payment statements                     yes            -           no    no
ADMIN-2 USER-1  see the usage                                     yes            yes         no    no
ADMIN-3 USER-2  activate an option that is free                   yes            yes         no    no
ADMIN-6 USER-3  activate an option that costs money               yes            no          no    no
READ-5          deactivate an option that is free                 yes            no          no    no
READ-5          deactivate an option that costs money             yes            no          no    no
ADMIN-4         see the Premium Club points                       yes            -           no    no
ADMIN-4         manage the Premium Club points                    yes            -           no    no
ADMIN-5         manage the access to Proximus TV                  yes            -           no    no
ADMIN-5         manage the access to the Cloud                    yes            -           no    no
ADMIN-5         manage the access to Foot 11                      yes            -           no    no
ROLE-6          look up his or her role                           yes            -           yes   no
ELIG-1 ELIG-2   become administrator: asked beforehand            no             -           if    if
ELIG-1 ELIG-2   become administrator: now                         no             -           if    if
ROLE-5          delegate a part of a role                         no             -           no    no
"""
WORDS = {"yes": Answer.YES, "no": Answer.NO, "if": Answer.IF, "-": Answer.DOES_NOT_APPLY}


def answers(matrix: Matrix, phrases: Phrases) -> dict[tuple[str, str], Answer]:
    return {(title_of_row(row, phrases), who): cell.answer for row in matrix.rows for who, cell in row.cells.items()}


def row_of(matrix: Matrix, phrases: Phrases, title: str) -> Row:
    return next(row for row in matrix.rows if title_of_row(row, phrases) == title)


def answered(table: Table, allow: Callable[[Facts], bool]) -> Table:
    """The table without the many situations of becoming administrator, and with these allowed besides."""
    rows = [
        (facts, outcome._replace(allow=outcome.allow or allow(facts)))
        for facts, outcome in zip(table.situations, table.outcomes, strict=True)
        if facts["action"] != "become_administrator"
    ]
    return table._replace(situations=[facts for facts, _ in rows], outcomes=[outcome for _, outcome in rows])


def test_the_shipped_matrix_is_what_the_requirements_say(matrix: Matrix, phrases: Phrases) -> None:
    expected = {}
    for line in EXPECTED.strip().splitlines()[1:]:
        *said, administrator, own, other, none = line.split()
        title = " ".join(word for word in said if not re.fullmatch(r"[A-Z]+-\d+", word))
        expected[title] = [WORDS[word] for word in (administrator, own, other, none)]
    assert matrix.columns == ("administrator", "user, own mobile", "user, everything else", "not linked")
    assert {title_of_row(row, phrases): [cell.answer for cell in row.cells.values()] for row in matrix.rows} == expected


def test_what_becoming_administrator_takes_is_told_in_few_words(matrix: Matrix, phrases: Phrases) -> None:
    asked = row_of(matrix, phrases, "become administrator: asked beforehand").cells
    now = row_of(matrix, phrases, "become administrator: now").cells
    now_none = "right activation code (no mobile on the bill); replaced administrator told; not in the app"
    assert [said_of_cell(cells[who], phrases) for cells in (asked, now) for who in matrix.columns[2:]] == [
        "◐ own mobile on the bill or activation code (no mobile on the bill); not in the app",
        "◐ activation code (no mobile on the bill); not in the app",
        f"◐ own mobile on the bill or {now_none}",
        f"◐ {now_none}",
    ]


def _key(facts: Facts) -> str:
    return json.dumps(dict(facts), sort_keys=True)


def test_every_situation_is_in_one_cell_or_in_the_rest_with_its_answer(table: Table, matrix: Matrix) -> None:
    cells = [cell for row in matrix.rows for cell in row.cells.values()]
    shown = [one for cell in [*cells, matrix.rest] for one in cell.situations]
    assert Counter(_key(facts) for facts, _ in shown) == Counter(map(_key, table.situations))
    judged = dict(zip(map(_key, table.situations), table.outcomes, strict=True))
    assert all(outcome == judged[_key(facts)] for facts, outcome in shown)
    assert not any(outcome.allow for _, outcome in matrix.rest.situations)


def test_a_cell_has_just_the_situations_of_its_row_and_column(matrix: Matrix, table: Table) -> None:
    by_whom: dict[str, Callable[[Facts], object]] = {
        "administrator": lambda facts: facts["role"] == "administrator",
        "user, own mobile": lambda facts: facts["role"] == "user" and facts.get("is_holder"),
        "user, everything else": lambda facts: facts["role"] == "user" and not facts.get("is_holder"),
        "not linked": lambda facts: facts["role"] == "none" and facts["is_known_person"],
    }
    for row in matrix.rows:
        for who, cell in row.cells.items():
            expected = [facts for facts in table.situations if by_whom[who](facts) and matches(facts, row.facts)]
            assert [facts for facts, _ in cell.situations] == expected, (row.facts, who)
            allowed = {outcome.allow for _, outcome in cell.situations}
            assert (cell.answer is Answer.IF) == (len(allowed) == 2)
            assert (cell.answer is Answer.YES) == (allowed == {True})


def test_a_condition_is_so_of_the_allowed_situations_alone_by_names_as_by_facts(matrix: Matrix, layout: Layout) -> None:
    conditional = [cell for row in matrix.rows for cell in row.cells.values() if cell.answer is Answer.IF]
    assert len(conditional) == 4

    def holds(condition: Together, facts: Facts) -> bool:
        named = {name: any(matches(facts, box) for box in boxes) for name, boxes in layout.conditions.items()}
        return all(any(matches({**facts, **named}, box) for box in boxes) for boxes in condition)

    for cell in conditional:
        for facts, outcome in cell.situations:
            assert holds(cell.condition, facts) == holds(cell.facts, facts) == outcome.allow


def test_an_edit_that_opens_bills_to_users_changes_those_cells_and_no_other(
    opa: Path, policies: Path, schema: InputSchema, layout: Layout, phrases: Phrases, tmp_path: Path
) -> None:
    edited = Path(shutil.copytree(policies, tmp_path / "policies"))
    permissions = edited / "bundle" / "authz" / "permissions"
    grants, obstacles = permissions / "grants.rego", permissions / "obstacles.rego"
    bills = "\tinput.action in catalogue.bill_actions\n"
    head, tail = grants.read_text().split(bills)
    *before, last = head.split("roles.is_administrator")
    grants.write_text("roles.is_administrator".join(before) + "roles.is_linked" + last + bills + tail)
    only = "\tinput.action in catalogue.administrator_actions\n"
    obstacles.write_text(obstacles.read_text().replace(only, f"{only}\tnot input.action in catalogue.bill_actions\n"))
    few = schema._replace(kinds=schema.kinds[1:2])
    old, new = (answers(arrange(judge_all(opa, folder, few), layout), phrases) for folder in (policies, edited))
    assert {place for place in old if old[place] is not new[place]} == {
        (f"{verb} the {what}", "user, everything else")
        for verb in ("see", "manage")
        for what in ("bills", "payment statements")
    }


def test_what_is_allowed_and_has_no_row_or_column_is_shown_besides(
    table: Table, layout: Layout, phrases: Phrases, matrix: Matrix
) -> None:
    def is_odd(facts: Facts) -> bool:
        return facts["action"] == "view_bills" and facts["resource"] == "subscription" and not facts["is_known_person"]

    odd = arrange(answered(table, is_odd), layout)
    assert odd.columns == (*matrix.columns, "anybody else")
    assert [row.group for row in odd.rows] == [*(row.group for row in matrix.rows), "Anything else"]
    before = answers(arrange(answered(table, lambda _: False), layout), phrases)
    after = answers(odd, phrases)
    assert {place: after[place] for place in before} == before
    opened = {place for place, answer in after.items() if answer in {Answer.YES, Answer.IF} and place not in before}
    assert opened == {("see the bills (resource subscription)", "anybody else")}


@pytest.mark.parametrize(
    ("allow", "said"),
    [
        (
            lambda facts: facts["action"] == "view_bills" and facts["channel"] == "web",
            "◐ on the web site",
        ),
        (
            lambda facts: facts["action"] == "view_bills" and facts["channel"] != "app",
            "◐ not in the app",
        ),
        (
            lambda facts: facts["action"] == "view_bills" and facts.get("customer_kind") == "business",
            "◐ on a business customer number",
        ),
    ],
)
def test_a_condition_is_told_by_its_name_or_else_by_its_facts(
    table: Table, layout: Layout, phrases: Phrases, allow: Callable[[Facts], bool], said: str
) -> None:
    row = row_of(arrange(answered(table, allow), layout), phrases, "see the bills")
    assert {said_of_cell(row.cells[who], phrases) for who in ("user, everything else", "not linked")} == {said}


def test_a_condition_in_short_tells_what_tells_most_by_its_short_names_or_not_at_all(
    matrix: Matrix, layout: Layout, phrases: Phrases
) -> None:
    cells = row_of(matrix, phrases, "become administrator: now").cells
    cell = cells["user, everything else"]
    assert condition_in_short(cell, layout.in_short, phrases) == "own mobile or right code"
    assert condition_in_short(cell, {}, phrases) == ""


def test_what_makes_no_difference_is_told_with_its_exceptions(
    table: Table, matrix: Matrix, layout: Layout, phrases: Phrases
) -> None:
    lines, rest = said_below(matrix, phrases)
    assert lines[:2] == [
        "on the web site, in the app, on a channel not said; except under “Becoming administrator”",
        "on a residential customer number, on a business customer number; except under “become administrator: now”",
    ]
    assert "with a plan on the bill, with Pay&Go" in lines
    assert "All 28,248 situations are judged" in rest

    def is_on_pay_and_go(facts: Facts) -> bool:
        return facts["action"] == "view_usage" and facts.get("plan") == "pay_and_go"

    lines, _ = said_below(arrange(answered(table, is_on_pay_and_go), layout), phrases)
    assert "with a plan on the bill, with Pay&Go; except under “Usage”" in lines


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("columns:", "whom:", "must be YAML with `columns`, `rows` in groups, and `conditions`"),
        ("{role: [administrator]}", "administrator", "must be YAML with"),
        (
            "role: [administrator]",
            "role: [boss]",
            "columns.administrator.role: there is no such value in the schema: 'boss'",
        ),
        ("action: [view_usage]", "action: [view]", "rows.Usage.action: there is no such value in the schema: 'view'"),
        (
            "channel: [web, uns",
            "planet: [mars, uns",
            "conditions.not in the app.planet: there is no such value in the schema: 'mars'",
        ),
        ("in_short:\n  own mobile on", "in_short:\n  own mobil on", "in_short.own mobil on the bill: there is no such"),
    ],
)
def test_what_is_wrong_with_the_arrangement_is_told_with_its_file(
    policies: Path, schema: InputSchema, tmp_path: Path, old: str, new: str, said: str
) -> None:
    shutil.copytree(policies / "schemas", tmp_path / "schemas")
    file = tmp_path / "schemas" / "matrix.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(InvalidPolicy) as refusal:
        read_layout(tmp_path, schema)
    assert str(refusal.value).startswith(f"{file}: ")
    assert said in str(refusal.value)


def test_every_action_of_the_schema_has_a_row(layout: Layout, schema: InputSchema) -> None:
    arranged = {action for rows in layout.rows.values() for facts in rows for action in facts["action"]}
    known = {action for kind in schema.kinds for action in kind.facts["action"]}
    assert arranged == known - {"unknown"}
