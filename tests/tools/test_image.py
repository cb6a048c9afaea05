"""The steps of the Dockerfile, done here: what they install runs as nobody, on a tree that it cannot write to."""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
import requests

from authz_service.callers.callers import token_sha256
from tests.conftest import ROOT
from tests.processes import processes_below, wait_until

DOCKERFILE = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE))
STAGES = DOCKERFILE.split("FROM ")[1:]
[SERVICE] = [stage for stage in STAGES if " AS service" in stage]
FINAL = STAGES[-1]
USER = 10001
# Where anybody may write, as long as nobody has taken that away.
SHARED = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - tried, not used
TRIES = """
import pathlib, sys
for place in sys.argv[1:]:
    try:
        pathlib.Path(place, "mine").touch()
        print(place)
    except OSError:
        pass
"""


def words(instruction: str) -> list[str]:
    """The words of an instruction of the last stage in its form without a shell."""
    [found] = re.findall(rf"^{instruction} (\[.*\])$", FINAL, re.MULTILINE)
    return [str(word) for word in json.loads(found)]


# what is written in it


def test_a_linter_has_nothing_to_warn_of() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    linted = subprocess.run(
        [linter, "--no-color", "--failure-threshold", "warning", ROOT / "Dockerfile"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout


def test_the_linter_would_have(tmp_path: Path) -> None:
    careless = tmp_path / "Dockerfile"
    careless.write_text("FROM python\nRUN cd /tmp && pip install flask\n")
    linter = Path(sys.executable).with_name("hadolint")
    linted = subprocess.run([linter, "--failure-threshold", "warning", careless], capture_output=True, check=False)
    assert linted.returncode == 1


def test_every_base_image_can_be_given_by_digest_and_the_user_is_a_number() -> None:
    images = re.findall(r"^FROM (?:--platform=\S+ )?(\S+)", DOCKERFILE, re.MULTILINE)
    assert set(images) == {"${GO_IMAGE}", "${PYTHON_IMAGE}"}
    assert f"USER {USER}:{USER}\n" in FINAL


def test_the_last_stage_needs_no_shell() -> None:
    for line in FINAL.splitlines():
        if line.startswith(("RUN", "ENTRYPOINT", "CMD")):
            assert re.match(r"\w+ \[", line), line
        if line.startswith("HEALTHCHECK"):
            assert " CMD [" in line


# what it makes


class Image(NamedTuple):
    """What the image has, at other places: the tree, and the two folders that are written to."""

    tree: Path
    state: Path
    temporary: Path
    wheel: Path

    def environment(self) -> dict[str, str]:
        """That of the image; on its path is nothing but the service and OPA, and no shell."""
        return {
            "PATH": f"{self.tree / 'venv' / 'bin'}:{self.tree / 'bin'}",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "AUTHZ_POLICIES": str(self.tree / "policies"),
            "AUTHZ_DATABASE_URL": f"sqlite:///{self.state / 'authz.db'}",
            "AUTHZ_CALLERS": str(self.tree / "callers.yaml"),
            "TMPDIR": str(self.temporary),
        }

    def contained(self, command: Sequence[str]) -> list[str]:
        """The command as a container would run it: as another user, without rights, all but two folders read-only."""
        writable = " ".join(f"&& mount --bind {folder} {folder}" for folder in (self.state, self.temporary))
        mounts = f"mount --make-rprivate / {writable}{self._python_for_all()} && mount -o remount,bind,ro /"
        for place in (str(self.tree), *SHARED, "/var"):
            mounts += f" && (! mountpoint -q {place} || mount -o remount,bind,ro {place})"
        is_root = os.geteuid() == 0
        user = ["--reuid", str(USER), "--regid", str(USER), "--clear-groups"] if is_root else []
        become = ["setpriv", *user, "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "env", "-i"]
        variables = [f"{name}={value}" for name, value in self.environment().items()]
        inside = shlex.join([*become, *variables, *command])
        apart = ["unshare", "--mount"] if is_root else ["unshare", "--user", "--map-root-user", "--mount"]
        return [*apart, "sh", "-c", f"{mounts} && exec {inside}"]

    def _python_for_all(self) -> str:
        """Brings a Python in the home of who runs this to where another user gets at it, as in an image."""
        python = Path(sys.base_prefix)
        closed = next((above for above in reversed(python.parents) if not above.stat().st_mode & 0o001), None)
        if closed is None or os.geteuid() != 0:
            return ""
        kept = self.tree.parent / "python"
        kept.mkdir(exist_ok=True)
        away = f"mount --bind {python} {kept} && mount -t tmpfs -o mode=755 tmpfs {closed}"
        return f" && {away} && mkdir -p {python} && mount --bind {kept} {python} && mount -o remount,ro {closed}"


def perform(stage: str, folder: Path, base: Path, source: Path) -> None:
    """Does what a stage copies and runs, with its folders below another."""
    work = folder / "src"
    work.mkdir()
    for line in stage.splitlines():
        told = re.sub(r"(?<=[\s])/(opt|out)\b", rf"{folder}/\1", line)
        if line.startswith("COPY "):
            *files, target = line.split()[1:]
            for file in files:
                place = work / (target if (source / file).is_dir() else file)
                copy = shutil.copytree if (source / file).is_dir() else shutil.copyfile
                copy(source / file, place)
        elif line.startswith("RUN "):
            environ = {
                **{name: value for name, value in os.environ.items() if not name.startswith(("AUTHZ_", "VIRTUAL_ENV"))},
                **dict(re.findall(r"^ARG (\w+)=(\S+)", stage, re.MULTILINE)),
                "PATH": f"{base / 'bin'}:{os.environ['PATH']}",
            }
            done = subprocess.run(
                ["sh", "-c", told[4:]], cwd=work, env=environ, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{told}\n{done.stdout}\n{done.stderr}"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with pip, as the base image has it."""
    folder = tmp_path_factory.mktemp("base") / "python"
    venv.create(folder, with_pip=True)
    return folder


@pytest.fixture(scope="module")
def image(opa: Path, base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    folder = tmp_path_factory.mktemp("image")
    perform(SERVICE, folder, base, ROOT)
    tree = folder / "opt"
    (tree / "bin").mkdir()
    shutil.copy(opa, tree / "bin" / "opa")
    shutil.copytree(ROOT / "policies", tree / "policies")
    (tree / "callers.yaml").write_text(
        f"callers: [{{name: tests, token_sha256: '{token_sha256('t')}', scopes: [decide]}}]\n"
    )
    state, temporary = folder / "state", folder / "temporary"
    for place in (state, temporary):
        place.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(place, USER, USER)
    # Others may go through to the tree, as in an image.
    opened = []
    for above in (folder, *folder.parents):
        if above.stat().st_uid == os.geteuid() and not above.stat().st_mode & 0o001:
            opened.append((above, above.stat().st_mode))
            above.chmod(above.stat().st_mode | 0o011)
    [wheel] = (folder / "out").glob("*.whl")
    yield Image(tree, state, temporary, wheel)
    for above, mode in opened:
        above.chmod(mode)


def test_nothing_can_be_installed_where_it_runs(image: Image) -> None:
    installed = {file.name.partition("-")[0] for file in (image.tree / "venv").glob("lib/*/site-packages/*.dist-info")}
    assert "authz_service" in installed
    assert not installed & {"pip", "setuptools", "wheel", "uv"}


def test_it_answers_as_another_user_on_a_tree_that_it_cannot_write_to(
    image: Image, free_port: Callable[[], int], tmp_path: Path
) -> None:
    port = free_port()
    before = files_of(image.tree)
    serve = [str(image.tree / "venv" / "bin" / words("ENTRYPOINT")[0]), *words("CMD"), "--port", str(port)]
    log = tmp_path / "log"
    with log.open("wb") as output, subprocess.Popen(image.contained(serve), stdout=output, stderr=output) as running:
        try:
            wait_until(lambda: running.poll() is not None or is_ready(port), seconds=60)
            assert running.poll() is None, log.read_text()
            assert healthcheck(image, port).returncode == 0
            below = processes_below(running.pid) | {running.pid: "itself"}
            assert any("opa.sock" in command for command in below.values())
            if os.geteuid() == 0:
                assert {user_of(pid) for pid in below} == {USER}
            assert {rights_of(pid) for pid in below} == {0}
        finally:
            running.terminate()
            running.wait(30)
    assert healthcheck(image, port).returncode != 0
    assert files_of(image.tree) == before
    assert (image.state / "authz.db").exists()


def test_what_contains_it_lets_nothing_be_written_elsewhere(image: Image, tmp_path: Path) -> None:
    places = [image.tree, image.tree / "policies", tmp_path, *map(Path, SHARED), image.state, image.temporary]
    command = [str(image.tree / "venv" / "bin" / "python"), "-c", TRIES, *map(str, places)]
    done = subprocess.run(image.contained(command), capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(image.state), str(image.temporary)]


def test_the_wheel_is_the_same_to_the_byte_wherever_and_whenever_it_is_built(
    image: Image, base: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("pyproject.toml", "README.md", "requirements.txt", "requirements-build.txt"):
        shutil.copyfile(ROOT / name, elsewhere / name)
    shutil.copytree(ROOT / "authz_service", elsewhere / "authz_service", ignore=shutil.ignore_patterns("__pycache__"))
    for file in elsewhere.rglob("*"):
        os.utime(file, (1_000_000_000, 1_000_000_000))
    built = tmp_path / "built"
    built.mkdir()
    steps = [
        line.partition(" &&")[0] for line in SERVICE.splitlines() if line.startswith(("ARG", "COPY", "RUN pip wheel"))
    ]
    perform("\n".join(steps), built, base, elsewhere)
    [wheel] = (built / "out").glob("*.whl")
    assert hashlib.sha256(wheel.read_bytes()).hexdigest() == hashlib.sha256(image.wheel.read_bytes()).hexdigest()


def is_ready(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).ok
    except requests.RequestException:
        return False


def healthcheck(image: Image, port: int) -> "subprocess.CompletedProcess[str]":
    """What the image has itself looked at with, at the port of this test."""
    [found] = re.findall(r"^HEALTHCHECK .* CMD (\[.*\])$", FINAL, re.MULTILINE)
    program, *rest = [str(word).replace(":8080", f":{port}") for word in json.loads(found)]
    command = image.contained([str(image.tree / "venv" / "bin" / program), *rest])
    return subprocess.run(command, capture_output=True, text=True, check=False)


def files_of(tree: Path) -> set[tuple[str, int]]:
    return {(str(file), file.lstat().st_mtime_ns) for file in tree.rglob("*")}


def user_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def rights_of(pid: int) -> int:
    """The capabilities that a process has or could get, as a bit mask."""
    masks = re.findall(r"^Cap(?:Eff|Prm|Inh|Bnd|Amb):\s+(\w+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return max(int(mask, 16) for mask in masks)
