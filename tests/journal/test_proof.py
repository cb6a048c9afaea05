import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, delete

from authz_service.errors import Conflict, NotYetSigned
from authz_service.ids import new_id
from authz_service.journal import merkle
from authz_service.journal.checkpoint import Signer, key_id
from authz_service.journal.entries import Entries, Entry, Origin
from authz_service.journal.indexer import Indexer
from authz_service.journal.proof import Proven, check_proof, prove
from authz_service.journal.pseudonyms import Pseudonyms
from authz_service.journal.queries import Wanted, find_decisions, get_decision
from authz_service.journal.writer import Writer
from authz_service.questions import Action, Entity, Question, Search
from authz_service.storage.database import connect, upgrade, writing
from authz_service.storage.schema import journal_checkpoints, journal_entries
from authz_service.words import Sought
from tests.journal.conftest import a_decision, on_sqlite_alone
from tests.kept import decision_entry

NAMES = Pseudonyms(b"k" * 32)
ORIGIN = Origin("tests")
BLOCKS = (1, 5, 2, 8)

Proof = dict[str, Any]
Tamper = Callable[[Proof], Any]


def a_kept_decision(number: int) -> Entry:
    decided = a_decision(f"person-{number}", allow=number % 3 > 0)
    return decision_entry(Entries(NAMES), new_id(), None, ORIGIN, decided)


def keep_blocks(folder: Path, key: Ed25519PrivateKey) -> None:
    for size in BLOCKS:
        writer = Writer(folder, Signer(key))
        writer.append([a_kept_decision(number) for number in range(size)])
        writer.close()


def proofs_in(database: Engine) -> list[Proof]:
    """A proof of each decision, in the order of the chain; as another program reads it."""
    kept = sorted(find_decisions(database, NAMES, Wanted(), 100).decisions, key=lambda one: one.sequence)
    return [json.loads(json.dumps(prove(database, decision))) for decision in kept]


@pytest.fixture(scope="module")
def public_key(signing_key: Ed25519PrivateKey) -> Ed25519PublicKey:
    return signing_key.public_key()


@pytest.fixture(scope="module")
def proofs(tmp_path_factory: pytest.TempPathFactory, signing_key: Ed25519PrivateKey) -> list[Proof]:
    folder = tmp_path_factory.mktemp("proofs")
    database = connect(f"sqlite:///{folder / 'any.db'}")
    upgrade(database)
    keep_blocks(folder / "journal", signing_key)
    Indexer(database, folder / "journal").catch_up()
    proofs = proofs_in(database)
    database.dispose()
    return proofs


@pytest.fixture
def proof(proofs: list[Proof]) -> Proof:
    """That of an entry in the middle of a block of eight."""
    return dict(proofs[-3])


def refusal(proof: object, *keys: Ed25519PublicKey) -> str:
    with pytest.raises(ValueError, match=r"\w+") as refused:
        check_proof(proof, list(keys))
    return str(refused.value)


# proving


def test_every_decision_of_every_block_is_proven_by_the_public_key_alone(
    any_database: Engine, folder: Path, signing_key: Ed25519PrivateKey, public_key: Ed25519PublicKey
) -> None:
    keep_blocks(folder, signing_key)
    Indexer(any_database, folder).catch_up()
    proofs = proofs_in(any_database)
    assert len(proofs) == sum(BLOCKS)
    for proof in proofs:
        checkpoint = json.loads(proof["checkpoint"])
        assert check_proof(proof, [public_key]) == Proven(checkpoint["at"], key_id(public_key))
    assert [proof["index"] for proof in proofs] == [index for size in BLOCKS for index in range(size)]


def test_a_proof_holds_the_entry_and_its_ruling_to_the_byte(proofs: list[Proof]) -> None:
    for number, proof in enumerate(proofs[-8:]):
        decided = a_decision(f"person-{number}", allow=number % 3 > 0)
        assert proof["ruling"].encode() == decided.decision.ruling.content
        assert json.loads(proof["entry"])["subject"] == NAMES.of("person", f"person-{number}")


