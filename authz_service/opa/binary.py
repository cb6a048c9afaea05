"""Which `opa` program runs here: looked for in three places, and refused unless it is the version wanted.

The set-up imports this before anything is installed: the standard library only.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from authz_service.errors import ConfigurationError

OPA_VERSION = "1.22.2"
SETTING = "AUTHZ_OPA_BIN"

# A cold start of a 43 MB program on a busy machine takes seconds; a program that hangs takes for ever.
PATIENCE_SECONDS = 20.0

# What a version manager's wrapper needs to find the real program; no secret of the caller is passed on.
_PASSED_ON = ("PATH", "HOME")


def find_opa(
    environ: Mapping[str, str], tool_folder: Path | None, *, patience_seconds: float = PATIENCE_SECONDS
) -> Path:
    """The `opa` to run, by its absolute path.

    `AUTHZ_OPA_BIN` is an order: what it names is used or refused, and never replaced by another. Without it
    the first `opa` on `PATH` is taken, then the one in `tool_folder`; each only in the version wanted.

    Args:
        environ: The environment to look in, usually `os.environ`.
        tool_folder: Where the set-up puts the pinned version; none in an installed service.
        patience_seconds: How long a program may take to say its version.

    Raises:
        ConfigurationError: No place has the version wanted. The message says what each has, and what to do.
    """
    named = environ.get(SETTING)
    if named:
        return _the_one_named(Path(named).absolute(), environ, patience_seconds)
    faults = []
    for program in _candidates(environ, tool_folder):
        fault = what_is_wrong(program, environ, patience_seconds=patience_seconds)
        if fault is None:
            return program
        faults.append(f"{program} {fault}")
    if shutil.which("opa", path=environ.get("PATH", "")) is None:
        faults.insert(0, "PATH has none")
    raise ConfigurationError(f"OPA {OPA_VERSION} is wanted, but {' and '.join(faults)}. {_mend(tool_folder)}")


def what_is_wrong(
    program: Path, environ: Mapping[str, str], *, patience_seconds: float = PATIENCE_SECONDS
) -> str | None:
    """What keeps a program from being the OPA wanted, as the end of a sentence that begins with its path."""
    if not program.is_file():
        return "does not exist" if not program.exists() else "is not a file"
    if not os.access(program, os.X_OK):
        return "may not be executed"
    try:
        said = _version_said(program, environ, patience_seconds)
    except subprocess.TimeoutExpired:
        return f"did not say its version within {patience_seconds:g} s"
    except OSError as error:
        return f"cannot be run ({error.strerror or type(error).__name__})"
    if said is None:
        return "is not OPA: `opa version` names no version"
    return None if said == OPA_VERSION else f"is OPA {said}"


def project_tool_folder() -> Path | None:
    """Where `make setup` puts the pinned `opa`; none when the service runs from an installed package."""
    root = Path(__file__).resolve().parents[2]
    is_checkout = (root / "tools" / "opa" / "go.mod").is_file()
    return root / ".tools" / "bin" if is_checkout else None


def _the_one_named(program: Path, environ: Mapping[str, str], patience_seconds: float) -> Path:
    fault = what_is_wrong(program, environ, patience_seconds=patience_seconds)
    if fault is None:
        return program
    raise ConfigurationError(
        f"{SETTING}: {program} {fault}; OPA {OPA_VERSION} is wanted. "
        f"Name a program of that version, or unset {SETTING} to have one looked for."
    )


def _candidates(environ: Mapping[str, str], tool_folder: Path | None) -> list[Path]:
    on_path = shutil.which("opa", path=environ.get("PATH", ""))
    found = [Path(on_path).absolute()] if on_path else []
    return [*found, tool_folder.absolute() / "opa"] if tool_folder else found


def _version_said(program: Path, environ: Mapping[str, str], patience_seconds: float) -> str | None:
    answer = subprocess.run(  # noqa: S603 - the program that the operator chose is what has to be asked
        [program, "version"],
        env={name: environ[name] for name in _PASSED_ON if name in environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=patience_seconds,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    line = re.search(r"^Version:\s*(\S+)\s*$", answer.stdout, re.MULTILINE)
    return line[1] if line and answer.returncode == 0 else None


def _mend(tool_folder: Path | None) -> str:
    if tool_folder is None:
        return f"Put that version on PATH, or name it in {SETTING}."
    return f"Run: make setup (or name a program of that version in {SETTING})."
