"""Whether a bundle is what somebody signed, and whether it is the policy of a folder."""

import base64
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from authz_service import __version__
from authz_service.errors import Fault, InvalidPolicy
from authz_service.opa.bundle import build_bundle
from authz_service.opa.command import run_opa
from authz_service.opa.contents import SIGNATURES, read_files
from authz_service.opa.folder import MANIFEST, SEQUENCE, SOURCES
from authz_service.opa.signing import BundleKey

MOST_SEQUENCE = 2**63 - 1
"""What a database can keep."""

_VERIFIES = {"ES256": "io.jwt.verify_es256", "EdDSA": "io.jwt.verify_eddsa"}


class Verified(NamedTuple):
    """What a bundle says of itself, once that can be believed.

    Attributes:
        revision: The revision of the policy.
        roots: The documents that it holds all of.
        metadata: What it was made of, and by what, in a word each.
        sequence: What tells it from earlier ones, greater than theirs; None where it says nothing of that.
        is_signed: Whether it is signed.
    """

    revision: str
    roots: tuple[str, ...]
    metadata: Mapping[str, str]
    sequence: int | None
    is_signed: bool


def verify_bundle(
    opa: Path, bundle: Path, key: BundleKey | None, policies: Path | None, shown: Path | None = None
) -> Verified:
    """Makes sure that a bundle is what was signed, and that it is the policy of a folder.

    Args:
        opa: The program.
        bundle: The bundle.
        key: The public key of who signs. Without one, a signed bundle is refused.
        policies: The policies folder. Without one, nothing vouches for an unsigned bundle, and it is refused.
        shown: Where faults are told; where the bundle is, if left out.

    Raises:
        InvalidPolicy: With everything that is not so.
    """
    shown = shown or bundle
    with tempfile.TemporaryDirectory() as folder:
        # What is looked at is what was verified, whatever happens to the file meanwhile.
        copy = Path(shutil.copyfile(bundle, Path(folder) / "bundle.tar.gz"))
        files = read_files(copy, shown)
        faults = list(_faults_of_signature(opa, copy, files, key, is_compared=policies is not None))
        if policies:
            faults += _faults_of_content(opa, files, policies, Path(folder) / "policies.tar.gz")
        if faults:
            raise InvalidPolicy([replace(fault, file=str(shown)) for fault in faults])
        try:
            revision = build_bundle(opa, copy, Path(folder) / "accepted.tar.gz")
        except InvalidPolicy as error:
            raise InvalidPolicy([replace(fault, file=str(shown)) for fault in error.faults]) from error
    manifest = json.loads(files[MANIFEST])
    metadata = {name: said for name, said in manifest.get("metadata", {}).items() if isinstance(said, str)}
    sequence = manifest.get("metadata", {}).get(SEQUENCE)
    known = sequence if type(sequence) is int and 0 <= sequence <= MOST_SEQUENCE else None
    return Verified(revision, tuple(manifest["roots"]), metadata, known, SIGNATURES in files)


def _faults_of_signature(
    opa: Path, bundle: Path, files: Mapping[str, bytes], key: BundleKey | None, *, is_compared: bool
) -> Iterator[Fault]:
    is_signed = SIGNATURES in files
    if key and not is_signed:
        yield Fault("is not signed; it has to be made by `authz-service policy build --signing-key`")
    elif is_signed and not key:
        yield Fault("is signed, and only the public key tells by whom; give it with --key")
    elif not (is_signed or is_compared):
        yield Fault(
            "is not signed, so nothing vouches for it; sign it with `authz-service policy build --signing-key`, "
            "or compare it with its policies folder by --policies"
        )
    elif key:
        yield from _faults_under_key(opa, bundle, files[SIGNATURES], key)


def _faults_under_key(opa: Path, bundle: Path, signatures: bytes, key: BundleKey) -> Iterator[Fault]:
    token, algorithm = _token(signatures)
    if algorithm != key.algorithm:
        yield Fault(
            f"is signed with {algorithm or 'nothing that can be read'}, and {key.shown} verifies {key.algorithm}"
        )
    elif not _is_by(opa, token, key, shown=bundle):
        yield Fault(f"is not signed by the private key that {key.shown} belongs to")
    else:
        verify = ["build", "--bundle", bundle.name, *key.options("verification-key"), "--output", "verified.tar.gz"]
        try:
            run_opa(opa, *verify, cwd=bundle.parent, shown=bundle)
        except InvalidPolicy as error:
            found = "; ".join(fault.what.rpartition(f"{bundle.name}: ")[2] for fault in error.faults)
            yield Fault(f"is not what was signed: {found}")


def _token(signatures: bytes) -> tuple[str, str]:
    """The signed statement about the files, and the algorithm that it says it is signed with."""
    try:
        [token] = json.loads(signatures)["signatures"]
        head = token.partition(".")[0]
        return token, str(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["alg"])
    except (ValueError, LookupError, TypeError, AttributeError):
        return "", ""


def _is_by(opa: Path, token: str, key: BundleKey, *, shown: Path) -> bool:
    given = json.dumps({"token": token, "key": key.path.read_text(encoding="utf-8")})
    query = f"{_VERIFIES[key.algorithm]}(input.token, input.key)"
    evaluate = ["eval", "--stdin-input", "--format", "raw", query]
    return run_opa(opa, *evaluate, shown=shown, stdin=given).strip() == "true"


def _faults_of_content(opa: Path, files: Mapping[str, bytes], policies: Path, built: Path) -> Iterator[Fault]:
    revision = build_bundle(opa, policies, built)
    wanted = read_files(built, policies)
    said = json.loads(files[MANIFEST])
    if said.get("revision") != revision:
        by = said.get("metadata", {}).get("authz_service", "another version")
        # What the service asks is part of a bundle, so another version may have made another of the same rules.
        made = "" if by == __version__ else f"; it was made by authz-service {by}, and this is {__version__}"
        what = f"is not the policy of {policies}: that has revision {revision}, and this {said.get('revision')}{made}"
        yield Fault(what)
        return
    files, wanted = _with_sources(files), _with_sources(wanted)
    names = sorted({*files, *wanted} - {SIGNATURES, MANIFEST})
    if other := [name for name in names if files.get(name) != wanted.get(name)]:
        yield Fault(f"has the revision of {policies} and another content: {', '.join(other)}")


def _with_sources(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files, with what the manifest has of the folder besides."""
    sources = json.loads(files[MANIFEST]).get("metadata", {}).get(SOURCES, {})
    return {**files, **{name: text.encode() for name, text in sources.items()}}
