"""Write what is in the service: `build/sbom/python.cdx.json` from the lock, `opa.cdx.json` from the built OPA.

    python -m tools.sbom

Both are CycloneDX 1.6 in JSON, and the same to the byte for the same lock and the same program.
"""

import base64
import json
import subprocess
import sys
import warnings
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from authz_service.opa.binary import OPA_VERSION
from tools.go_program import Module, modules_of
from tools.work import SetupFailed, run_to_the_end, say

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "sbom"
_OF_ONE_RUN = ("serialNumber", "timestamp")


def write_python(root: Path, target: Path) -> None:
    """What `requirements.txt` locks, as cyclonedx-py has it."""
    options: list[str | Path] = [
        "--sv",
        "1.6",
        "--of",
        "JSON",
        "--output-reproducible",
        "--validate",
        "--output-file",
        target,
    ]
    sources = ["requirements.txt", "--pyproject", "pyproject.toml"]
    command: list[str | Path] = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "cyclonedx_py",
        "requirements",
        *sources,
        *options,
    ]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SetupFailed(f"{target} was not written: {done.stderr.strip()}")


def write_opa(program: Path, target: Path) -> None:
    """The Go modules that are compiled into a program, as it says itself, with their digests of go.sum."""
    go, modules = modules_of(program)
    opa = Component(name="opa", version=OPA_VERSION, type=ComponentType.APPLICATION, bom_ref="opa")
    parts = [_part(one) for one in [Module("stdlib", go.removeprefix("go"), ""), *modules]]
    bom = Bom(components=parts)
    bom.metadata.component = opa
    bom.register_dependency(opa, parts)
    with warnings.catch_warnings():
        # That no part says what it depends on: a program does not tell.
        warnings.simplefilter("ignore")
        made = json.loads(JsonV1Dot6(bom).output_as_string())
    for place in (made, made["metadata"]):
        for name in _OF_ONE_RUN:
            place.pop(name, None)
    target.write_text(json.dumps(made, indent=2, sort_keys=True) + "\n")


def _part(module: Module) -> Component:
    namespace, _, name = module.path.rpartition("/")
    url = PackageURL("golang", namespace or None, name, module.version)
    digests = [HashType(alg=HashAlgorithm.SHA_256, content=_hexadecimal(module.sum))] if module.sum else []
    return Component(
        name=module.path,
        version=module.version,
        type=ComponentType.LIBRARY,
        purl=url,
        bom_ref=url.to_string(),
        hashes=digests,
    )


def _hexadecimal(digest: str) -> str:
    """A digest of go.sum, such as `h1:…=`."""
    return base64.b64decode(digest.removeprefix("h1:")).hex()


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_python(ROOT, FOLDER / "python.cdx.json")
    write_opa(ROOT / ".tools" / "bin" / "opa", FOLDER / "opa.cdx.json")
    for file in sorted(FOLDER.glob("*.cdx.json")):
        say(f"✓ {file.relative_to(ROOT)}: {len(json.loads(file.read_text())['components'])} components")


if __name__ == "__main__":
    sys.exit(run_to_the_end(main))
