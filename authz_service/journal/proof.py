"""That one entry is in the journal: a proof that is checked without the journal, with a public key."""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Engine, select

from authz_service.errors import Conflict, NotYetSigned
from authz_service.journal import merkle
from authz_service.journal.chain import genesis, link
from authz_service.journal.checkpoint import SignedCheckpoint, key_id
from authz_service.journal.queries import KeptDecision
from authz_service.questions import Json
from authz_service.storage.database import reading
from authz_service.storage.schema import journal_chains, journal_checkpoints, journal_entries, journal_rulings

_HASH_BYTES = 32
_MEMBERS: Mapping[str, Any] = {"entry": str, "ruling": (str, type(None)), "previous": str, "index": int, "path": list}


class Proven(NamedTuple):
    """What a proof proves.

    Attributes:
        at: When the block of the entry was signed.
        key: The id of the key.
    """

    at: str
    key: str


def prove(database: Engine, decision: KeptDecision) -> dict[str, Json]:
    """The proof of a decision that is kept.

    Returns:
        `entry` and `ruling` as texts, `previous` the hash of the entry before, `index` of the entry in its block and
        the `path` from it to the block's root, and the block's `checkpoint` with its `signature`.

    Raises:
        NotYetSigned: The block that it is in has not been closed yet.
        Conflict: Entries of its block are missing.
        DatabaseUnavailable: The database does not answer.
    """
    with reading(database) as connection:
        chain = connection.scalar(select(journal_chains.c.number).where(journal_chains.c.chain == decision.chain))
        closed = connection.execute(
            select(journal_checkpoints)
            .where(journal_checkpoints.c.chain == chain, journal_checkpoints.c.last >= decision.sequence)
            .order_by(journal_checkpoints.c.last)
            .limit(1)
        ).one_or_none()
        if closed is None:
            raise NotYetSigned("The block of this decision is signed within some seconds; ask again.")
        signed = SignedCheckpoint(closed.signature, closed.payload.encode())
        checkpoint = signed.read()
        of_block = select(journal_entries.c.sequence, journal_entries.c.hash).where(
            journal_entries.c.chain == chain,
            journal_entries.c.sequence >= checkpoint.first - 1,
            journal_entries.c.sequence <= checkpoint.last,
        )
        hashes = {row.sequence: row.hash for row in connection.execute(of_block)}
        ruling = connection.scalar(
            select(journal_rulings.c.content).where(journal_rulings.c.digest == decision.body.get("ruling"))
        )
        # Where what comes before has been pruned, its last checkpoint is still there.
        last_before = connection.scalar(
            select(journal_checkpoints.c.payload).where(
                journal_checkpoints.c.chain == chain, journal_checkpoints.c.last == decision.sequence - 1
            )
        )
    before = genesis(decision.chain).hex() if decision.sequence == 1 else hashes.get(decision.sequence - 1, "")
    if not before and last_before is not None:
        before = SignedCheckpoint("", last_before.encode()).read().head
    leaves = [bytes.fromhex(hashes[n]) for n in range(checkpoint.first, checkpoint.last + 1) if n in hashes]
    if len(leaves) != checkpoint.last - checkpoint.first + 1:
        raise Conflict("Entries of the block of this decision are missing; `authz-service journal verify` says which.")
    index = decision.sequence - checkpoint.first
    return {
        # What the reader is shown, and not what else may be at its place.
        "entry": decision.text,
        "ruling": ruling,
        "previous": before,
        "index": index,
        "path": [node.hex() for node in merkle.path(leaves, index)],
        "checkpoint": closed.payload,
        "signature": closed.signature,
    }


def check_proof(proof: object, keys: list[Ed25519PublicKey]) -> Proven:
    """What the proof proves, by one of these keys.

    Raises:
        ValueError: It proves nothing; the message says why.
    """
    if (
        not isinstance(proof, dict)
        or not all(name in proof and isinstance(proof[name], kind) for name, kind in _MEMBERS.items())
        or isinstance(proof["index"], bool)
    ):
        raise ValueError("is no proof: entry, ruling, previous, index, path, checkpoint and signature belong to one")
    try:
        signed = SignedCheckpoint(_text(proof, "signature"), _text(proof, "checkpoint").encode())
        checkpoint = signed.read()
        previous = bytes.fromhex(proof["previous"])
        entry = link(previous, proof["entry"].encode())
        path = [bytes.fromhex(node) for node in proof["path"]]
        ruling = None if proof["ruling"] is None else hashlib.sha256(proof["ruling"].encode()).hexdigest()
    except (ValueError, TypeError) as error:
        raise ValueError("is no proof: its hashes or its checkpoint cannot be read") from error
    if not any(signed.is_signed_by(key) for key in keys):
        known = ", ".join(map(key_id, keys))
        raise ValueError(
            f"the checkpoint is not signed by the key {checkpoint.key} that it names, or not one of {known}"
        )
    root = merkle.root_of_path(entry, proof["index"], checkpoint.last - checkpoint.first + 1, path)
    # With another length, a part of the one could stand in the other.
    if len(previous) != _HASH_BYTES or root is None or root.hex() != checkpoint.root:
        raise ValueError("the entry is not in the signed block: it, its place or the path to it has been changed")
    if '"ruling":"' in proof["entry"] if ruling is None else f'"ruling":"{ruling}"' not in proof["entry"]:
        raise ValueError("the ruling is not the one that the entry refers to")
    return Proven(checkpoint.at, checkpoint.key)


def _text(proof: dict[str, Any], member: str) -> str:
    value = proof.get(member)
    return value if isinstance(value, str) else ""
