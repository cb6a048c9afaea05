"""The sidecar of docs/how-to/publish-a-policy.md, as that page says it is configured and started."""

import re
import shlex
from pathlib import Path

from tests.conftest import ROOT

_PAGE = (ROOT / "docs/how-to/publish-a-policy.md").read_text()
CONFIG: str = re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL)[0]
[_COMMAND] = re.findall(r"    (opa run --server .*?authorization\.rego)\n", _PAGE, re.DOTALL)


def words_of_sidecar(opa: Path, public_key: Path, port: int) -> list[str]:
    """Its command line; it finds its configuration, `sidecar.yaml`, in the folder that it runs in."""
    command = _COMMAND.replace("\\\n", " ").replace(":8181", f":{port}").replace("public.pem", str(public_key))
    return [str(opa), *shlex.split(command)[1:-1], str(ROOT / "authz_service/opa/authorization.rego")]


def write_config(folder: Path, config: str) -> None:
    """Has a sidecar that runs in the folder configured so, and keep there what it has fetched."""
    (folder / "sidecar.yaml").write_text(config.replace("/var/lib/opa", str(folder / "kept")))
