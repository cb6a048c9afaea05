"""The sidecar of docs/how-to/publish-a-policy.md, as that page says it is configured and started."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from tests.conftest import ROOT

_PAGE = (ROOT / "docs/how-to/publish-a-policy.md").read_text()
CONFIG: str = re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL)[0]
[_COMMAND] = re.findall(r"    (opa run --server .*?authorization\.rego)\n", _PAGE, re.DOTALL)


def at_port(port: int) -> list[str]:
    """Where it listens, as the page has it."""
    return ["--addr", f"127.0.0.1:{port}"]


def at_socket(socket: Path, told_at: int) -> list[str]:
    """Where it listens in production: at a socket for its own user, and at a port for health and metrics alone."""
    diagnostic = ["--diagnostic-addr", f"127.0.0.1:{told_at}", str(ROOT / "deploy/opa/metrics.rego")]
    return ["--addr", f"unix://{socket}", "--unix-socket-perm", "600", *diagnostic]


def words_of_sidecar(opa: Path, public_key: Path, listening: Sequence[str]) -> list[str]:
    """Its command line; it finds its configuration, `sidecar.yaml`, in the folder that it runs in.

    Args:
        opa: The program.
        public_key: What bundles are signed with.
        listening: The words that say where it listens.
    """
    command = _COMMAND.replace("\\\n", " ").replace("--addr 127.0.0.1:8181", shlex.join(listening))
    words = shlex.split(command.replace("public.pem", str(public_key)))
    return [str(opa), *words[1:-1], str(ROOT / "authz_service/opa/authorization.rego")]


def write_config(folder: Path, config: str) -> None:
    """Has a sidecar that runs in the folder configured so, and keep there what it has fetched."""
    (folder / "sidecar.yaml").write_text(config.replace("/var/lib/opa", str(folder / "kept")))