def test_a_proof_is_what_anybody_can_follow_by_hand(proof: Proof, public_key: Ed25519PublicKey) -> None:
    entry = hashlib.sha256(bytes.fromhex(proof["previous"]) + proof["entry"].encode()).digest()
    checkpoint = json.loads(proof["checkpoint"])
    size = checkpoint["last"] - checkpoint["first"] + 1
    root = merkle.root_of_path(entry, proof["index"], size, [bytes.fromhex(node) for node in proof["path"]])
    assert root is not None
    assert root.hex() == checkpoint["root"]
    public_key.verify(bytes.fromhex(proof["signature"]), proof["checkpoint"].encode())


@on_sqlite_alone
def test_a_decision_without_one_ruling_is_proven_without(
    any_database: Engine, folder: Path, signing_key: Ed25519PrivateKey, public_key: Ed25519PublicKey
) -> None:
    question = Question(Entity("person", ""), Action("view_bills"), Entity("customer", "1"))
    writer = Writer(folder, Signer(signing_key))
    writer.append([Entries(NAMES).search(new_id(), ORIGIN, Search(Sought.SUBJECT, question), [], [a_decision()])])
    writer.close()
    Indexer(any_database, folder).catch_up()
    [proof] = proofs_in(any_database)
    assert proof["ruling"] is None
    assert check_proof(proof, [public_key]).key == key_id(public_key)


@on_sqlite_alone
def test_a_decision_of_an_open_block_cannot_be_proven_yet(
    any_database: Engine, folder: Path, signing_key: Ed25519PrivateKey, public_key: Ed25519PublicKey
) -> None:
    writer = Writer(folder, Signer(signing_key))
    entry = a_kept_decision(1)
    writer.append([entry])
    Indexer(any_database, folder).catch_up()
    decision_id = json.loads(entry.body)["id"]
    with pytest.raises(NotYetSigned, match="ask again"):
        prove(any_database, get_decision(any_database, decision_id))
    writer.close()
    Indexer(any_database, folder).catch_up()
    check_proof(prove(any_database, get_decision(any_database, decision_id)), [public_key])


def test_what_comes_after_pruned_blocks_is_proven_as_before(
    any_database: Engine, folder: Path, signing_key: Ed25519PrivateKey, public_key: Ed25519PublicKey
) -> None:
    keep_blocks(folder, signing_key)
    Indexer(any_database, folder).catch_up()
    before = proofs_in(any_database)
    gone = sum(BLOCKS[:2])
    with writing(any_database) as connection:
        connection.execute(delete(journal_entries).where(journal_entries.c.sequence <= gone))
        connection.execute(delete(journal_checkpoints).where(journal_checkpoints.c.last < gone))
    proofs = proofs_in(any_database)
    assert proofs == before[gone:]
    for proof in proofs:
        check_proof(proof, [public_key])


# keys


def test_one_of_several_keys_is_enough(proof: Proof, public_key: Ed25519PublicKey) -> None:
    others = [Ed25519PrivateKey.generate().public_key() for _ in range(2)]
    assert check_proof(proof, [others[0], public_key, others[1]]).key == key_id(public_key)


def test_another_key_is_refused_with_the_names_of_both(proof: Proof, public_key: Ed25519PublicKey) -> None:
    other = Ed25519PrivateKey.generate().public_key()
    said = refusal(proof, other)
    assert "is not signed by the key" in said
    assert key_id(other) in said
    assert key_id(public_key) in said


def test_without_a_key_nothing_is_proven(proof: Proof) -> None:
    assert "is not signed by the key" in refusal(proof)


# what was changed

_OTHER = "0" * 64
NO_PROOF, NOT_SIGNED, NOT_IN_BLOCK, NOT_ITS_RULING = (
    "is no proof",
    "is not signed by the key",
    "is not in the signed block",
    "the ruling is not the one",
)


def _changed(checkpoint: str, **members: object) -> str:
    return json.dumps({**json.loads(checkpoint), **members}, separators=(",", ":"))


