"""Go modules: what govulncheck knows of the built program, and what the module proxy says of the pinned versions."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.audit_source import NotAsked, last_line, run
from tools.go_build import GoProgram, go_on_path
from tools.opa_release import NotAvailable

_REQUIRED = re.compile(r"^\t(\S+) v\S+", re.MULTILINE)


def vulnerabilities(checker: Path, program: Path) -> list[str]:
    """The known vulnerabilities whose code is in a program.

    Args:
        checker: The folder of the module that pins govulncheck.
        program: The program.
    """
    if not program.is_file():
        raise NotAsked(f"{program} is not there; run: make setup")
    done = run(
        [_go(checker), "tool", "govulncheck", "-format", "json", "-mode", "binary", program],
        checker,
        GOFLAGS="-mod=readonly",
    )
    # With -format json it ends with 0 whatever it finds.
    if done.returncode != 0:
        raise NotAsked(last_line(done))
    found = {
        f"{message['finding']['osv']}: {trace['module']} {trace.get('version', '')}, mended in"
        f" {message['finding'].get('fixed_version') or 'none'}"
        for message in objects(done.stdout)
        if "finding" in message
        for trace in message["finding"]["trace"][:1]
        if "function" in trace
    }
    return sorted(found)


def withdrawn(module: Path) -> list[str]:
    """Which modules that a `go.mod` requires are retracted in that version, or deprecated."""
    required = _REQUIRED.findall((module / "go.mod").read_text())
    done = run([_go(module), "list", "-mod=readonly", "-m", "-u", "-retracted", "-json", *required], module)
    if done.returncode != 0:
        raise NotAsked(done.stderr.partition("\n")[0])
    return [finding for one in objects(done.stdout) for finding in _findings(one)]


def _findings(module: dict[str, Any]) -> Iterator[str]:
    if retracted := module.get("Retracted"):
        yield f"{module['Path']} {module['Version']}: is retracted. {' '.join(retracted)}"
    if deprecated := module.get("Deprecated"):
        yield f"{module['Path']}: is deprecated. {deprecated}"


def objects(text: str) -> Iterator[dict[str, Any]]:
    """JSON objects one after the other, as Go's commands print them."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text.rstrip()):
        found, at = decoder.raw_decode(text, at + len(text[at:]) - len(text[at:].lstrip()))
        yield found


def _go(module: Path) -> Path:
    try:
        return go_on_path(os.environ, GoProgram(module.name, "", module).wanted_go())
    except NotAvailable as error:
        raise NotAsked(str(error)) from error
