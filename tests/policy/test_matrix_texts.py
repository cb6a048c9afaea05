import csv
import json
from io import StringIO

from authz_service.policy.matrix import Matrix
from authz_service.policy.matrix_texts import write_csv, write_json, write_markdown
from authz_service.policy.sentences import Phrases


def test_csv_has_a_line_a_cell_with_its_condition(matrix: Matrix, phrases: Phrases) -> None:
    lines = list(csv.DictReader(StringIO(write_csv(matrix, phrases))))
    assert len(lines) == 18 * 4
    assert sum(line["answer"] == "if" for line in lines) == sum(line["condition"] != "" for line in lines) == 4
    assert lines[0] == {
        "group": "Bills and payment statements",
        "what": "see the bills",
        "who": "administrator",
        "answer": "yes",
        "condition": "",
        "situations": "6",
        "allowed": "6",
        "reasons": "administrator_bills",
    }


def test_json_counts_every_situation_and_has_conditions_as_facts(matrix: Matrix, phrases: Phrases) -> None:
    said = json.loads(write_json(matrix, phrases))
    cells = {(row["what"], who): cell for row in said["rows"] for who, cell in row["cells"].items()}
    counted = sum(cell["situations"] for cell in cells.values()) + said["rest"]["situations"]
    assert counted == said["situations"] == 28_248
    assert cells["see the usage", "user, own mobile"] == {
        "answer": "yes",
        "condition": None,
        "when": None,
        "situations": 24,
        "allowed": 24,
        "reasons": {"own_mobile_usage": 24},
    }
    assert cells["become administrator: asked beforehand", "not linked"]["when"] == [
        [{"channel": ["web", "unspecified"]}],
        [{"mobiles_paid_by_customer": ["none"]}],
        [{"mobiles_paid_by_employer": ["none"]}],
        [{"activation_code": ["unused"]}],
    ]
    assert {"fact": "plan", "values": ["subscription", "pay_and_go"], "except": []} in said["same"]


def test_markdown_is_a_table_for_a_wiki(matrix: Matrix, phrases: Phrases) -> None:
    lines = write_markdown(matrix, phrases).splitlines()
    assert lines[0] == "|  | administrator | user, own mobile | user, everything else | not linked |"
    assert "| see the bills | ✓ yes | - | ✗ no | ✗ no |" in lines
    assert {line.count("|") for line in lines if line.startswith("|")} == {6}
    assert "- with a plan on the bill, with Pay&Go" in lines
