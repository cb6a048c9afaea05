"""Bundles that `policy build` would not make."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

from authz_service.opa.folder import MANIFEST


def rewritten(bundle: Path, target: Path, metadata: dict[str, Any]) -> None:
    """Writes the bundle with another metadata."""
    with tarfile.open(bundle) as source, tarfile.open(target, "w:gz") as made:
        for member in source:
            content = source.extractfile(member)
            assert content
            data = content.read()
            if member.name.lstrip("/") == MANIFEST:
                data = json.dumps({**json.loads(data), "metadata": metadata}).encode()
                member.size = len(data)
            made.addfile(member, io.BytesIO(data))


def metadata_of(bundle: Path) -> dict[str, Any]:
    with tarfile.open(bundle) as archive:
        content = archive.extractfile(f"/{MANIFEST}")
        assert content
        metadata: dict[str, Any] = json.load(content)["metadata"]
        return metadata


def without(bundle: Path, target: Path, member: str) -> None:
    """Writes the bundle without a member of its metadata."""
    rewritten(bundle, target, {name: said for name, said in metadata_of(bundle).items() if name != member})
