"""Runs containers as processes of this machine, with the words, variables, files and modes that they would have.

What an image or a mount has at a path is at another one here, and each port is a free one. So both are replaced in
words, in variables and in the configuration of OPA.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.conftest import ROOT
from tests.processes import is_running, processes_below, wait_until

ENTRYPOINT = [sys.executable, "-c", "from authz_service.cli import main; main()"]
_CONFIGURATION = "--config-file="
PACKAGES = "/opt/venv/lib/python3.11/site-packages"


@dataclass(frozen=True, slots=True)
class Container:
    """What is told to start one.

    Attributes:
        name: Its name.
        words: Its command line; the image's entrypoint is left out where it is that.
        environ: Its variables, without those of the image.
        mounts: The folder or file of this machine that is mounted at each path.
        ports: The free port in the place of each that it listens on.
    """

    name: str
    words: Sequence[str]
    environ: Mapping[str, str]
    mounts: Mapping[str, Path]
    ports: Mapping[int, int] = field(default_factory=dict)


def image_environment(opa: Path) -> dict[str, str]:
    """The variables of the image, with its OPA in front of all others on its path."""
    dockerfile = (ROOT / "Dockerfile").read_text().replace("\\\n", "")
    [variables] = re.findall(r"^ENV PATH=\S+ (.+)", dockerfile, re.MULTILINE)
    named = dict(word.split("=", 1) for word in variables.split())
    return {**named, "PATH": f"{opa.parent}:{os.environ['PATH']}", "AUTHZ_POLICIES": str(ROOT / "policies")}


def here(text: str, container: Container) -> str:
    """The text with the places and ports of this machine."""
    places = {PACKAGES: ROOT, **container.mounts}
    any_of_them = "|".join(re.escape(place) for place in sorted(places, key=len, reverse=True))
    text = re.sub(rf"(?<![\w.-])({any_of_them})(?=[/?\s]|$)", lambda found: str(places[found[1]]), text)
    for port, free in container.ports.items():
        text = re.sub(rf":{port}$", f":{free}", text)
    return text


def command_line(container: Container, opa: Path, folder: Path) -> tuple[list[str], dict[str, str]]:
    """The words and the whole environment with which it is started here.

    Args:
        container: What is to be started.
        opa: The program of the image.
        folder: Where configuration is put that names places.
    """
    words = [here(word, container) for word in container.words]
    for at, word in enumerate(words):
        if word.startswith(_CONFIGURATION):
            told = Path(word.removeprefix(_CONFIGURATION)).read_text()
            config = folder / f"{container.name}.yaml"
            config.write_text(here(told, container))
            words[at] = f"{_CONFIGURATION}{config}"
    environ = {name: here(value, container) for name, value in container.environ.items()}
    if words[0] == "opa":
        words[0] = str(opa)
    else:
        words = [*ENTRYPOINT, *words]
        for free in container.ports.values():
            words += ["--port", str(free)]
    return words, {**image_environment(opa), **environ}


def run_in(container: Container, opa: Path, folder: Path, *words: str) -> None:
    """Runs another command to its end where a container runs, with all that this has."""
    beside = replace(container, name=f"{container.name}-beside", words=words, ports={})
    with running(beside, opa, folder / f"{beside.name}.log") as process:
        assert process.wait(30) == 0


@contextmanager
def running(container: Container, opa: Path, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The container's process while the block lasts; it is ended as an orchestrator does, and nothing of it is left."""
    words, environ = command_line(container, opa, log.parent)
    with log.open("ab") as written:
        process = subprocess.Popen(
            words, env=environ, cwd=log.parent, stdin=subprocess.DEVNULL, stdout=written, stderr=written
        )
    try:
        yield process
    except BaseException:
        print(log.read_text())  # noqa: T201 - pytest shows it where a test has failed
        raise
    finally:
        below = processes_below(process.pid)
        process.terminate()
        try:
            process.wait(15)
        finally:
            process.kill()
            process.wait()
        wait_until(lambda: not any(map(is_running, below)))
