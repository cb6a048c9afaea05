"""A small journal, made without a service."""

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import Engine

from authz_service.decision.decisions import Decided
from authz_service.decision.memory import Decision
from authz_service.decision.rulings import ruling_of
from authz_service.ids import new_id
from authz_service.journal.checkpoint import Signer
from authz_service.journal.entries import Entries, Entry, Origin, noted
from authz_service.journal.indexer import Indexer
from authz_service.journal.pseudonyms import Pseudonyms
from authz_service.journal.verify import Head, Report, verify_journal
from authz_service.journal.writer import Writer
from authz_service.questions import Action, Answer, Entity, Question, Reason
from authz_service.words import AnswerSource
from tests.journals import JOURNAL_KEY

ORIGIN = Origin("tests")


def decided(person: str = "mary.jones", *, allow: bool = True, action: str = "view_usage") -> Decided:
    """A decision about the customer number 1."""
    reason = Reason("granted" if allow else "denied", ("USER-1",), {"en": "So it is."})
    answer = Answer(allow, (reason,), None, (), ())
    document = {"action": action, "role": "user"}
    decision = Decision(allow, "first", answer, document, b"", ruling_of(document, answer, "first"))
    question = Question(Entity("person", person), Action(action), Entity("customer", "1"))
    return Decided(question, (("customer", "1"),), decision, AnswerSource.ENGINE)


def decision_entry(entries: Entries, entry_id: str, item: int | None, origin: Origin, one: Decided) -> Entry:
    """The entry of one decision."""
    [entry] = entries.decisions([noted(entry_id, origin, item, one)])
    return entry


@dataclass
class Kept:
    """A journal in a folder and a database, with the keys that it is made with."""

    database: Engine
    folder: Path
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    entries: Entries = field(default_factory=lambda: Entries(Pseudonyms(JOURNAL_KEY.encode())))

    @property
    def public_key(self) -> Ed25519PublicKey:
        return self.key.public_key()

    def writer(self) -> Writer:
        return Writer(self.folder, Signer(self.key))

    def decision(self, person: str = "mary.jones", *, allow: bool = True) -> Entry:
        return decision_entry(self.entries, new_id(), None, ORIGIN, decided(person, allow=allow))

    def write(self, *blocks: int) -> str:
        """Blocks of so many decisions, each signed; returns the chain."""
        chain = ""
        for size in blocks:
            writer = self.writer()
            chain = writer.chain
            writer.append([self.decision(f"person-{n}", allow=n % 3 > 0) for n in range(size)])
            writer.close()
        return chain

    def index(self) -> int:
        return Indexer(self.database, self.folder).catch_up()

    def verify(self, *known: Head, archive: Path | None = None) -> Report:
        folders = [folder for folder in (archive, self.folder) if folder]
        return verify_journal(self.database, folders, [self.public_key], known)

    def findings(self, *known: Head) -> list[str]:
        return [str(finding) for finding in self.verify(*known).findings]
