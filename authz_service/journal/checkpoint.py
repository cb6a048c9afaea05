"""Checkpoints: what a chain has come to, signed."""

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from authz_service.journal import merkle

_KEY_ID_CHARACTERS = 16
_DIGEST = re.compile("[0-9a-f]{64}")
# No number is larger than a database takes.
_MOST_BLOCKS = 2**31 - 1
_MOST_ENTRIES = 10**18


class Checkpoint(NamedTuple):
    """A block of a chain, closed.

    Attributes:
        chain: The chain.
        block: The number of the block, from 1.
        first: The sequence number of its first entry.
        last: … and of its last.
        root: The root of the Merkle tree over the hashes of its entries, in hexadecimal.
        head: The hash of the last entry, in hexadecimal.
        previous: The digest of the checkpoint before; empty for the first.
        at: When it was made, as an ISO 8601 time in UTC.
        key: The id of the key that signs it.
    """

    chain: str
    block: int
    first: int
    last: int
    root: str
    head: str
    previous: str
    at: str
    key: str


class SignedCheckpoint(NamedTuple):
    """A checkpoint as it is kept.

    Attributes:
        signature: Ed25519 over the payload, in hexadecimal.
        payload: The checkpoint as JSON, to the byte as it was signed.
    """

    signature: str
    payload: bytes

    @property
    def digest(self) -> str:
        """What the next checkpoint refers to it by."""
        return hashlib.sha256(self.payload).hexdigest()

    def read(self) -> Checkpoint:
        """The checkpoint.

        Raises:
            ValueError: It is none.
        """
        try:
            checkpoint = Checkpoint(**json.loads(self.payload.decode("ascii")))
        except (ValueError, TypeError, RecursionError) as error:
            raise ValueError("is no checkpoint") from error
        if [type(value) for value in checkpoint] != [str, int, int, int, str, str, str, str, str]:
            raise ValueError("is no checkpoint")
        if not (0 < checkpoint.block <= _MOST_BLOCKS and 0 < checkpoint.first <= checkpoint.last < _MOST_ENTRIES):
            raise ValueError("is no checkpoint")
        if not (_DIGEST.fullmatch(checkpoint.root) and _DIGEST.fullmatch(checkpoint.head) and _is_time(checkpoint.at)):
            raise ValueError("is no checkpoint")
        return checkpoint

    def is_signed_by(self, key: Ed25519PublicKey) -> bool:
        try:
            signature = bytes.fromhex(self.signature)
            key.verify(signature, self.payload)
        except (InvalidSignature, ValueError):
            return False
        # One signature, one way to write it.
        return signature.hex() == self.signature


class Signer:
    """Closes blocks with a private key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_key = key.public_key()
        self._key_id = key_id(self.public_key)

    def close(self, chain: str, before: "Closed", hashes: Sequence[bytes]) -> SignedCheckpoint:
        """The checkpoint of the entries with these hashes, which follow what was closed before."""
        checkpoint = Checkpoint(
            chain=chain,
            block=before.block + 1,
            first=before.last + 1,
            last=before.last + len(hashes),
            root=merkle.root(hashes).hex(),
            head=hashes[-1].hex(),
            previous=before.digest,
            at=datetime.now(UTC).isoformat(timespec="microseconds"),
            key=self._key_id,
        )
        payload = json.dumps(checkpoint._asdict(), separators=(",", ":")).encode()
        return SignedCheckpoint(self._key.sign(payload).hex(), payload)


class Closed(NamedTuple):
    """How far a chain is closed.

    Attributes:
        block: The number of the last block; 0 for none.
        last: The sequence number of its last entry.
        digest: The digest of its checkpoint.
    """

    block: int = 0
    last: int = 0
    digest: str = ""

    @classmethod
    def by(cls, signed: SignedCheckpoint) -> Self:
        checkpoint = signed.read()
        return cls(checkpoint.block, checkpoint.last, signed.digest)


def _is_time(text: str) -> bool:
    try:
        moment = datetime.fromisoformat(text)
        return moment.tzinfo is not None and moment.astimezone(UTC) is not None
    except (ValueError, OverflowError):
        return False


def key_id(key: Ed25519PublicKey) -> str:
    """How a checkpoint names the key that verifies it."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:_KEY_ID_CHARACTERS]
