"""What an editor is given for policies: the settings in `.vscode`, and Regal's language server."""

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from authz_service.cli.main import cli
from authz_service.errors import Fault
from authz_service.opa.binary import OPA, REGAL, find_regal, project_tool_folder
from tests.conftest import ROOT

_FOLDER = ROOT / ".vscode"
_FILES = sorted(_FOLDER.iterdir())
_MADE_BY_SETUP = {f".tools/bin/{program.name}" for program in (OPA, REGAL)} | {".venv/bin/authz-service"}
_PATIENCE_SECONDS = 60.0
_ROLES = Path("policies/bundle/authz/roles/roles.rego")


def _read(name: str) -> Any:  # noqa: ANN401 - whatever the JSON is
    return json.loads((_FOLDER / name).read_text())


def _tasks() -> dict[str, Any]:
    return {task["label"]: task for task in _read("tasks.json")["tasks"]}


def test_there_are_settings_extensions_and_tasks() -> None:
    assert {file.name for file in _FILES} == {"settings.json", "extensions.json", "tasks.json"}
    assert _read("extensions.json") == {"recommendations": ["tsandall.opa"]}
    assert set(_tasks()) == {"policy check", "policy watch"}


@pytest.mark.parametrize("file", _FILES, ids=[file.name for file in _FILES])
def test_every_path_is_in_the_checkout_or_made_by_setup(file: Path) -> None:
    text = file.read_text()
    named = set(re.findall(r'"\$\{workspaceFolder\}/([^"]+)"', text))
    assert [path for path in named - _MADE_BY_SETUP if not (ROOT / path).exists()] == []
    assert not re.search(r'"/|"file:|"~|[A-Z]:\\', text)


def test_the_programs_are_those_that_setup_puts_into_its_folder() -> None:
    tools = project_tool_folder()
    assert tools
    settings = _read("settings.json")
    for program in (OPA, REGAL):
        path = settings[f"opa.dependency_paths.{program.name}"]
        assert path.replace("${workspaceFolder}", str(ROOT)) == str(tools / program.name)


@pytest.mark.parametrize("label", ["policy check", "policy watch"])
def test_every_task_runs_a_command_that_there_is_on_the_policies_folder(label: str) -> None:
    task = _tasks()[label]
    group, name, folder = task["args"]
    found = cli.get_command(click.Context(cli), group)
    assert isinstance(found, click.Group)
    command = found.get_command(click.Context(found), name)
    assert command is not None
    assert f"{group} {command.name}" == label
    assert (ROOT / folder / "bundle").is_dir()


@pytest.mark.parametrize("label", ["policy check", "policy watch"])
def test_every_task_takes_findings_from_what_is_printed_and_nothing_else(label: str) -> None:
    pattern = _tasks()[label]["problemMatcher"]["pattern"]
    finding = re.search(pattern["regexp"], str(Fault("does not: x; mend it", file=str(_ROLES), line=7)))
    assert finding
    assert [finding[pattern[part]] for part in ("file", "line", "message")] == [
        str(_ROLES),
        "7",
        "does not: x; mend it",
    ]
    for line in ("19:20:05 policies", "✗ 1 finding (3.2 s)", "Since HEAD: ✗ 12 of 28,248 situations"):
        assert not re.search(pattern["regexp"], line)


def test_the_watching_task_knows_when_a_round_begins_and_ends() -> None:
    # Lines as the test of `policy watch` sees them printed.
    background = _tasks()["policy watch"]["problemMatcher"]["background"]
    assert re.search(background["beginsPattern"], "19:20:05 policies")
    assert re.search(background["endsPattern"], "Since HEAD: ✓ No situation is answered differently (28,248 judged).")


class LanguageServer:
    """Regal's language server, spoken to over its standard input and output."""

    def __init__(self, regal: Path) -> None:
        self._process = subprocess.Popen(
            [regal, "language-server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}
        )
        # One that does not answer ends, and so does the reading.
        self._patience = threading.Timer(_PATIENCE_SECONDS, self._process.kill)
        self._patience.start()

    def close(self) -> None:
        self._patience.cancel()
        with self._process:
            self._process.kill()

    def send(self, **message: object) -> None:
        assert self._process.stdin
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def messages(self) -> Iterator[dict[str, Any]]:
        """What it says, as it says it; it gets an empty answer to what it asks."""
        assert self._process.stdout
        while header := self._process.stdout.readline():
            name, _, value = header.partition(b":")
            if name.lower() != b"content-length":
                continue
            assert self._process.stdout.readline() == b"\r\n"
            message = json.loads(self._process.stdout.read(int(value)))
            if "id" in message and "method" in message:
                self.send(id=message["id"], result=None)
            yield message


@pytest.fixture
def server() -> Iterator[LanguageServer]:
    server = LanguageServer(find_regal(os.environ, project_tool_folder()))
    yield server
    server.close()


@pytest.mark.parametrize("folder", [".", "policies"])
def test_the_language_server_tells_what_our_own_rules_find(
    server: LanguageServer, policies: Path, tmp_path: Path, folder: str
) -> None:
    """Whether the editor has the checkout open or the policies folder alone."""
    shutil.copytree(policies, tmp_path / "policies")
    workspace = (tmp_path / folder).resolve()
    file = (tmp_path / _ROLES).resolve()
    line = file.read_text().count("\n") + 1
    file.write_text(f'{file.read_text()}\nis_cousin if input.role == "cousin"\n')
    messages = server.messages()
    server.send(
        id=1,
        method="initialize",
        params={"processId": None, "rootUri": workspace.as_uri(), "capabilities": {}, "clientInfo": {"name": "test"}},
    )
    answered = next(message for message in messages if message.get("id") == 1)
    assert answered["result"]["serverInfo"] == {"name": "Regal", "version": REGAL.version}

    opened = {"uri": file.as_uri(), "languageId": "rego", "version": 1, "text": file.read_text()}
    server.send(method="initialized", params={})
    server.send(method="textDocument/didOpen", params={"textDocument": opened})
    found = next(
        diagnostic
        for message in messages
        if message.get("method") == "textDocument/publishDiagnostics" and message["params"]["uri"] == file.as_uri()
        for diagnostic in message["params"]["diagnostics"] or ()
        if diagnostic["code"] == "metadata-complete"
    )
    assert found["range"]["start"]["line"] == line
    assert found["message"].startswith("`is_cousin` has no METADATA; ")
