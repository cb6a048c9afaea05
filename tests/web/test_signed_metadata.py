"""The signed AuthZEN metadata (checklist E7)."""

import dataclasses
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from authz_service.app import close_app, create_app
from authz_service.errors import ConfigurationError
from authz_service.settings import Settings, read_settings
from authz_service.web.signed_metadata import read_signing_key
from tests.conftest import Load

WELL_KNOWN = "/.well-known/authzen-configuration"
URL = "https://pdp.example.org"
P_256 = ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
ALGORITHMS = {
    "ES256": P_256,
    "ES384": ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "ES512": ["EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
    "RS256": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "Ed25519": ["ED25519"],
}

MakeKey = Callable[[list[str]], Path]
SignedWith = Callable[[Path], FlaskClient]


@pytest.fixture
def make_key(tmp_path: Path) -> MakeKey:
    """Has OpenSSL make a private key."""

    def make(options: list[str]) -> Path:
        path = tmp_path / f"{options[-1].replace(':', '-')}.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", *options, "-out", path], check=True, capture_output=True)
        return path

    return make


@pytest.fixture
def signed_with(settings: Settings, load: Load) -> Iterator[SignedWith]:
    """A client of a service that signs its metadata with that key."""
    load([])
    with ExitStack() as opened:

        def signed_with(key: Path) -> FlaskClient:
            app = create_app(dataclasses.replace(settings, public_url=URL, metadata_key=key), callers=[])
            opened.callback(close_app, app)
            return app.test_client()

        yield signed_with


def keys_of(path: Path) -> KeySet:
    return KeySet.import_key_set(json.loads(read_signing_key(path).public_keys()))


def metadata(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get(WELL_KNOWN).get_json()
    return found


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_e7_the_signed_members_are_the_plain_ones_and_the_issuer_is_the_decision_point(
    make_key: MakeKey, signed_with: SignedWith, algorithm: str
) -> None:
    key = make_key(ALGORITHMS[algorithm])
    plain = metadata(signed_with(key))
    token = jwt.decode(plain.pop("signed_metadata"), keys_of(key), algorithms=[algorithm])
    assert token.header["alg"] == algorithm
    at = token.claims.pop("iat")
    assert time.time() - 60 < at <= time.time()
    assert token.claims == {"iss": URL, **plain}


def test_e7_another_key_does_not_verify_it(make_key: MakeKey, signed_with: SignedWith, tmp_path: Path) -> None:
    key = make_key(P_256)
    signed = metadata(signed_with(key))["signed_metadata"]
    key.rename(tmp_path / "old.pem")
    with pytest.raises(JoseError):
        jwt.decode(signed, keys_of(make_key(P_256)), algorithms=["ES256"])


def test_what_consumers_verify_with_holds_nothing_private(make_key: MakeKey) -> None:
    for options in ALGORITHMS.values():
        [public] = json.loads(read_signing_key(make_key(options)).public_keys())["keys"]
        assert not {"d", "p", "q", "dp", "dq", "qi"} & set(public)


def test_without_a_key_there_is_no_signed_metadata_not_even_as_null(settings: Settings, load: Load) -> None:
    load([])
    app = create_app(dataclasses.replace(settings, public_url=URL), callers=[])
    assert "signed_metadata" not in metadata(app.test_client())
    close_app(app)


@pytest.mark.parametrize(
    "content", ["", "hunter2", "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n"]
)
def test_a_file_that_is_no_key_is_refused_and_not_shown(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key.pem"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=r"AUTHZ_METADATA_KEY: .*key\.pem: must be a private key") as refusal:
        read_signing_key(path)
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    "options",
    [["RSA", "-pkeyopt", "rsa_keygen_bits:1024"], ["X25519"], ["EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"]],
)
def test_a_key_that_is_too_weak_or_does_not_sign_is_refused(make_key: MakeKey, options: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="to sign with"):
        read_signing_key(make_key(options))


def test_a_key_under_a_password_and_one_that_is_not_there_are_refused(make_key: MakeKey, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="without a password"):
        read_signing_key(make_key(["ED25519", "-aes256", "-pass", "pass:hunter2"]))
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        read_signing_key(tmp_path / "none.pem")


def test_a_key_without_the_url_that_it_is_about_is_refused() -> None:
    environ = {"AUTHZ_DATABASE_URL": "sqlite:///a.db", "AUTHZ_METADATA_KEY": "/key.pem"}
    with pytest.raises(ConfigurationError, match=r"^AUTHZ_PUBLIC_URL: is not set; with AUTHZ_METADATA_KEY"):
        read_settings(environ)
