"""What a bundle has of its policies folder beside the rules, so that it can be read where that folder is not."""

import json
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from authz_service.errors import Fault, InvalidPolicy

MANIFEST = ".manifest"
SOURCES, HISTORY, SEQUENCE = "sources", "history", "sequence"

# What a policy says besides its rules: the facts, what can be asked and how that is told, and what has to hold.
_KEPT = ("requirements.yaml", "schemas/*.json", "schemas/*.yaml", "checks/promises/*.rego")
_TESTS = "*_test.rego"


def read_sources(policies: Path) -> dict[str, str]:
    """The texts of a folder that go into its bundle beside the rules, by their path in the folder."""
    files = sorted(file for pattern in _KEPT for file in policies.glob(pattern) if not file.match(_TESTS))
    return {
        file.relative_to(policies).as_posix(): file.read_bytes().decode("utf-8", "replace")
        for file in files
        if file.is_file()
    }


def read_revision(bundle: Path) -> str:
    """The revision that a bundle names.

    Raises:
        InvalidPolicy: It is no bundle made by `policy build`.
    """
    try:
        with tarfile.open(bundle) as archive:
            manifest = archive.extractfile(f"/{MANIFEST}")
            return str(json.load(manifest)["revision"]) if manifest else ""
    except (OSError, EOFError, ValueError, LookupError, TypeError, tarfile.TarError) as error:
        raise _no_bundle(bundle) from error


def unpack_folder(bundle: Path, folder: Path) -> Mapping[str, Any]:
    """Makes a policies folder of a bundle, as far as the bundle has it, and returns the metadata of its manifest.

    Raises:
        InvalidPolicy: It is no bundle made by `policy build`.
    """
    rules = folder / "bundle"
    try:
        with tarfile.open(bundle) as archive:
            archive.extractall(rules, filter="data")
        metadata: Mapping[str, Any] = json.loads((rules / MANIFEST).read_text(encoding="utf-8")).get("metadata", {})
        for name, text in metadata.get(SOURCES, {}).items():
            _write(folder, PurePosixPath(name), text)
    except (OSError, EOFError, ValueError, TypeError, AttributeError, tarfile.TarError) as error:
        raise _no_bundle(bundle) from error
    return metadata


def _no_bundle(file: Path) -> InvalidPolicy:
    return InvalidPolicy([Fault("is no bundle made by `authz-service policy build`", file=str(file))])


def _write(folder: Path, path: PurePosixPath, text: str) -> None:
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(path)
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text, encoding="utf-8", newline="")
