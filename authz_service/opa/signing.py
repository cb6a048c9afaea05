"""The keys that bundles are signed and verified with: ES256 or EdDSA, from PEM files."""

import hashlib
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from authz_service.errors import ConfigurationError

_CURVE = "secp256r1"
_ID_LENGTH = 16


class BundleKey(NamedTuple):
    """A key in a file.

    Attributes:
        path: The file, from wherever OPA reads it.
        algorithm: What it signs or verifies.
        shown: The file as the person named it.
        id: What tells public keys apart, the beginning of the SHA-256 of their DER; empty for a private one.
    """

    path: Path
    algorithm: str
    shown: Path
    id: str = ""

    def options(self, name: str) -> list[str]:
        """How OPA is told of it; `name` is its `signing-key` or `verification-key`."""
        return [f"--{name}", str(self.path), "--signing-alg", self.algorithm]


def read_private_key(path: Path) -> BundleKey:
    """The key that signs.

    Raises:
        ConfigurationError: It cannot be read, or is no such key.
    """
    try:
        key = load_pem_private_key(_read(path), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    match key:
        case Ed25519PrivateKey():
            return BundleKey(path.resolve(), "EdDSA", path)
        case EllipticCurvePrivateKey() if key.curve.name == _CURVE:
            return BundleKey(path.resolve(), "ES256", path)
    # Without the cause, as it could show what is in the file.
    raise ConfigurationError(
        f"{path}: must be a private key in PEM without a password, EC on P-256 or Ed25519; one is made by:"
        " openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"
    )


def read_public_key(path: Path) -> BundleKey:
    """The key that verifies.

    Raises:
        ConfigurationError: It cannot be read, or is no such key.
    """
    # A file with a private key in it, OPA would take too; but that belongs where bundles are made.
    try:
        key = load_pem_public_key(_read(path))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    match key:
        case Ed25519PublicKey():
            return BundleKey(path.resolve(), "EdDSA", path, _id(key))
        case EllipticCurvePublicKey() if key.curve.name == _CURVE:
            return BundleKey(path.resolve(), "ES256", path, _id(key))
    raise ConfigurationError(
        f"{path}: must be a public key in PEM, EC on P-256 or Ed25519; that of a private key is printed by:"
        " openssl pkey -pubout -in PRIVATE.pem"
    )


def _id(key: Ed25519PublicKey | EllipticCurvePublicKey) -> str:
    encoded = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(encoded).hexdigest()[:_ID_LENGTH]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}.") from error
