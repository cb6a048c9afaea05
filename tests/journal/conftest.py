"""What the tests of the journal share: writers on a folder, entries, and what the files of a chain have to hold."""

import errno
import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from fcntl import F_GETFL, fcntl
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from authz_service.decision.decisions import Decided
from authz_service.decision.memory import Decision
from authz_service.decision.rulings import ruling_of
from authz_service.ids import new_id
from authz_service.journal import queries as queries_module
from authz_service.journal import terms as terms_module
from authz_service.journal import writer as writer_module
from authz_service.journal.checkpoint import SignedCheckpoint, Signer, key_id
from authz_service.journal.entries import Entry
from authz_service.journal.folder import chains_in, segments_of
from authz_service.journal.lines import Header, KeptEntry, Line, parse_line
from authz_service.journal.writer import Writer
from authz_service.questions import Action, Answer, Document, Entity, Json, Names, Question, Reason, Ruling
from authz_service.words import AnswerSource

PATIENCE_SECONDS = 30.0

OpenWriter = Callable[[], Writer]

# For what is the same on every database.
on_sqlite_alone = pytest.mark.parametrize("any_database", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def several_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of a millisecond, and few looked at and removed together, so that nearly every test has several of all."""
    monkeypatch.setattr(terms_module, "_SLICE_CHARACTERS", 10)
    monkeypatch.setattr(terms_module, "_REMOVED_AT_ONCE", 2)
    monkeypatch.setattr(queries_module, "_ENTRIES_AT_ONCE", 5)
    monkeypatch.setattr(queries_module, "_AS_SCATTERED", 1)


@pytest.fixture(scope="session")
def signing_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a journal, which is not there yet."""
    return tmp_path / "journal"


@pytest.fixture
def open_writer(folder: Path, signing_key: Ed25519PrivateKey) -> Iterator[OpenWriter]:
    """Opens writers on the folder, and closes them in the end."""
    opened: list[Writer] = []

    def open_one() -> Writer:
        opened.append(Writer(folder, Signer(signing_key)))
        return opened[-1]

    yield open_one
    for writer in opened:
        writer.close()


@pytest.fixture
def writer(open_writer: OpenWriter) -> Writer:
    return open_writer()


class Disk:
    """Stands where a module of the journal has `os`, and writes as long as it is well.

    Attributes:
        room: How many bytes fit on it; None for any number.
        cannot_sync: Whether what is written cannot be synced.
        cannot_truncate: Whether what is written cannot be taken back.
        taken_back: How many times something was.
        unsynced: How many writes returned before they were synced.
        synced: How many bytes the files had that were synced as a whole.
    """

    def __init__(self) -> None:
        self.room: int | None = None
        self.cannot_sync = False
        self.cannot_truncate = False
        self.taken_back = 0
        self.unsynced = 0
        self.synced: list[int] = []

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever it is that `os` has
        return getattr(os, name)

    def write(self, file: int, data: memoryview) -> int:
        if self.room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.unsynced += not fcntl(file, F_GETFL) & os.O_DSYNC
        written = os.write(file, data[: self.room])
        if self.room is not None:
            self.room -= written
        if self.cannot_sync:
            # What is written is in the file, and may be gone after a crash.
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return written

    def fdatasync(self, file: int) -> None:
        os.fdatasync(file)
        self.synced.append(os.fstat(file).st_size)

    def ftruncate(self, file: int, size: int) -> None:
        if self.cannot_truncate:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        os.ftruncate(file, size)
        self.taken_back += 1

    def heal(self) -> None:
        self.room, self.cannot_sync, self.cannot_truncate = None, False, False


class SlowDisk(Disk):
    """A disk on which a write takes as long as one likes.

    Attributes:
        is_asked: Is set when somebody writes.
        may_write: Has whoever writes go on.
        faults: What is raised instead of the next writes.
        written: How many times something was written.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_asked = threading.Event()
        self.may_write = threading.Event()
        self.faults: list[Exception | None] = []
        self.written = 0

    def write(self, file: int, data: memoryview) -> int:
        self.is_asked.set()
        assert self.may_write.wait(PATIENCE_SECONDS)
        fault = self.faults.pop(0) if self.faults else None
        if fault:
            raise fault
        self.written += 1
        return super().write(file, data)


@pytest.fixture
def rarely_flushed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer's thread does nothing by itself."""
    monkeypatch.setattr(writer_module, "FLUSH_SECONDS", 3_600)


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowDisk]:
    disk = SlowDisk()
    monkeypatch.setattr(writer_module, "os", disk)
    yield disk
    disk.may_write.set()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """What writers append to."""
    disk = Disk()
    monkeypatch.setattr(writer_module, "os", disk)
    return disk


