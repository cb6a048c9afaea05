import json
import shutil
from pathlib import Path

from tests.cli.conftest import Cli


def test_the_table_is_read_at_a_glance_and_longer_conditions_are_notes_below_it(cli: Cli, policies: Path) -> None:
    status, stdout, stderr = cli("policy", "matrix", policies)
    assert (status, stderr) == (0, "")
    table, notes, same, rest = stdout.split("\n\n")
    rows = table.splitlines()
    assert "Bills and payment statements" in rows
    assert " ".join(next(row for row in rows if "see the bills" in row).split()) == "see the bills ✓ yes - ✗ no ✗ no"
    asked = next(row for row in rows if "asked beforehand" in row)
    assert " ".join(asked.split()) == "become administrator: asked beforehand ✗ no - ◐ if 1) ◐ if 2)"
    assert all(row == row.rstrip() and len(row) <= 120 for row in rows)
    assert notes.splitlines()[1] == "2) activation code (no mobile on the bill); not in the app"
    assert len(notes.splitlines()) == 4
    assert same.startswith("Makes no difference:\n  on the web site, in the app")
    assert "28,248 situations" in rest


def test_it_is_given_to_other_programs_as_they_like_it(cli: Cli, policies: Path) -> None:
    status, stdout, stderr = cli("policy", "matrix", policies, "--format", "json")
    assert (status, stderr) == (0, "")
    assert json.loads(stdout)["situations"] == 28_248


def test_a_folder_that_does_not_say_how_to_arrange_it_is_a_sentence(cli: Cli, policies: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(policies, tmp_path / "policies"))
    (folder / "schemas" / "matrix.yaml").unlink()
    status, stdout, stderr = cli("policy", "matrix", folder)
    assert (status, stdout) == (1, "")
    assert stderr.startswith(f"{folder}/schemas/matrix.yaml: must be YAML with `columns`, `rows` in groups")
