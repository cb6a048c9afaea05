import hashlib
import json
import re
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from authz_service.journal.checkpoint import Checkpoint, Closed, SignedCheckpoint, Signer, key_id
from tests.journal.conftest import tree_hash

HASHES = [hashlib.sha256(bytes([number])).digest() for number in range(5)]
RIGHT = {
    "chain": "C",
    "block": 1,
    "first": 1,
    "last": 5,
    "root": "a" * 64,
    "head": "b" * 64,
    "previous": "",
    "at": "2026-11-23T22:00:00.123+00:00",
    "key": "0123456789abcdef",
}


@pytest.fixture
def signer(signing_key: Ed25519PrivateKey) -> Signer:
    return Signer(signing_key)


@pytest.fixture
def signed(signer: Signer) -> SignedCheckpoint:
    return signer.close("C", Closed(), HASHES)


# closing


def test_the_first_block_is_closed_over_all_entries_from_the_first(
    signed: SignedCheckpoint, signing_key: Ed25519PrivateKey
) -> None:
    closed = signed.read()
    assert closed == Checkpoint(
        chain="C",
        block=1,
        first=1,
        last=5,
        root=tree_hash(HASHES).hex(),
        head=HASHES[-1].hex(),
        previous="",
        at=closed.at,
        key=key_id(signing_key.public_key()),
    )


def test_the_next_block_follows_the_one_before(signer: Signer, signed: SignedCheckpoint) -> None:
    following = signer.close("C", Closed.by(signed), HASHES[:2]).read()
    assert (following.block, following.first, following.last) == (2, 6, 7)
    assert following.previous == hashlib.sha256(signed.payload).hexdigest() == signed.digest


def test_what_is_closed_is_known_from_the_checkpoint(signed: SignedCheckpoint) -> None:
    assert Closed.by(signed) == Closed(block=1, last=5, digest=signed.digest)


def test_a_checkpoint_says_in_utc_when_it_was_made(signer: Signer) -> None:
    before = datetime.now(UTC)
    at = signer.close("C", Closed(), HASHES).read().at
    assert before <= datetime.fromisoformat(at) <= datetime.now(UTC)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", at), "so that they sort as text"


def test_the_payload_is_json_in_the_order_of_the_members(signed: SignedCheckpoint) -> None:
    assert list(json.loads(signed.payload)) == list(Checkpoint._fields)
    assert b" " not in signed.payload.replace(b"T", b"")


# signatures


def test_it_is_signed_by_its_key_over_the_payload(signed: SignedCheckpoint, signing_key: Ed25519PrivateKey) -> None:
    signing_key.public_key().verify(bytes.fromhex(signed.signature), signed.payload)
    assert signed.is_signed_by(signing_key.public_key())


def test_it_is_signed_by_no_other_key(signed: SignedCheckpoint) -> None:
    assert not signed.is_signed_by(Ed25519PrivateKey.generate().public_key())


def test_no_bit_of_the_payload_can_be_changed(signed: SignedCheckpoint, signing_key: Ed25519PrivateKey) -> None:
    for place in range(len(signed.payload)):
        payload = bytearray(signed.payload)
        payload[place] ^= 1
        assert not signed._replace(payload=bytes(payload)).is_signed_by(signing_key.public_key())


def test_a_signature_is_written_in_one_way_alone(signed: SignedCheckpoint, signing_key: Ed25519PrivateKey) -> None:
    for signature in (
        signed.signature.upper(),
        f" {signed.signature}",
        f"{signed.signature[:2]} {signed.signature[2:]}",
    ):
        assert not signed._replace(signature=signature).is_signed_by(signing_key.public_key())


@pytest.mark.parametrize("signature", ["", "00" * 64, "ab", "no hexadecimal", "é", "\ud800", "a"])
def test_what_is_no_signature_of_it_is_refused_quietly(
    signed: SignedCheckpoint, signing_key: Ed25519PrivateKey, signature: str
) -> None:
    assert not signed._replace(signature=signature).is_signed_by(signing_key.public_key())


def test_a_key_is_named_by_the_beginning_of_its_sha_256(signing_key: Ed25519PrivateKey) -> None:
    raw = signing_key.public_key().public_bytes_raw()
    assert key_id(signing_key.public_key()) == hashlib.sha256(raw).hexdigest()[:16]


# reading


def test_a_checkpoint_is_read_from_its_json() -> None:
    assert SignedCheckpoint("", json.dumps(RIGHT).encode()).read()._asdict() == RIGHT


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"text"',
        b"1",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"chain":' + b"[" * 100_000,
        json.dumps([*RIGHT.values()]).encode(),
        json.dumps(RIGHT).encode("utf-16"),
        json.dumps({**RIGHT, "chain": "é"}, ensure_ascii=False).encode(),
        json.dumps({**RIGHT, "last": 0}).replace(" 0,", "1" * 5_000 + ",").encode(),
    ],
)
def test_what_is_no_json_of_a_checkpoint_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match="is no checkpoint"):
        SignedCheckpoint("", payload).read()


@pytest.mark.parametrize("member", RIGHT)
@pytest.mark.parametrize("value", [None, True, 1.0, [], {}, -1, 10**30, 0])
def test_a_member_of_another_type_or_beyond_its_bounds_is_refused(member: str, value: object) -> None:
    with pytest.raises(ValueError, match="is no checkpoint"):
        SignedCheckpoint("", json.dumps({**RIGHT, member: value}).encode()).read()


@pytest.mark.parametrize("at", ["", "2026-11-23T22:00:00", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "now"])
def test_a_time_that_is_none_in_utc_is_refused(at: str) -> None:
    with pytest.raises(ValueError, match="is no checkpoint"):
        SignedCheckpoint("", json.dumps({**RIGHT, "at": at}).encode()).read()


@pytest.mark.parametrize("member", ["block", "first", "last", "root", "head"])
@pytest.mark.parametrize("text", ["", "x", "1", "A" * 64, "a" * 63])
def test_a_text_that_is_no_number_or_no_hash_is_refused(member: str, text: str) -> None:
    with pytest.raises(ValueError, match="is no checkpoint"):
        SignedCheckpoint("", json.dumps({**RIGHT, member: text}).encode()).read()


def test_a_block_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="is no checkpoint"):
        SignedCheckpoint("", json.dumps({**RIGHT, "first": 6}).encode()).read()


@pytest.mark.parametrize("member", RIGHT)
def test_a_missing_member_is_refused(member: str) -> None:
    with pytest.raises(ValueError, match="is no checkpoint"):
        SignedCheckpoint("", json.dumps({name: RIGHT[name] for name in RIGHT if name != member}).encode()).read()


def test_a_member_more_is_refused() -> None:
    with pytest.raises(ValueError, match="is no checkpoint"):
        SignedCheckpoint("", json.dumps({**RIGHT, "more": 1}).encode()).read()


_objects = st.dictionaries(st.text() | st.sampled_from([*RIGHT]), st.integers() | st.text())


@given(st.binary() | st.text().map(str.encode) | _objects.map(json.dumps).map(str.encode))
def test_nothing_that_is_no_checkpoint_raises_anything_else(payload: bytes) -> None:
    with pytest.raises(ValueError, match="is no checkpoint"):
        SignedCheckpoint("", payload).read()
