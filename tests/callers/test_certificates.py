import base64
import hashlib
from ipaddress import ip_network

import pytest

from authz_service.callers.certificates import Certificates
from authz_service.settings import CertificateHeader

DER = b"the DER of a certificate"
DIGEST = hashlib.sha256(DER).hexdigest()
ENCODED = f":{base64.b64encode(DER).decode()}:"
CERTIFICATES = Certificates(
    CertificateHeader("ClientCert", (ip_network("10.0.0.7"), ip_network("192.0.2.0/24"), ip_network("fd00::/8")))
)


def shown(value: object, peer: str = "10.0.0.7", name: str = "HTTP_CLIENTCERT") -> str | None:
    return CERTIFICATES.shown_in({name: value, "REMOTE_ADDR": peer})


@pytest.mark.parametrize(
    "value",
    [
        ENCODED,
        f" {ENCODED} ",
        DIGEST,
        DIGEST.upper(),
        ":".join(DIGEST[n : n + 2] for n in range(0, 64, 2)),
    ],
)
def test_a_certificate_is_known_by_its_sha_256_however_it_is_told_of(value: str) -> None:
    assert shown(value) == DIGEST


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "::",
        ":",
        ":=:",
        ":a:",
        ENCODED.strip(":"),
        f"{ENCODED}, {ENCODED}",
        f"{DIGEST},{DIGEST}",
        DIGEST[:-1],
        f"{DIGEST}0",
        f":{'A' * 20_000}:",
        "\xff",
    ],
)
def test_what_is_no_certificate_is_none(value: object) -> None:
    assert shown(value) is None


@pytest.mark.parametrize("peer", ["10.0.0.7", "192.0.2.200", "::ffff:10.0.0.7", "fd00::1"])
def test_it_is_believed_from_a_proxy(peer: str) -> None:
    assert shown(ENCODED, peer) == DIGEST


@pytest.mark.parametrize("peer", ["10.0.0.8", "192.0.3.1", "::ffff:10.0.0.8", "fe80::1", "", "unix:", "localhost"])
def test_it_is_believed_from_nobody_else(peer: str) -> None:
    assert shown(ENCODED, peer) is None


def test_no_other_header_is_read() -> None:
    assert shown(ENCODED, name="HTTP_CLIENT_CERT") is None
    assert CERTIFICATES.shown_in({"REMOTE_ADDR": "10.0.0.7"}) is None
