"""Checklist E: metadata. `tests/web/test_metadata.py` and `tests/web/test_signed_metadata.py` have the other lines."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.conformance.pdp import JSON, METADATA, PATHS, Pdp, Remake


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A private key to sign with."""
    path = tmp_path / "key.pem"
    private = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


@pytest.mark.parametrize("headers", [{"Authorization": ""}, {"Authorization": "Bearer wrong"}, {"Accept": "text/html"}])
def test_e3_anybody_gets_it_as_a_json_object(pdp: Pdp, headers: dict[str, str]) -> None:
    response = pdp.client.get(METADATA, headers=headers)
    assert (response.status_code, response.content_type) == (200, JSON)
    assert isinstance(response.get_json(), dict)


def values(value: object) -> Iterator[object]:
    """Every value in it, at any depth."""
    yield value
    for held in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from values(held)


def test_e6_no_member_is_null_or_empty(pdp: Pdp, remake: Remake, key: Path) -> None:
    for made in (pdp, remake(pdp, metadata_key=key)):
        assert not [value for value in values(made.client.get(METADATA).get_json()) if value in (None, "", [], {})]


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://pdp.example.org", METADATA),
        ("https://pdp.example.org/", METADATA),
        ("https://PDP.example.org:8443", METADATA),
        ("https://pdp.example.org/tenant1", f"{METADATA}/tenant1"),
        ("https://pdp.example.org/a/b", f"{METADATA}/a/b"),
    ],
)
def test_extra_13_signed_and_plain_metadata_agree_under_every_url(
    pdp: Pdp, remake: Remake, key: Path, url: str, path: str
) -> None:
    made = remake(pdp, public_url=url, metadata_key=key)
    lying = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example;proto=http"}
    response = made.client.get(path, headers=lying)
    plain = response.get_json()
    assert "evil" not in response.text
    assert plain["policy_decision_point"] == url
    endpoints = {held for name, held in plain.items() if name.endswith("_endpoint")}
    assert endpoints == {url.rstrip("/") + path for path in PATHS}
    signed = jwt.decode(plain.pop("signed_metadata"), ECKey.import_key(key.read_bytes()), algorithms=["ES256"])
    assert signed.claims.pop("iat")
    assert signed.claims == {"iss": url, **plain}
