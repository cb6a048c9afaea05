"""Verifies a whole journal: both copies of every chain, each by itself and each against the other."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, Engine

from authz_service.journal.copies import (
    FiledUnder,
    Placed,
    chains_in_database,
    chains_in_files,
    read_database,
    read_files,
    rulings_in_database,
)
from authz_service.journal.indexer import count_entries
from authz_service.journal.lines import KeptEntry
from authz_service.journal.terms import are_terms_indexed
from authz_service.journal.verifying import Finding, Verified, Verifier
from authz_service.storage.database import reading

OnProgress = Callable[[int, int], None]
"""Told how many entries have been looked at, and of how many."""

_TELL_EVERY = 1_000
_NOT_INDEXED = (
    "the index does not have the terms that it was given: a search may not find everything until `journal reindex`"
)


class Head(NamedTuple):
    """Where a chain was, once.

    Attributes:
        chain: The chain.
        sequence: The number of an entry.
        hash: Its hash.
    """

    chain: str
    sequence: int
    hash: str


class Chain(NamedTuple):
    """What has been found of a chain.

    Attributes:
        name: The chain.
        database: What the database has of it; None for nothing.
        files: What the files have of it; None where they are not here.
    """

    name: str
    database: Verified | None
    files: Verified | None

    @property
    def copies(self) -> list[Verified]:
        return [copy for copy in (self.database, self.files) if copy is not None]

    @property
    def first(self) -> int:
        """The first entry that is there; 0 for none."""
        return min((copy.first for copy in self.copies if copy.first), default=0)

    @property
    def last(self) -> int:
        return max(copy.last for copy in self.copies)

    @property
    def head(self) -> Head:
        """Where it is now."""
        longest = max(self.copies, key=lambda copy: copy.last)
        return Head(self.name, longest.last, longest.head)


class Report(NamedTuple):
    """What has been found of a journal.

    Attributes:
        chains: Each chain, the oldest first.
        findings: All that is not as it was written; empty for a journal that nobody has touched.
    """

    chains: list[Chain]
    findings: list[Finding]

    @property
    def entries(self) -> int:
        return sum(chain.last - chain.first + 1 for chain in self.chains if chain.first)


def verify_journal(
    database: Engine,
    folders: Sequence[Path],
    keys: Sequence[Ed25519PublicKey],
    known: Sequence[Head] = (),
    on_progress: OnProgress = lambda _done, _of: None,
) -> Report:
    """Looks at everything.

    Args:
        database: The copy in the database.
        folders: The copy in files: the journal's folder, and where its segments were archived to.
        keys: The keys that blocks may be signed with.
        known: Where chains were when somebody noted it: they have to have been there.
        on_progress: Is told how far it is.

    Raises:
        DatabaseUnavailable: The database does not answer.
        OSError: The files cannot be read.
    """
    is_on_sqlite = database.dialect.name == "sqlite"
    progress = _Progress(count_entries(database), 3 if is_on_sqlite else 2, on_progress)
    wanted: dict[str, set[int]] = {}
    for head in known:
        wanted.setdefault(head.chain, set()).add(head.sequence)
    findings: list[Finding] = []
    chains: list[Chain] = []
    # The database first, all at one moment: the files have everything that it has, and may have more by then.
    with reading(database) as connection:
        rulings = Verifier("", keys)
        findings += rulings.follow(rulings_in_database(connection)).findings
        in_database = {
            name: Verifier(name, keys, rulings.digests, wanted.get(name, ())).follow(
                progress.through(read_database(connection, name, number))
            )
            for name, number in chains_in_database(connection).items()
        }
        if is_on_sqlite:
            if not are_terms_indexed(connection, progress.within_part):
                findings.append(Finding("database, journal_terms", _NOT_INDEXED))
            progress.end_part()
        in_files = chains_in_files(folders)
        for name in sorted(in_database.keys() | in_files):
            kept, files = in_database.get(name), None
            if name in in_files:
                both = wanted.get(name, set()) | ({kept.last} if kept else set())
                files = Verifier(name, keys, None, both).follow(progress.through(read_files(folders, name)))
            chains.append(Chain(name, kept, files))
            findings += kept.findings if kept else []
            findings += files.findings if files else []
            findings += _compared(connection, folders, chains[-1])
    findings += _gone(chains)
    findings += _unknown(chains, known)
    return Report([chain for chain in chains if chain.last], findings)


class _Progress:
    """Each entry is looked at in the database and in the files, and on SQLite searched for in the index."""

    def __init__(self, entries: int, parts: int, tell: OnProgress) -> None:
        self._entries = entries
        self._total = parts * entries
        self._tell = tell
        self._done = 0

    def through(self, items: Iterable[Placed]) -> Iterator[Placed]:
        for item in items:
            yield item
            self._done += 1
            if self._done % _TELL_EVERY == 0:
                self._tell(self._done, max(self._done, self._total))

    def within_part(self, done: int, of: int) -> None:
        """So much of a part that does not go through entries has been done."""
        so_far = self._done + self._entries * done // max(of, 1)
        self._tell(so_far, max(so_far, self._total))

    def end_part(self) -> None:
        self._done += self._entries


def _compared(connection: Connection, folders: Sequence[Path], chain: Chain) -> Iterator[Finding]:
    """What the one copy has otherwise than the other."""
    kept, files = chain.database, chain.files
    if kept is None or files is None or not kept.last:
        return
    if files.last < kept.last:
        what = f"the files end with entry {files.last}, and the database has entry {kept.last}: the end was removed"
        yield Finding(chain.name, what)
    elif files.closed.last < kept.closed.last:
        what = f"the files are signed up to entry {files.closed.last}, and the database up to {kept.closed.last}"
        yield Finding(chain.name, f"{what}: checkpoints were removed")
    elif not (kept.findings or files.findings) and files.hashes.get(kept.last) == kept.head:
        return
    number = chains_in_database(connection)[chain.name]
    with (
        closing(read_database(connection, chain.name, number)) as one,
        closing(read_files(folders, chain.name)) as other,
    ):
        difference = _first_difference(_hashes(one), _hashes(other))
    if difference is not None:
        sequence, entry = difference
        yield Finding(chain.name, "the database and the files have it otherwise", entry, sequence)


def _hashes(items: Iterable[Placed]) -> Iterator[tuple[int, KeptEntry, str]]:
    for _, item in items:
        if isinstance(item, FiledUnder):
            yield item.entry.sequence, item.entry, item.id
        elif isinstance(item, KeptEntry):
            yield item.sequence, item, ""


def _first_difference(
    one: Iterator[tuple[int, KeptEntry, str]], other: Iterator[tuple[int, KeptEntry, str]]
) -> tuple[int, str] | None:
    left, right = next(one, None), next(other, None)
    while left is not None and right is not None:
        if left[0] < right[0]:
            left = next(one, None)
        elif right[0] < left[0]:
            right = next(other, None)
        elif left[1] != right[1]:
            return left[0], left[2]
        else:
            left, right = next(one, None), next(other, None)
    return None


def _gone(chains: Sequence[Chain]) -> Iterator[Finding]:
    """Entries at the beginning of a chain that are in neither copy, and that no pruning has taken."""
    pruned: dict[str, int] = {}
    for chain in chains:
        for copy in chain.copies:
            for name, last in copy.pruned.items():
                pruned[name] = max(last, pruned.get(name, 0))
    for chain in chains:
        first = chain.first or chain.last + 1
        before = pruned.get(chain.name, 0)
        if first > before + 1:
            gone = f"entry {before + 1} is" if first == before + 2 else f"entries {before + 1} to {first - 1} are"
            yield Finding(chain.name, f"{gone} missing at the beginning, and no pruning has taken them")


def _unknown(chains: Sequence[Chain], known: Sequence[Head]) -> Iterator[Finding]:
    by_name: Mapping[str, Chain] = {chain.name: chain for chain in chains}
    for head in known:
        chain = by_name.get(head.chain)
        if chain is None or chain.last < head.sequence:
            yield Finding(head.chain, "it was there when it was noted, and is no more", sequence=head.sequence)
            continue
        hashes = {copy.hashes[head.sequence] for copy in chain.copies if head.sequence in copy.hashes}
        if hashes and hashes != {head.hash}:
            yield Finding(head.chain, "it had another hash when it was noted", sequence=head.sequence)
