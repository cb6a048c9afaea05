"""Which `opa` and which `regal` run here: looked for where they can be, and refused unless of the version wanted.

The set-up imports this before anything is installed: the standard library only.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from authz_service.errors import ConfigurationError

OPA_VERSION = "1.22.2"
REGAL_VERSION = "0.42.0"


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is run in one version and no other.

    Attributes:
        name: The name of its file.
        title: What it is called in a sentence.
        version: The one wanted.
        setting: The setting that can name its place; empty where none can.
    """

    name: str
    title: str
    version: str
    setting: str = ""

    def __str__(self) -> str:
        return f"{self.title} {self.version}"


OPA = Program("opa", "OPA", OPA_VERSION, "AUTHZ_OPA_BIN")
REGAL = Program("regal", "Regal", REGAL_VERSION)

# A cold start of a 43 MB program on a busy machine takes seconds; a program that hangs takes for ever.
PATIENCE_SECONDS = 20.0

# What a version manager's wrapper needs to find the real program; no secret of the caller is passed on.
_PASSED_ON = ("PATH", "HOME")


def find_opa(
    environ: Mapping[str, str], tool_folder: Path | None, *, patience_seconds: float = PATIENCE_SECONDS
) -> Path:
    """The `opa` to run; see `find_program`."""
    return find_program(OPA, environ, tool_folder, patience_seconds=patience_seconds)


def find_regal(environ: Mapping[str, str], tool_folder: Path | None) -> Path:
    """The `regal` to run; see `find_program`."""
    return find_program(REGAL, environ, tool_folder)


def find_program(
    wanted: Program,
    environ: Mapping[str, str],
    tool_folder: Path | None,
    *,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Path:
    """The program to run, by its absolute path.

    Its setting is an order: what it names is used or refused, and never replaced by another. Without it the first
    of that name on `PATH` is taken, then the one in `tool_folder`; each only in the version wanted.

    Args:
        wanted: The program.
        environ: The environment to look in, usually `os.environ`.
        tool_folder: Where the set-up puts the pinned version; none in an installed service.
        patience_seconds: How long a program may take to say its version.

    Raises:
        ConfigurationError: No place has the version wanted. The message says what each has, and what to do.
    """
    named = environ.get(wanted.setting)
    if named:
        return _the_one_named(Path(named).absolute(), wanted, environ, patience_seconds)
    faults = []
    for path in _candidates(wanted, environ, tool_folder):
        fault = what_is_wrong(path, wanted, environ, patience_seconds=patience_seconds)
        if fault is None:
            return path
        faults.append(f"{path} {fault}")
    if shutil.which(wanted.name, path=environ.get("PATH", "")) is None:
        faults.insert(0, "PATH has none")
    raise ConfigurationError(f"{wanted} is wanted, but {' and '.join(faults)}. {_mend(wanted, tool_folder)}")


def what_is_wrong(
    path: Path, wanted: Program, environ: Mapping[str, str], *, patience_seconds: float = PATIENCE_SECONDS
) -> str | None:
    """What keeps a file from being the program wanted, as the end of a sentence that begins with its path."""
    if not path.is_file():
        return "does not exist" if not path.exists() else "is not a file"
    if not os.access(path, os.X_OK):
        return "may not be executed"
    try:
        said = _version_said(path, environ, patience_seconds)
    except subprocess.TimeoutExpired:
        return f"did not say its version within {patience_seconds:g} s"
    except OSError as error:
        return f"cannot be run ({error.strerror or type(error).__name__})"
    if said is None:
        return f"is not {wanted.title}: `{wanted.name} version` names no version"
    return None if said == wanted.version else f"is {wanted.title} {said}"


def project_tool_folder() -> Path | None:
    """Where `make setup` puts the pinned programs; none when the service runs from an installed package."""
    root = Path(__file__).resolve().parents[2]
    is_checkout = (root / "tools" / "opa" / "go.mod").is_file()
    return root / ".tools" / "bin" if is_checkout else None


def _the_one_named(path: Path, wanted: Program, environ: Mapping[str, str], patience_seconds: float) -> Path:
    fault = what_is_wrong(path, wanted, environ, patience_seconds=patience_seconds)
    if fault is None:
        return path
    raise ConfigurationError(
        f"{wanted.setting}: {path} {fault}; {wanted} is wanted. "
        f"Name a program of that version, or unset {wanted.setting} to have one looked for."
    )


def _candidates(wanted: Program, environ: Mapping[str, str], tool_folder: Path | None) -> list[Path]:
    on_path = shutil.which(wanted.name, path=environ.get("PATH", ""))
    found = [Path(on_path).absolute()] if on_path else []
    return [*found, tool_folder.absolute() / wanted.name] if tool_folder else found


def _version_said(path: Path, environ: Mapping[str, str], patience_seconds: float) -> str | None:
    answer = subprocess.run(  # noqa: S603 - the program that the operator chose is what has to be asked
        [path, "version"],
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


def _mend(wanted: Program, tool_folder: Path | None) -> str:
    if tool_folder is None:
        named = f", or name it in {wanted.setting}" if wanted.setting else ""
        return f"Put that version on PATH{named}."
    return "Run: make setup" + (f" (or name a program of that version in {wanted.setting})." if wanted.setting else ".")
