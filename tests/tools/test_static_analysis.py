"""What looks for holes in the code is on, and each place where it is not has its reason."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

_SILENCED = re.compile(r"# (?:noqa: (?P<rules>[A-Z]+\d+(?:, [A-Z]+\d+)*)|type: ignore\[[\w, -]+\])(?P<reason>.*)")
_REASON = re.compile(r"( - |  # )\S.{5,}")


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("import subprocess; subprocess.run('ls ' + name, shell=True)", "S602"),
        ("import pickle; pickle.loads(name)", "S301"),
        ("import yaml; yaml.load(name, yaml.Loader)", "S506"),
        ("import requests; requests.get(name, verify=False, timeout=1)", "S501"),
        ("import hashlib; hashlib.md5(name)", "S324"),
        ("import random; random.random()", "S311"),
        ("import os; os.chmod(name, 0o777)", "S103"),
        ("connection.execute(f'SELECT * FROM {name}')", "S608"),
        ("PASSWORD = 'correct horse'", "S105"),
        ("assert name", "S101"),
    ],
)
def test_a_hole_in_the_service_is_found(line: str, rule: str) -> None:
    ruff = str(Path(sys.executable).with_name("ruff"))
    command = [ruff, "check", "--output-format", "concise", "--stdin-filename", "authz_service/planted.py", "-"]
    done = subprocess.run(command, cwd=ROOT, input=f"{line}\n", capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f" {rule} " in done.stdout


def test_each_place_where_a_check_is_silenced_has_its_reason() -> None:
    files = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    silenced = [
        (f"{name}:{number}", match["reason"])
        for name in files.stdout.split()
        if name != "tests/tools/test_static_analysis.py" and (ROOT / name).exists()
        for number, line in enumerate((ROOT / name).read_text().splitlines(), start=1)
        if (match := _SILENCED.search(line))
    ]
    assert len(silenced) > 100
    assert [place for place, reason in silenced if not _REASON.fullmatch(reason)] == []


def test_each_rule_of_security_that_is_off_in_a_folder_has_its_reason() -> None:
    configured = (ROOT / "pyproject.toml").read_text().partition("[tool.ruff.lint.per-file-ignores]")[2]
    off = re.findall(r'^  ("S\d{3}".*)$', configured.partition("\n[")[0], re.MULTILINE)
    assert len(off) >= 5
    assert [line for line in off if "# " not in line] == []
