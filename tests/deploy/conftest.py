"""What tests of `deploy/` share: the programs that read it, and what is made before it is started."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bundle_server import BundleServer
from tests.conftest import ROOT
from tests.deploy.manifests import OVERLAYS, Manifest, build
from tools.setup_pinned import DEPLOY, pinned_programs

OPERATE = ROOT / "docs" / "how-to" / "operate"


@pytest.fixture(scope="session")
def programs() -> dict[str, Path]:
    return pinned_programs(DEPLOY, ROOT, os.environ, Path(sys.executable))


@pytest.fixture(scope="session")
def kustomize(programs: dict[str, Path]) -> Path:
    return programs["kustomize"]


@pytest.fixture(scope="session")
def kube_score(programs: dict[str, Path]) -> Path:
    return programs["kube-score"]


@pytest.fixture(scope="session")
def compose_loader(programs: dict[str, Path]) -> Path:
    return programs["compose"]


@pytest.fixture(scope="session")
def overlays(kustomize: Path) -> dict[str, list[Manifest]]:
    """The objects of each overlay."""
    return {overlay: build(kustomize, folders) for overlay, folders in OVERLAYS.items()}


@pytest.fixture(params=list(OVERLAYS))
def manifests(overlays: dict[str, list[Manifest]], request: pytest.FixtureRequest) -> list[Manifest]:
    """Those of each overlay in turn."""
    return overlays[request.param]


@pytest.fixture(scope="session")
def compose(compose_loader: Path) -> dict[str, Any]:
    """The model that Compose makes of its file."""
    environ = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        [compose_loader, "compose.yaml"], cwd=ROOT / "deploy", env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    model: dict[str, Any] = json.loads(done.stdout)
    return model


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose name leaves room for that of a socket."""
    with tempfile.TemporaryDirectory(prefix="authz-") as folder:
        yield Path(folder)


@pytest.fixture
def bundle_server(short_folder: Path) -> Iterator[BundleServer]:
    server = BundleServer(short_folder / "served")
    server.up()
    yield server
    server.down()


def do_as_told(page: str, folder: Path, policies: Path) -> None:
    """Runs what a page of `docs/how-to/operate` has for bash, in a folder."""
    blocks = re.findall(r"```bash\n(.*?)```", (OPERATE / page).read_text(), re.DOTALL)
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AUTHZ_")},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "POLICIES": str(policies),
    }
    script = "set -euo pipefail\n" + "\n".join(blocks) + '\nprintf %s "$token" > token\n'
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
