"""The journal of one process: what it decides, is kept."""

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from time import perf_counter

from sqlalchemy import Connection, Engine

from authz_service.decision.decisions import Decided
from authz_service.decision.memory import Decision
from authz_service.errors import ConfigurationError, JournalUnavailable
from authz_service.journal.checkpoint import Signer
from authz_service.journal.entries import Entries, Entry, Noted, Origin, noted
from authz_service.journal.outbox import order_entry
from authz_service.journal.place import find_place, journal_folder, known_pseudonyms
from authz_service.journal.pseudonyms import Pseudonyms
from authz_service.journal.writer import Writer
from authz_service.questions import Json, Ruling, Search
from authz_service.settings import Settings
from authz_service.telemetry.stages import Stage, of_every_few, stage_times
from authz_service.telemetry.tally import Tally
from authz_service.words import Durability, EntryKind


class Journal:
    """Keeps entries, as durably as is set; or none, where it is off.

    Attributes:
        folder: The folder of its files; None where it is off.
        writer: Writes the chain of this process; None where it is off.
        pseudonyms: How people and things are named in it.
        is_strict: Whether what is kept is on disk before it is answered; not where it is off.
    """

    def __init__(
        self,
        pseudonyms: Pseudonyms,
        folder: Path | None = None,
        writer: Writer | None = None,
        *,
        is_strict: bool = True,
        tally: Tally | None = None,
    ) -> None:
        self.pseudonyms = pseudonyms
        self.folder = folder
        self.writer = writer
        self._entries = Entries(pseudonyms) if writer else None
        # One function, by which the writer knows what is made together.
        self._make = self._entries.decisions if self._entries else None
        self.is_strict = writer is not None and is_strict
        self._keep = None if writer is None else writer.append if is_strict else writer.append_soon
        self._makes_soon = None if writer is None or is_strict else writer.make_soon
        self._resources = ExitStack()
        self._is_timed = of_every_few()
        self._took = stage_times(tally or Tally(), Stage.JOURNAL)
        self._on_decision: Callable[[Decision], None] | None = None

    def tells(self, on_decision: Callable[[Decision], None]) -> None:
        """Has this told of each decision that is kept."""
        self._on_decision = on_decision

    def closes(self, resources: ExitStack) -> None:
        """Has these closed with it."""
        self._resources.push(resources)

    def close(self) -> None:
        """Has everything on disk."""
        if self.writer:
            self.writer.close()
        self._resources.close()

    def decided(self, decision_id: str, origin: Origin, decided: Decided) -> None:
        """Keeps a decision.

        Raises:
            JournalUnavailable: It is not kept, so it is not to be answered.
        """
        if self.writer:
            self._keep_decisions([noted(decision_id, origin, None, decided)], are_single=True)
            if self._on_decision:
                self._on_decision(decided.decision)

    def decided_several(self, decision_id: str, origin: Origin, decided: Sequence[tuple[int, Decided]]) -> None:
        """Keeps decisions of a call of several, each with its place in it.

        Raises:
            JournalUnavailable: They are not kept, so they are not to be answered.
        """
        if self.writer and decided:
            notes = [noted(decision_id, origin, item, each) for item, each in decided]
            self._keep_decisions(notes, are_single=len(decided) == 1)
            if self._on_decision:
                self._tell(each.decision for _, each in decided)

    def decided_together(self, calls: Sequence[tuple[str, Origin, Decided]]) -> None:
        """Keeps single decisions of several callers: all of them or none.

        Raises:
            JournalUnavailable: They are not kept, so they are not to be answered.
        """
        if self.writer and calls:
            notes = [noted(decision_id, origin, None, each) for decision_id, origin, each in calls]
            self._keep_decisions(notes, are_single=True)
            if self._on_decision:
                self._tell(decided.decision for _, _, decided in calls)

    def _keep_decisions(self, notes: Sequence[Noted], *, are_single: bool) -> None:
        if not self._keep or not self._make:
            return
        is_timed = not are_single or next(self._is_timed)
        began = perf_counter() if is_timed else 0.0
        if self._makes_soon and are_single:
            self._makes_soon(self._make, notes)
        else:
            # Those of a call of several, made in one go later, would hold up whoever asks meanwhile.
            self._keep(self._make(notes))
        if is_timed:
            self._took[are_single](perf_counter() - began)

    def tried(self, decision_id: str, origin: Origin, decided: Decided) -> bool:
        """Keeps a question that somebody has only tried, and says whether it is kept; nothing else is told of it.

        Raises:
            JournalUnavailable: It is not kept, so it is not to be answered.
        """
        if self._entries and self._keep:
            self._keep(self._entries.decisions([noted(decision_id, origin, None, decided)], EntryKind.TRIAL))
        return self.writer is not None

    def searched(
        self, decision_id: str, origin: Origin, search: Search, found: Sequence[str], asked: Sequence[Decided]
    ) -> None:
        """Keeps a page of a search.

        Raises:
            JournalUnavailable: It is not kept, so it is not to be answered.
        """
        if self._entries and self._keep:
            self._keep([self._entries.search(decision_id, origin, search, found, asked)])
            self._tell(each.decision for each in asked)

    def taken_over(
        self,
        connection: Connection,
        decision_id: str,
        origin: Origin,
        *,
        customer: str,
        person: str,
        decision: Decision,
        done: Mapping[str, Sequence[str]],
    ) -> None:
        """Keeps a take-over, permitted or refused, if the transaction is committed."""
        if self._entries:
            entry = self._entries.take_over(
                decision_id, origin, customer=customer, person=person, decision=decision, done=done
            )
            order_entry(connection, entry)
            self._tell([decision])

    def changed(
        self, connection: Connection, origin: Origin, action: str, about: tuple[str, str] | None, **said: Json
    ) -> None:
        """Keeps a change of customer data, if the transaction is committed."""
        if self._entries:
            order_entry(connection, self._entries.change(origin, action, about, **said))

    def reviewed(self, origin: Origin, customer: str, decisions: Sequence[Decision]) -> None:
        """Keeps that all that is linked to a customer number was asked about.

        Raises:
            JournalUnavailable: It is not kept, so it is not to be shown.
        """
        if self._entries and self._keep:
            self._keep([self._entries.review(origin, customer, decisions)])

    def signed_off(
        self, connection: Connection, review_id: str, origin: Origin, *, customer: str, revision: str, seal: str
    ) -> None:
        """Keeps that a review was signed off, if the transaction is committed."""
        if self._entries:
            order_entry(connection, self._entries.sign_off(review_id, origin, customer, revision, seal))

    def refused(self, origin: Origin, status: int, endpoint: str, scope: str, count: int | None = None) -> None:
        """Keeps that a caller was refused, or so many were; each is refused also where that cannot be kept."""
        if self._entries:
            self._note(self._entries.refusal(origin, status, endpoint, scope, count))

    def came_into_force(self, revision: str) -> None:
        """Keeps that a policy revision answers from here on in this process."""
        if self._entries:
            self._note(self._entries.policy(revision))

    def shadowed(self, ruling: Ruling, shadow: Ruling, count: int) -> None:
        """Keeps that a shadow policy answers so many decisions differently."""
        if self._entries:
            self._note(self._entries.shadow(ruling, shadow, count))

    def _tell(self, decisions: Iterable[Decision]) -> None:
        if self._on_decision:
            for decision in decisions:
                self._on_decision(decision)

    def _note(self, entry: Entry) -> None:
        if self.writer:
            with suppress(JournalUnavailable):
                self.writer.append_soon([entry])


def open_journal(settings: Settings, database: Engine, tally: Tally | None = None) -> Journal:
    """The journal of this process, in a chain of its own.

    Args:
        settings: What the operator has set.
        database: Where its key is, and where entries of transactions wait.
        tally: Counts how long it takes to keep an entry.

    Raises:
        ConfigurationError: A setting is missing or wrong.
        JournalUnavailable: Its folder cannot be written.
    """
    if settings.journal is Durability.OFF:
        return Journal(known_pseudonyms(settings, database), tally=tally)
    with ExitStack() as opened:
        folder = journal_folder(settings, database)
        if folder is None and database.dialect.name != "sqlite":
            raise ConfigurationError(
                "AUTHZ_JOURNAL_FOLDER: is not set; name a folder for the journal's files that outlives the process."
            )
        if folder is None:
            folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="authz-journal-")))
        place = find_place(settings, database, folder)
        writer = Writer(folder, Signer(place.signing_key), tally)
        is_strict = settings.journal is Durability.STRICT
        journal = Journal(place.pseudonyms, folder, writer, is_strict=is_strict, tally=tally)
        journal.closes(opened.pop_all())
    return journal