_TAMPERING: dict[str, tuple[str, Tamper, str]] = {
    "the answer": ("entry", lambda proof: proof["entry"].replace("permit", "deny"), NOT_IN_BLOCK),
    "a space in the entry": ("entry", lambda proof: proof["entry"].replace(":", ": ", 1), NOT_IN_BLOCK),
    "no entry": ("entry", lambda _: "", NOT_IN_BLOCK),
    "another entry": ("entry", lambda _: "{}", NOT_IN_BLOCK),
    "half of a surrogate pair in the entry": ("entry", lambda proof: proof["entry"] + "\ud800", NO_PROOF),
    "the facts": ("ruling", lambda proof: proof["ruling"].replace("user", "administrator"), NOT_ITS_RULING),
    "a space in the ruling": ("ruling", lambda proof: proof["ruling"] + " ", NOT_ITS_RULING),
    "no ruling": ("ruling", lambda _: None, NOT_ITS_RULING),
    "an empty ruling": ("ruling", lambda _: "", NOT_ITS_RULING),
    "half of a surrogate pair in the ruling": ("ruling", lambda proof: proof["ruling"] + "\ud800", NO_PROOF),
    "another hash before": ("previous", lambda _: _OTHER, NOT_IN_BLOCK),
    "no hash before": ("previous", lambda _: "", NOT_IN_BLOCK),
    "half a hash before": ("previous", lambda proof: proof["previous"][:32], NOT_IN_BLOCK),
    "half a byte before": ("previous", lambda proof: proof["previous"][:-1], NO_PROOF),
    "no hexadecimal before": ("previous", lambda _: "x" * 64, NO_PROOF),
    "another place": ("index", lambda proof: proof["index"] - 1, NOT_IN_BLOCK),
    "a place below none": ("index", lambda _: -1, NOT_IN_BLOCK),
    "a place behind the last": ("index", lambda _: 8, NOT_IN_BLOCK),
    "a place beyond all": ("index", lambda _: 10**400, NOT_IN_BLOCK),
    "a place that is true": ("index", lambda _: True, NO_PROOF),
    "a place that is half": ("index", lambda proof: proof["index"] + 0.5, NO_PROOF),
    "no path": ("path", lambda _: [], NOT_IN_BLOCK),
    "a path without its first node": ("path", lambda proof: proof["path"][1:], NOT_IN_BLOCK),
    "a path without its last node": ("path", lambda proof: proof["path"][:-1], NOT_IN_BLOCK),
    "a path with one node more": ("path", lambda proof: [*proof["path"], _OTHER], NOT_IN_BLOCK),
    "a path with another node": ("path", lambda proof: [*proof["path"][:-1], _OTHER], NOT_IN_BLOCK),
    "a path turned around": ("path", lambda proof: proof["path"][::-1], NOT_IN_BLOCK),
    "a path with a number": ("path", lambda proof: [*proof["path"][:-1], 1], NO_PROOF),
    "a path with a list": ("path", lambda proof: [*proof["path"][:-1], []], NO_PROOF),
    "a path with no hexadecimal": ("path", lambda proof: [*proof["path"][:-1], "x"], NO_PROOF),
    "another root": ("checkpoint", lambda proof: _changed(proof["checkpoint"], root=_OTHER), NOT_SIGNED),
    "another time": ("checkpoint", lambda proof: _changed(proof["checkpoint"], at="2020-01-01T00:00:00Z"), NOT_SIGNED),
    "another chain": ("checkpoint", lambda proof: _changed(proof["checkpoint"], chain="x"), NOT_SIGNED),
    "another size": ("checkpoint", lambda proof: _changed(proof["checkpoint"], last=100), NOT_SIGNED),
    "another key": ("checkpoint", lambda proof: _changed(proof["checkpoint"], key="x"), NOT_SIGNED),
    "a space in the checkpoint": ("checkpoint", lambda proof: proof["checkpoint"] + " ", NOT_SIGNED),
    "a checkpoint with a member more": ("checkpoint", lambda proof: _changed(proof["checkpoint"], more=1), NO_PROOF),
    "a deep checkpoint": ("checkpoint", lambda _: "[" * 100_000, NO_PROOF),
    "a checkpoint that is a list": ("checkpoint", lambda _: "[]", NO_PROOF),
    "a checkpoint that is no JSON": ("checkpoint", lambda _: "", NO_PROOF),
    "half of a surrogate pair in the checkpoint": ("checkpoint", lambda _: "\ud800", NO_PROOF),
    "another signature": ("signature", lambda _: _OTHER * 2, NOT_SIGNED),
    "half a signature": ("signature", lambda proof: proof["signature"][:64], NOT_SIGNED),
    "no signature": ("signature", lambda _: "", NOT_SIGNED),
    "no hexadecimal for a signature": ("signature", lambda _: "é", NOT_SIGNED),
}


