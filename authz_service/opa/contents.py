"""What is in a bundle, and whether that is what `policy build` puts into one."""

import json
import tarfile
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path

from authz_service.errors import Fault, InvalidPolicy
from authz_service.opa.engine import PACKAGE
from authz_service.opa.folder import MANIFEST

SIGNATURES = ".signatures.json"
ROOTS = ("authz", PACKAGE)
"""The documents that a bundle holds all of, and that it may hold anything of."""

_KINDS = ("*.rego", "data.json", "*/data.json", MANIFEST, SIGNATURES)
_MADE = "; make it with `authz-service policy build`"


def read_files(bundle: Path, shown: Path) -> dict[str, bytes]:
    """The files of a bundle, by their name in it.

    Raises:
        InvalidPolicy: It cannot be read, has no manifest with roots, or a file twice; told at `shown`.
    """
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(bundle) as archive:
            for member in archive:
                name, content = member.name.lstrip("/"), archive.extractfile(member)
                if content is None:
                    continue
                if name in files:
                    raise InvalidPolicy([Fault(f"has {name} twice", file=str(shown))])
                files[name] = content.read()
        json.loads(files[MANIFEST])["roots"]
    except (OSError, EOFError, ValueError, LookupError, TypeError, tarfile.TarError) as error:
        what = "is no bundle made by `authz-service policy build`"
        raise InvalidPolicy([Fault(what, file=str(shown))]) from error
    return files


def faults_of_kind(files: Mapping[str, bytes]) -> Iterator[Fault]:
    """What OPA would load besides rules and data, or for another purpose than to answer the service."""
    for name in sorted(files):
        if not any(fnmatch(name, kind) for kind in _KINDS):
            yield Fault(f"has {name}, which is neither rules nor data{_MADE}")
    manifest = json.loads(files[MANIFEST])
    if sorted(manifest["roots"]) != sorted(ROOTS):
        # Among others system, by which OPA judges who may ask it what.
        yield Fault(f"has other roots than {' and '.join(ROOTS)}{_MADE}")
    if "wasm" in manifest:
        yield Fault(f"has rules compiled to WebAssembly, which nobody can read{_MADE}")
