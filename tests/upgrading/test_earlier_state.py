"""What an earlier version has kept is read by today's, and goes on from there."""

import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.conftest import ROOT
from tests.processes import wait_until
from tests.services import COMMAND, environment, serve
from tests.upgrading.make_state import ANSWERS, DUMP, JOURNAL, SQLITE, restore, settings_of

STATES = sorted(Path(__file__).parent.glob("*.tar.gz"))


class Kept(NamedTuple):
    """What an earlier version has kept, and what it answered."""

    revision: str
    folder: Path
    url: str
    answers: list[dict[str, Any]]


@pytest.fixture(params=STATES, ids=lambda state: state.name.partition(".")[0])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    folder = tmp_path / "kept"
    with tarfile.open(request.param) as packed:
        packed.extractall(folder, filter="data")
    for path in folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    is_dump = (folder / DUMP).exists()
    url = restore(folder, request.getfixturevalue("postgresql")) if is_dump else f"sqlite:///{folder / SQLITE}"
    return Kept(request.param.name.partition("-")[0], folder, url, json.loads((folder / ANSWERS).read_text()))


def run(opa: Path, kept: Kept, *arguments: object) -> "subprocess.CompletedProcess[str]":
    environ = environment(opa, settings_of(kept.folder, kept.url))
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)


def test_there_is_a_state_of_an_earlier_version_on_each_database() -> None:
    kinds = {state.name.removesuffix(".tar.gz").partition("-")[2] for state in STATES}
    assert kinds == {"sqlite", "postgresql"}


def test_its_database_is_upgraded_and_its_data_is_all_there(opa: Path, kept: Kept) -> None:
    assert f"The tables are at {kept.revision}; `authz-service db upgrade`" in run(opa, kept, "db", "check").stdout
    assert run(opa, kept, "db", "upgrade").returncode == 0
    exported = run(opa, kept, "customers", "export", "--format", "ndjson").stdout
    people = {line["person"]["id"] for line in map(json.loads, exported.splitlines()) if "person" in line}
    assert people == {"philip.smith", "mary.jones", "tracy.smith", "zoe.new"}
    [smiths] = [line["customer"] for line in map(json.loads, exported.splitlines()) if "customer" in line]
    assert {"person": "tracy.smith", "role": "administrator"} in smiths["members"]
    letters = json.loads(run(opa, kept, "letters", "list", "--format", "json").stdout)
    assert [letter["person"] for letter in letters] == ["philip.smith"]


def test_its_journal_is_verified(opa: Path, kept: Kept) -> None:
    run(opa, kept, "db", "upgrade")
    verified = run(opa, kept, "journal", "verify")
    assert (verified.returncode, verified.stderr) == (0, ""), verified.stdout
    with next((kept.folder / JOURNAL).glob("*/*.journal")).open("r+b") as segment:
        segment.seek(900)
        segment.write(b"#")
    assert run(opa, kept, "journal", "verify").returncode == 1


def test_a_service_goes_on_from_there(opa: Path, kept: Kept, tmp_path: Path) -> None:
    with serve(opa, tmp_path / "service", kept.url, settings_of(kept.folder, kept.url)) as service:
        assert service.call("GET", "/readyz").status_code == 200
        for answer in kept.answers:
            recorded = service.call("GET", f"/v1/decisions/{answer['id']}")
            assert recorded.status_code == 200, answer
        # Nobody has changed what these three are about.
        for answer in kept.answers[1:4]:
            assert service.decide(answer["asked"])["decision"] is answer["decision"]
        asked = service.call("POST", "/access/v1/evaluation", kept.answers[1]["asked"]).headers["Decision-Id"]
        wait_until(lambda: service.call("GET", f"/v1/decisions/{asked}").status_code == 200)
        replayed = service.call("POST", f"/v1/decisions/{kept.answers[0]['id']}/replay")
        assert replayed.status_code == 200, replayed.text
    verified = run(opa, kept, "journal", "verify")
    assert (verified.returncode, verified.stderr) == (0, ""), verified.stdout