@pytest.mark.parametrize(("member", "tamper", "why"), _TAMPERING.values(), ids=_TAMPERING)
def test_a_proof_of_which_one_member_was_changed_is_refused_with_the_reason(
    proof: Proof, public_key: Ed25519PublicKey, member: str, tamper: Tamper, why: str
) -> None:
    check_proof(proof, [public_key])
    changed = {**proof, member: tamper(proof)}
    assert changed != proof
    assert why in refusal(changed, public_key)


@pytest.mark.parametrize("member", ["entry", "ruling", "previous", "index", "path", "checkpoint", "signature"])
def test_a_proof_without_one_of_its_members_is_refused(proof: Proof, public_key: Ed25519PublicKey, member: str) -> None:
    del proof[member]
    assert refusal(proof, public_key)


@pytest.mark.parametrize("member", ["entry", "previous"])
def test_no_character_of_an_entry_or_of_the_hash_before_it_can_be_changed(
    proof: Proof, public_key: Ed25519PublicKey, member: str
) -> None:
    text = proof[member]
    for place, character in enumerate(text):
        changed = text[:place] + ("0" if character != "0" else "1") + text[place + 1 :]
        assert NOT_IN_BLOCK in refusal({**proof, member: changed}, public_key)


def test_nothing_of_the_entry_can_be_hidden_in_the_hash_before_it(proof: Proof, public_key: Ed25519PublicKey) -> None:
    for count in range(1, len(proof["entry"])):
        hidden = proof["previous"] + proof["entry"][:count].encode().hex()
        shifted = {**proof, "previous": hidden, "entry": proof["entry"][count:]}
        assert NOT_IN_BLOCK in refusal(shifted, public_key)


def test_the_parts_of_two_proofs_prove_nothing_together(proofs: list[Proof], public_key: Ed25519PublicKey) -> None:
    first, second = proofs[-3], proofs[1]
    for member in ("entry", "previous", "path", "index"):
        assert NOT_IN_BLOCK in refusal({**first, member: second[member]}, public_key)
    for member in ("checkpoint", "signature"):
        assert NOT_SIGNED in refusal({**first, member: second[member]}, public_key)
    others = {name: second[name] for name in ("checkpoint", "signature")}
    assert NOT_IN_BLOCK in refusal({**first, **others}, public_key)


# what is no proof at all

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
_MEMBERS = ("entry", "ruling", "previous", "index", "path", "checkpoint", "signature")
_hexadecimal = st.binary(max_size=40).map(bytes.hex)


@given(_json)
def test_whatever_is_no_proof_is_refused_with_a_reason(value: object) -> None:
    assert NO_PROOF in refusal(value)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(_MEMBERS, _json | _hexadecimal)))
def test_whatever_its_members_are_a_proof_that_is_none_is_refused(value: object) -> None:
    assert NO_PROOF in refusal(value)


@given(data=st.data())
def test_whatever_one_member_becomes_the_proof_is_refused(
    proofs: list[Proof], public_key: Ed25519PublicKey, data: st.DataObject
) -> None:
    proof = proofs[-3]
    member = data.draw(st.sampled_from(_MEMBERS))
    value = data.draw((_json | _hexadecimal).filter(lambda value: value != proof[member] or value is True))
    assert refusal({**proof, member: value}, public_key)


def test_a_decision_of_a_block_that_is_not_whole_is_not_proven(
    tmp_path: Path, signing_key: Ed25519PrivateKey, database: Engine
) -> None:
    keep_blocks(tmp_path / "journal", signing_key)
    Indexer(database, tmp_path / "journal").catch_up()
    *_, removed, last = sorted(find_decisions(database, NAMES, Wanted(), 100).decisions, key=lambda one: one.sequence)
    with writing(database) as connection:
        connection.execute(delete(journal_entries).where(journal_entries.c.sequence == removed.sequence))
    with pytest.raises(Conflict, match="Entries of the block of this decision are missing"):
        prove(database, last)
