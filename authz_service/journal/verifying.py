"""Whether a copy of a chain is what was written: nothing changed, removed, inserted or put in another order."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from authz_service.journal import merkle
from authz_service.journal.chain import genesis, link
from authz_service.journal.checkpoint import Checkpoint, Closed, SignedCheckpoint, key_id
from authz_service.journal.copies import FiledUnder, Placed, Unreadable
from authz_service.journal.lines import Header, KeptEntry
from authz_service.journal.loading import SINGLE
from authz_service.journal.queries import shown_id
from authz_service.journal.terms import searched_by, terms_of
from authz_service.questions import Ruling
from authz_service.words import EntryKind


class Finding(NamedTuple):
    """Something that is not as it was written.

    Attributes:
        where: The file with its line, or the database with the chain.
        what: What it is, and what follows from it.
        entry: The id of the entry; empty where it is none.
        sequence: The number of the entry in its chain; 0 where it is none.
    """

    where: str
    what: str
    entry: str = ""
    sequence: int = 0

    def __str__(self) -> str:
        named = f"entry {self.sequence}" if self.sequence else ""
        if self.entry:
            named += f" ({self.entry})"
        return ": ".join(part for part in (self.where, named, self.what) if part)


@dataclass(slots=True)
class Verified:
    """What has been found of one chain in one copy.

    Attributes:
        chain: The chain.
        first: The sequence number of the first entry that is there; 0 for none.
        last: … and of the last.
        head: The hash kept with the last.
        closed: How far it is signed.
        signed_at: When the last block was signed.
        findings: What is wrong, in the order of the chain.
        pruned: The last entry that was pruned on purpose, by chain, as entries of this chain say.
        hashes: The hashes at the numbers that were asked for.
    """

    chain: str
    first: int = 0
    last: int = 0
    head: str = ""
    closed: Closed = field(default_factory=Closed)
    signed_at: str = ""
    findings: list[Finding] = field(default_factory=list)
    pruned: dict[str, int] = field(default_factory=dict)
    hashes: dict[int, str] = field(default_factory=dict)


class Verifier:
    """Follows one chain through one copy.

    Args:
        chain: The chain.
        keys: Those that its checkpoints may be signed by.
        rulings: The digests of rulings that are known; None where they come with the chain.
        wanted: The numbers whose hashes are to be told.
    """

    def __init__(
        self,
        chain: str,
        keys: Sequence[Ed25519PublicKey],
        rulings: set[str] | None = None,
        wanted: Iterable[int] = (),
    ) -> None:
        self.found = Verified(chain)
        self._keys = {key_id(key): key for key in keys}
        self._rulings = rulings if rulings is not None else set()
        self._wanted = set(wanted)
        self._head: bytes | None = genesis(chain)
        self._open: list[bytes] = []
        self._segment = 0
        self._is_block_right = True
        self._is_begun = False

    @property
    def digests(self) -> set[str]:
        """Those of the rulings that have been met."""
        return self._rulings

    def follow(self, items: Iterable[Placed]) -> Verified:
        """Goes to the end; returns what has been found."""
        for where, item in items:
            match item:
                case KeptEntry():
                    self._entry(where, item)
                case FiledUnder():
                    self._filed(where, item)
                case Ruling():
                    self._ruling(where, item)
                case SignedCheckpoint():
                    self._checkpoint(where, item)
                case Header():
                    self._header(where, item)
                case Unreadable():
                    self._wrong(Finding(where, item.what))
        return self.found

    def _filed(self, where: str, filed: FiledUnder) -> None:
        body = _read(filed.entry.body)
        if _id_of(body) != filed.id:
            self._wrong(Finding(where, "is filed under another id than it says", filed.id, filed.entry.sequence))
        before = len(self.found.findings)
        self._entry(where, filed.entry)
        # What has been changed besides has other terms, of course. Whether its block was signed is another question.
        is_searched = filed.terms is None or terms_of(searched_by(body)) <= filed.terms
        if not is_searched and len(self.found.findings) == before:
            what = "has not all of its terms in the index: a search may not find it until `journal reindex`"
            self.found.findings.append(Finding(where, what, filed.id, filed.entry.sequence))

    def _entry(self, where: str, entry: KeptEntry) -> None:
        found, body = self.found, _read(entry.body)
        name = _id_of(body)
        if not self._is_begun:
            self._begin_at(entry.sequence)
        if entry.sequence <= found.last:
            self._wrong(Finding(where, "is a second one with that number: one has been inserted", name, entry.sequence))
            return
        if entry.sequence > found.last + 1:
            self._wrong(Finding(where, _missing(found.last + 1, entry.sequence - 1), name, entry.sequence))
            self._head = None
        right = None if self._head is None else link(self._head, entry.body)
        try:
            kept = bytes.fromhex(entry.hash)
        except ValueError:
            kept = b""
        if kept.hex() != entry.hash or right not in {None, kept}:
            what = "has been changed, or is not where it was: its hash is another"
            self._wrong(Finding(where, what, name, entry.sequence))
        self._refers(where, body, name, entry.sequence)
        self._head = kept
        self._open.append(kept)
        found.first = found.first or entry.sequence
        found.last, found.head = entry.sequence, entry.hash
        if entry.sequence in self._wanted:
            found.hashes[entry.sequence] = entry.hash

    def _refers(self, where: str, body: Mapping[str, Any], name: str, sequence: int) -> None:
        digests = [body[member] for member in ("ruling", "shadow") if member in body] + list(body.get("asked", ()))
        for digest in digests:
            if digest not in self._rulings:
                self._wrong(Finding(where, f"refers to the ruling {digest}, which is missing", name, sequence))
        if body.get("kind") == EntryKind.PRUNING:
            for chain, last in body["last"].items():
                self.found.pruned[chain] = max(last, self.found.pruned.get(chain, 0))

    def _begin_at(self, sequence: int) -> None:
        # Where earlier blocks were pruned, the last of their checkpoints says what comes before.
        self._is_begun = True
        if sequence > 1 and self.found.last == 0:
            self.found.last, self._head = sequence - 1, None
            self._is_block_right = False

    def _ruling(self, where: str, ruling: Ruling) -> None:
        if hashlib.sha256(ruling.content).hexdigest() != ruling.digest:
            self._wrong(Finding(where, f"the ruling {ruling.digest} has been changed"))
        self._rulings.add(ruling.digest)

    def _header(self, where: str, header: Header) -> None:
        found = self.found
        if header.chain != found.chain:
            self._wrong(Finding(where, f"is a segment of the chain {header.chain}"))
            return
        if not self._is_begun:
            self._is_begun = True
            found.last, found.closed = header.first - 1, Closed(header.block, header.first - 1, header.checkpoint)
            self._head = bytes.fromhex(header.previous)
            if header.first == 1 and self._head != genesis(found.chain):
                self._wrong(Finding(where, "does not begin as the chain does"))
        else:
            if header.number != self._segment + 1:
                self._wrong(Finding(where, f"comes after segment {self._segment}: one is missing"))
            if header.first > found.last + 1:
                self._wrong(Finding(where, _missing(found.last + 1, header.first - 1)))
                found.last, self._head = header.first - 1, bytes.fromhex(header.previous)
                found.closed, self._is_block_right = Closed(header.block, header.first - 1, header.checkpoint), False
                self._open.clear()
            elif (header.previous, header.checkpoint) != (found.head or header.previous, found.closed.digest):
                self._wrong(Finding(where, "does not go on where the segment before has ended"))
        self._segment = header.number

    def _checkpoint(self, where: str, signed: SignedCheckpoint) -> None:
        try:
            checkpoint = signed.read()
        except ValueError as error:
            self._wrong(Finding(where, str(error)))
            return
        block = f"block {checkpoint.block} (entries {checkpoint.first} to {checkpoint.last})"
        key = self._keys.get(checkpoint.key)
        if key is None:
            self._wrong(Finding(where, f"{block} is signed with the key {checkpoint.key}, which is not known here"))
        elif not signed.is_signed_by(key):
            self._wrong(Finding(where, f"{block} has a signature that is not right"))
        self._compare(where, block, checkpoint)
        self._is_begun = True
        self.found.closed = Closed(checkpoint.block, checkpoint.last, signed.digest)
        self.found.signed_at = checkpoint.at
        self._open.clear()
        self._is_block_right = True
        if self.found.first == 0:
            # A pruned block, of which the checkpoint alone is left.
            self.found.last, self._head = checkpoint.last, bytes.fromhex(checkpoint.head)

    def _compare(self, where: str, block: str, checkpoint: Checkpoint) -> None:
        found = self.found
        place = (found.chain, found.closed.block + 1, found.closed.last + 1, found.closed.digest)
        if found.closed.block and place != (
            checkpoint.chain,
            checkpoint.block,
            checkpoint.first,
            checkpoint.previous,
        ):
            self._wrong(
                Finding(where, f"{block} does not follow block {found.closed.block}: one is missing or changed")
            )
            return
        if not self._is_block_right or found.first == 0:
            return
        if found.last < checkpoint.last:
            self._wrong(Finding(where, _missing(found.last + 1, checkpoint.last)))
        elif found.last != checkpoint.last or len(self._open) != checkpoint.last - checkpoint.first + 1:
            self._wrong(Finding(where, f"{block} is signed with other entries than are here"))
        elif (found.head, merkle.root(self._open).hex()) != (checkpoint.head, checkpoint.root):
            self._wrong(
                Finding(where, f"{block} is not what was signed: an entry of it has been changed, with its hash")
            )

    def _wrong(self, finding: Finding) -> None:
        self._is_block_right = False
        self.found.findings.append(finding)


def _missing(first: int, last: int) -> str:
    return f"entry {first} is missing" if first == last else f"entries {first} to {last} are missing"


def _read(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _id_of(body: dict[str, Any]) -> str:
    return shown_id(str(body.get("id", "")), body.get("item", SINGLE))
