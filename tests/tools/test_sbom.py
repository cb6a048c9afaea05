"""The lists of what is in the service are whole, valid and the same each time."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.conftest import ROOT
from tools.go_program import modules_of
from tools.sbom import write_opa, write_python
from tools.work import SetupFailed


@pytest.fixture(scope="module")
def made(opa: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sbom")
    write_python(ROOT, folder / "python.json")
    write_opa(opa, folder / "opa.json")
    return {"python": folder / "python.json", "opa": folder / "opa.json"}


def components(file: Path) -> dict[str, Any]:
    return {one["name"]: one for one in json.loads(file.read_text())["components"]}


@pytest.mark.parametrize("which", ["python", "opa"])
def test_it_is_valid_cyclonedx(made: dict[str, Path], which: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(made[which].read_text()) is None


def test_what_is_not_valid_is_noticed(made: dict[str, Path]) -> None:
    spoilt = made["opa"].read_text().replace('"library"', '"librarian"')
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(spoilt) is not None


def test_every_locked_package_is_in_it_with_its_digests(made: dict[str, Path]) -> None:
    found = components(made["python"])
    lock = (ROOT / "requirements.txt").read_text()
    pinned = re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==([^\s;\\]+)", lock, re.MULTILINE)
    assert {(name, found[name]["version"]) for name in found} == set(pinned)
    digests = {
        digest["content"]
        for one in found.values()
        for reference in one["externalReferences"]
        for digest in reference["hashes"]
    }
    assert digests == set(re.findall(r"--hash=sha256:(\w+)", lock))


def test_every_module_of_opa_is_in_it_with_the_digests_of_its_lock(made: dict[str, Path], opa: Path) -> None:
    found = components(made["opa"])
    said = (ROOT / "tools/opa/go.sum").read_text()
    go, modules = modules_of(opa)
    assert found["stdlib"]["version"] == go.removeprefix("go")
    assert len(modules) > 50
    for module in modules:
        assert found[module.path]["version"] == module.version
        assert f"{module.path} {module.version} {module.sum}\n" in said


def test_both_are_the_same_each_time(made: dict[str, Path], opa: Path, tmp_path: Path) -> None:
    for file in ("requirements.txt", "pyproject.toml"):
        shutil.copyfile(ROOT / file, tmp_path / file)
    write_python(tmp_path, tmp_path / "python.json")
    write_opa(opa, tmp_path / "opa.json")
    assert (tmp_path / "python.json").read_bytes() == made["python"].read_bytes()
    assert (tmp_path / "opa.json").read_bytes() == made["opa"].read_bytes()


def test_a_program_that_go_did_not_build_is_refused(tmp_path: Path) -> None:
    program = Path(shutil.which("true") or "")
    with pytest.raises(SetupFailed, match="does not say what it is made of"):
        write_opa(program, tmp_path / "opa.json")
