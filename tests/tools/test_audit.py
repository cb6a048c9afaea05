"""What is locked is asked about, and a source that cannot be asked is no source that knows nothing."""

import json
import subprocess
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tools import audit_go, audit_npm, audit_python
from tools.audit import ALL_WELL, FOUND, NOT_ALL_ASKED, Source, audit, sources
from tools.audit_source import NotAsked, run


def raises() -> Sequence[str]:
    raise NotAsked("nobody is there")


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ([list], ALL_WELL),
        ([list, lambda: ["one"]], FOUND),
        ([list, raises], NOT_ALL_ASKED),
        ([raises, lambda: ["one"]], FOUND),
    ],
)
def test_the_exit_status_tells_findings_from_sources_not_asked(answers: list[Any], status: int) -> None:
    assert audit(Source(str(n), ask) for n, ask in enumerate(answers)) == status


def test_each_source_is_told_with_whether_it_was_asked(capsys: pytest.CaptureFixture[str]) -> None:
    audit(iter([Source("well", list), Source("ill", lambda: ["x 1: is yanked."]), Source("away", raises)]))
    assert capsys.readouterr().out.splitlines() == [
        "✓ asked      well: none known",
        "✗ asked      ill: 1 found",
        "    x 1: is yanked.",
        "- not asked  away: nobody is there",
    ]


def test_every_lock_file_of_the_project_has_a_source() -> None:
    titles = " ".join(source.title for source in sources(ROOT))
    for lock in [*ROOT.glob("tools/*/go.sum"), *ROOT.glob("*/*/package-lock.json")]:
        assert str(lock.parent.relative_to(ROOT)) in titles


# Python


def test_a_package_that_pip_audit_skips_was_not_asked_about() -> None:
    skipped = {
        "dependencies": [{"name": "one", "skip_reason": "not found"}, {"name": "two", "version": "1", "vulns": []}]
    }
    with pytest.raises(NotAsked, match="knows nothing of 1 of 2 packages, one among them"):
        audit_python.advisories(skipped)


def test_what_pip_audit_knows_is_a_sentence() -> None:
    advisory = {"id": "PYSEC-1", "fix_versions": ["2"], "aliases": [], "description": ""}
    assert audit_python.advisories({"dependencies": [{"name": "one", "version": "1", "vulns": [advisory]}]}) == [
        "one 1: PYSEC-1, mended in 2"
    ]


PROJECTS: dict[str, dict[str, Any]] = {
    "good": {"files": [{"filename": "good-1.0-py3-none-any.whl", "yanked": False}]},
    "half-good": {
        "files": [
            {"filename": "half_good-1.0-py3-none-any.whl", "yanked": "no use"},
            {"filename": "half_good-1.0.tar.gz", "yanked": False},
            {"filename": "half_good-1.0.1.tar.gz", "yanked": "another version"},
        ]
    },
    "taken.back": {"files": [{"filename": "taken_back-2.0.tar.gz", "yanked": "breaks everything"}]},
    "gone": {"files": [{"filename": "gone-3.0.tar.gz", "yanked": False}]},
    "left": {
        "files": [{"filename": "left-1.0.tar.gz"}],
        "project-status": {"status": "archived", "reason": "Use right."},
    },
}


class _Index(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = PROJECTS.get(self.path.strip("/").rpartition("/")[2])
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/vnd.pypi.simple.v1+json" if found else "text/html")
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def index() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/simple"
        server.shutdown()


def lock(folder: Path, *pins: str) -> list[Path]:
    file = folder / "requirements.txt"
    file.write_text("".join(f"{pin} \\\n    --hash=sha256:00\n    # via nobody\n" for pin in pins))
    return [file]


def test_releases_that_the_index_has_taken_back_are_found(index: str, tmp_path: Path) -> None:
    locks = lock(
        tmp_path, "good==1.0", "half-good==1.0 ; python_version < '4'", "taken.back==2.0", "gone==2.0", "left==1.0"
    )
    assert audit_python.withdrawn(locks, index) == [
        "gone 2.0: is gone from the index",
        "left: the project is archived. Use right.",
        "taken.back 2.0: is yanked. breaks everything",
    ]


def test_an_index_without_the_project_or_without_an_answer_was_not_asked(index: str, tmp_path: Path) -> None:
    with pytest.raises(NotAsked, match="has no JSON of unknown"):
        audit_python.withdrawn(lock(tmp_path, "unknown==1"), index)
    with pytest.raises(NotAsked) as refusal:
        audit_python.withdrawn(lock(tmp_path, "good==1.0"), "http://user:hidden@127.0.0.1:9/simple")
    assert "hidden" not in str(refusal.value)


def test_every_pin_of_the_lock_files_is_read() -> None:
    files = sorted(ROOT.glob("requirements*.txt"))
    pins = sum(line[:1].isalnum() for file in files for line in file.read_text().splitlines())
    assert pins > 100
    assert sum(len(audit_python.locked([file])) for file in files) == pins


# Go and npm


def test_modules_that_go_says_are_taken_back_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = [
        {"Path": "a", "Version": "v1"},
        {"Path": "b", "Version": "v2", "Retracted": ["broken"], "Deprecated": "Use c."},
    ]
    go = tmp_path / "go"
    printed = "\n".join(json.dumps(one, indent=1) for one in said)
    go.write_text(f"#!/bin/sh\n[ $1 = env ] && echo go1.99.0 && exit\ncat <<'END'\n{printed}\nEND\n")
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert audit_go.withdrawn(ROOT / "tools" / "opa") == ["b v2: is retracted. broken", "b: is deprecated. Use c."]


def test_a_proxy_that_does_not_answer_go_was_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\n[ $1 = env ] && echo go1.99.0 && exit\necho no way there >&2\nexit 1\n")
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(NotAsked, match=r"^no way there$"):
        audit_go.withdrawn(ROOT / "tools" / "opa")


def test_only_vulnerabilities_whose_code_is_in_the_program_are_found(
    opa: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [
        {"config": {}},
        {
            "finding": {
                "osv": "GO-1",
                "fixed_version": "v2",
                "trace": [{"module": "a", "version": "v1", "function": "F"}],
            }
        },
        {"finding": {"osv": "GO-2", "trace": [{"module": "b", "version": "v1"}]}},
    ]
    go = tmp_path / "go"
    printed = "\n".join(json.dumps(one) for one in said)
    go.write_text(f"#!/bin/sh\n[ $1 = env ] && echo go1.99.0 && exit\ncat <<'END'\n{printed}\nEND\n")
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert audit_go.vulnerabilities(ROOT / "tools" / "govulncheck", opa) == ["GO-1: a v1, mended in v2"]


def test_a_registry_that_refuses_npm_was_not_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(
        audit_npm, "AUDIT", ("sh", "-c", """echo '{"message": "405 Not Allowed - POST there"}'; exit 1""")
    )
    with pytest.raises(NotAsked, match=r"^405 Not Allowed$"):
        audit_npm.vulnerabilities(tmp_path)


def test_what_npm_knows_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    via = [{"title": "Reads too far", "severity": "high"}, "another"]
    report = json.dumps({"vulnerabilities": {"one": {"range": "<2", "via": via}}})
    monkeypatch.setattr(audit_npm, "AUDIT", ("sh", "-c", f"echo '{report}'; exit 1"))
    assert audit_npm.vulnerabilities(tmp_path) == ["one <2: Reads too far, high"]


def test_a_program_that_is_not_there_or_says_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotAsked, match="cannot be run"):
        run([tmp_path / "nothing"], tmp_path)
    assert isinstance(run(["true"], tmp_path), subprocess.CompletedProcess)
