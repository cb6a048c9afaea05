from pathlib import Path
from typing import Any

import pytest

from authz_service.errors import InvalidPolicy
from authz_service.policy import golden
from authz_service.policy.situations import InputSchema
from authz_service.policy.table import Table


def test_the_table_that_is_kept_has_the_answers_of_the_policy(
    policies: Path, table: Table, schema: InputSchema
) -> None:
    kept = (policies / golden.FILE).read_text(encoding="utf-8")
    assert kept == golden.write(table, schema), "run: authz-service policy accept"


def test_the_answer_to_every_situation_is_read_back_from_the_text(
    policies: Path, table: Table, schema: InputSchema
) -> None:
    assert golden.read(policies / golden.FILE, schema) == table.outcomes


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("allow", True),
        ("codes", ("another",)),
        ("route", "mobile_number"),
        ("requires", ("web_site",)),
        ("effects", ("person_becomes_administrator",)),
    ],
)
def test_one_answer_that_changes_changes_the_text(table: Table, schema: InputSchema, part: str, value: Any) -> None:  # noqa: ANN401 - of any part
    few = table._replace(situations=table.situations[:648], outcomes=table.outcomes[:648])
    outcomes = list(few.outcomes)
    outcomes[100] = outcomes[100]._replace(**{part: value})
    assert outcomes != few.outcomes
    assert golden.write(few._replace(outcomes=outcomes), schema) != golden.write(few, schema)


def test_it_is_short_enough_to_review(policies: Path) -> None:
    assert len((policies / golden.FILE).read_text(encoding="utf-8").splitlines()) < 1_000


@pytest.mark.parametrize(
    "text", ["customer number\n  forbid (1 of 2)\n", "  allow (1 of 2)\n", "customer number\n    role user\n"]
)
def test_a_file_that_is_no_golden_table_is_refused(tmp_path: Path, schema: InputSchema, text: str) -> None:
    file = tmp_path / golden.FILE
    file.write_text(text)
    with pytest.raises(InvalidPolicy, match=r"golden\.txt: is no golden table; `authz-service policy accept`"):
        golden.read(file, schema)


def test_a_missing_table_says_what_makes_it(tmp_path: Path, schema: InputSchema) -> None:
    with pytest.raises(InvalidPolicy, match=r"golden\.txt: does not exist; `authz-service policy accept` makes it"):
        golden.read(tmp_path / golden.FILE, schema)
