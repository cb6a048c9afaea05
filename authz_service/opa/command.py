"""Runs `opa` on Rego files, and tells what it finds at the author's files."""

import functools
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from authz_service.errors import Fault, InvalidPolicy

SERVER = ("run", "--server", "--skip-version-check", "--log-level", "error")
"""What `opa` is told so that it answers over HTTP, and asks nobody for a newer one; where it listens comes after."""

_PATIENCE_SECONDS = 30.0
_TELLING = ("trace",)
_NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


def run_opa(
    opa: Path,
    *arguments: str,
    cwd: Path | None = None,
    shown: Path,
    stdin: str = "",
    fails: bool = True,
    settings: Mapping[str, str] = _NO_SETTINGS,
    patience_seconds: float | None = None,
) -> str:
    """What OPA prints.

    Args:
        opa: The program.
        arguments: The command and its options.
        cwd: Where it runs; here if left out.
        shown: Where the author finds what is in `cwd`: findings are told there, not at copies.
        stdin: What it reads.
        fails: Whether an exit status other than zero is a failure; some commands also print results with one.
        settings: Its environment; nothing else is passed on.
        patience_seconds: How long it may take, where that is not what is usual.

    Raises:
        InvalidPolicy: With each of OPA's findings.
    """
    patience = _PATIENCE_SECONDS if patience_seconds is None else patience_seconds
    try:
        done = subprocess.run(  # noqa: S603 - the program was found and checked, and no shell reads the arguments
            [opa, *arguments],
            cwd=cwd,
            env=dict(settings),
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=patience,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        what = f"OPA has not come to an end with it within {patience:g} s"
        raise InvalidPolicy([Fault(what, file=str(shown))]) from error
    if done.returncode and (fails or not done.stdout):
        raise InvalidPolicy(_findings(done, shown))
    return done.stdout


def restricted(opa: Path, work: Path) -> list[str]:
    """The options by which OPA refuses what a policy may not use."""
    capabilities = work / "capabilities.json"
    capabilities.write_text(_capabilities(opa))
    return ["--capabilities", str(capabilities)]


@functools.cache
def _capabilities(opa: Path) -> str:
    """What a policy may use: nothing whose result depends on anything but its input, and nothing that tells of it."""
    known: dict[str, Any] = json.loads(run_opa(opa, "capabilities", "--current", cwd=opa.parent, shown=opa))
    known["builtins"] = [
        builtin
        for builtin in known["builtins"]
        if not (builtin.get("nondeterministic") or builtin["name"] in _TELLING or builtin["name"].startswith("net."))
    ]
    return json.dumps({**known, "allow_net": []})


def _findings(done: "subprocess.CompletedProcess[str]", shown: Path) -> list[Fault]:
    for said in (done.stderr, done.stdout):
        try:
            errors = json.loads(said)["errors"]
        except (ValueError, KeyError, TypeError):
            continue
        return [_finding(error, shown) for error in errors]
    return [Fault(" ".join((done.stderr or done.stdout).split()) or "OPA refuses it without a word", file=str(shown))]


def _finding(error: dict[str, Any], shown: Path) -> Fault:
    location = error.get("location") or {}
    known = error.get("details") or {}
    alternatives = known.get("oneOf") if isinstance(known, dict) else None
    wanted = f"; known are {', '.join(alternatives)}" if alternatives else ""
    file = os.path.normpath(shown / location["file"].lstrip("/")) if location.get("file") else str(shown)
    return Fault(" ".join(error["message"].split()) + wanted, file=file, line=location.get("row", 0))
