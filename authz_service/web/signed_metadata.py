"""The AuthZEN metadata as a signed statement, for consumers that hold our public key. Source: AuthZEN 9.1."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from authz_service.errors import ConfigurationError

_SETTING = "AUTHZ_METADATA_KEY"
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_SHORTEST_RSA_BITS = 2048


class SigningKey(NamedTuple):
    """A private key, and the algorithm that it signs with."""

    key: ECKey | RSAKey | OKPKey
    algorithm: str

    def sign(self, claims: Mapping[str, str]) -> str:
        """The claims as a JWT of this moment."""
        header = {"alg": self.algorithm, "kid": self.key.thumbprint()}
        return jwt.encode(header, {**claims, "iat": int(time.time())}, self.key, algorithms=[self.algorithm])

    def public_keys(self) -> str:
        """The JWK Set that consumers verify with."""
        public = {**self.key.as_dict(private=False), "kid": self.key.thumbprint(), "alg": self.algorithm, "use": "sig"}
        return json.dumps({"keys": [public]})


def read_signing_key(path: Path) -> SigningKey:
    """The key in a PEM file.

    Raises:
        ConfigurationError: It cannot be read, or is none to sign with.
    """
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{_SETTING}: {path}: cannot be read: {error.strerror}.") from error
    try:
        private = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    match private:
        case EllipticCurvePrivateKey() if private.curve.name in _CURVES:
            return SigningKey(ECKey.import_key(pem), _CURVES[private.curve.name])
        case RSAPrivateKey() if private.key_size >= _SHORTEST_RSA_BITS:
            return SigningKey(RSAKey.import_key(pem), "RS256")
        case Ed25519PrivateKey():
            return SigningKey(OKPKey.import_key(pem), "Ed25519")
    # Without the cause, as it could show what is in the file.
    raise ConfigurationError(
        f"{_SETTING}: {path}: must be a private key in PEM without a password, to sign with; one is made by:"
        " openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"
    )
