"""What is in a bundle, and whether that is what `policy build` puts into one."""

import gzip
import json
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from io import BytesIO
from pathlib import Path

from authz_service.errors import Fault, InvalidPolicy
from authz_service.opa.engine import PACKAGE
from authz_service.opa.folder import MANIFEST

SIGNATURES = ".signatures.json"
ROOTS = ("authz", PACKAGE)
"""The documents that a bundle holds all of, and that it may hold anything of."""

MOST_UNPACKED_BYTES = 16 * 1024 * 1024
MOST_MEMBERS = 1_000
"""What is read of a bundle at most, since it is read before anybody has vouched for it."""

_KINDS = ("*.rego", "data.json", "*/data.json", MANIFEST, SIGNATURES)
_MADE = "; make it with `authz-service policy build`"


def read_files(bundle: Path, shown: Path) -> dict[str, bytes]:
    """The files of a bundle, by their name in it.

    Raises:
        InvalidPolicy: It cannot be read, is too large, has no manifest with roots, or a file twice; told at `shown`.
    """
    files: dict[str, bytes] = {}
    left = MOST_UNPACKED_BYTES
    try:
        with tarfile.open(fileobj=BytesIO(_unpacked(bundle, shown)), mode="r:") as archive:
            for number, member in enumerate(archive, 1):
                if number > MOST_MEMBERS:
                    what = f"has more than {MOST_MEMBERS:,} files, which is the limit"
                    raise InvalidPolicy([Fault(f"{what}; put its rules and data into fewer", file=str(shown))])
                name, file = member.name.lstrip("/"), archive.extractfile(member)
                if file is None:
                    continue
                if name in files:
                    raise InvalidPolicy([Fault(f"has {name} twice", file=str(shown))])
                # Links and sparse files give more than the archive has.
                files[name] = file.read(left + 1)
                left -= len(files[name])
                if left < 0:
                    raise _too_large(shown)
        json.loads(files[MANIFEST])["roots"]
    except (OSError, EOFError, ValueError, LookupError, TypeError, zlib.error, tarfile.TarError) as error:
        what = "is no bundle made by `authz-service policy build`"
        raise InvalidPolicy([Fault(what, file=str(shown))]) from error
    return files


def _unpacked(bundle: Path, shown: Path) -> bytes:
    # The archive's own headers may be as large as its files.
    with gzip.open(bundle) as packed:
        unpacked = packed.read(MOST_UNPACKED_BYTES + 1)
    if len(unpacked) > MOST_UNPACKED_BYTES:
        raise _too_large(shown)
    return unpacked


def _too_large(shown: Path) -> InvalidPolicy:
    what = f"is larger than {MOST_UNPACKED_BYTES // 1024**2} MiB unpacked, which is the limit"
    return InvalidPolicy([Fault(f"{what}; make its rules and data smaller", file=str(shown))])


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