def a_ruling(revision: str = "first", *, allow: bool = True, facts: Document | None = None) -> Ruling:
    return ruling_of(facts or {"role": "user"}, _answer(allow=allow), revision)


def an_entry(*rulings: Ruling, entry_id: str | None = None, **said: Json) -> Entry:
    """An entry as they are, but for what it says."""
    body = {"id": entry_id or new_id(), "kind": "decision", **said}
    if rulings:
        body["ruling"] = rulings[0].digest
    return Entry(json.dumps(body, separators=(",", ":")).encode(), rulings)


def a_decision(
    person: str = "ann",
    number: str = "123456789",
    action: str = "view_bills",
    *,
    allow: bool = True,
    about: Names | None = None,
    stated: Document | None = None,
) -> Decided:
    """A question about a customer number, and its answer; `stated` is what the policy judges."""
    question = Question(Entity("person", person), Action(action), Entity("customer", number))
    document = {"action": action, "role": "user"} if stated is None else stated
    answer = _answer(allow=allow)
    decision = Decision(allow, "first", answer, document, b"", ruling_of(document, answer, "first"))
    return Decided(question, (("customer", number),) if about is None else about, decision, AnswerSource.ENGINE)


def _answer(*, allow: bool) -> Answer:
    return Answer(allow, (Reason("rule", ("FACT-1",), {"en": "So it is."}),), None, (), ())


def chain_of(writer: Writer, folder: Path) -> Path:
    return folder / writer.chain


def lines_of(chain: Path) -> list[Line]:
    """All lines of a chain, but for one that is being written."""
    contents = [segment.read_bytes() for segment in segments_of(chain)]
    return [parse_line(line) for content in contents for line in content.split(b"\n")[:-1]]


def entries_of(chain: Path) -> list[KeptEntry]:
    return [line for line in lines_of(chain) if isinstance(line, KeptEntry)]


def bodies_of(folder: Path) -> list[bytes]:
    """The bodies of all entries of all chains, chain by chain."""
    return [entry.body for chain in chains_in(folder) for entry in entries_of(chain)]


def checkpoints_of(chain: Path) -> list[SignedCheckpoint]:
    return [line for line in lines_of(chain) if isinstance(line, SignedCheckpoint)]


def has_segments(chain: Path, number: int) -> bool:
    return len(segments_of(chain)) == number


def tree_hash(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, as it is defined there."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    split = largest_power_of_two_below(len(leaves))
    return hashlib.sha256(b"\1" + tree_hash(leaves[:split]) + tree_hash(leaves[split:])).digest()


def largest_power_of_two_below(number: int) -> int:
    power = 1
    while 2 * power < number:
        power *= 2
    return power


def assert_right(chain: Path, key: Ed25519PublicKey) -> None:
    """Follows a chain from its beginning, by the definition: nothing is missing, changed, twice or unsigned by the key.

    A block may be open at the end.
    """
    assert all(segment.read_bytes().endswith(b"\n") for segment in segments_of(chain))
    head = hashlib.sha256(f"authz-service journal {chain.name}".encode()).hexdigest()
    segment = sequence = block = closed = 0
    digest = ""
    open_hashes: list[bytes] = []
    rulings: set[str] = set()
    for line in lines_of(chain):
        match line:
            case Header():
                segment += 1
                assert line == Header(chain.name, segment, sequence + 1, head, block, digest)
                assert not open_hashes, "a block is within one segment"
                rulings.clear()
            case Ruling():
                assert line.digest == hashlib.sha256(line.content).hexdigest()
                assert line.digest not in rulings, "a ruling is written once a segment"
                rulings.add(line.digest)
            case KeptEntry():
                sequence += 1
                head = hashlib.sha256(bytes.fromhex(head) + line.body).hexdigest()
                assert (line.sequence, line.hash) == (sequence, head)
                body = json.loads(line.body)
                assert next(iter(body)) == "id"
                assert rulings >= {body[name] for name in ("ruling", "shadow") if name in body}
                open_hashes.append(bytes.fromhex(head))
            case SignedCheckpoint():
                block += 1
                said = line.read()
                assert (said.chain, said.block, said.first, said.last) == (chain.name, block, closed + 1, sequence)
                assert (said.root, said.head) == (tree_hash(open_hashes).hex(), head)
                assert (said.previous, said.key) == (digest, key_id(key))
                key.verify(bytes.fromhex(line.signature), line.payload)
                digest, closed = hashlib.sha256(line.payload).hexdigest(), sequence
                open_hashes.clear()
