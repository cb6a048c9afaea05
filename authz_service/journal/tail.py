"""Where a chain has come to, found out from its last segment when a process takes it up again."""

import os
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import structlog

from authz_service.journal.chain import genesis
from authz_service.journal.checkpoint import Closed, SignedCheckpoint
from authz_service.journal.folder import number_of, segment_file, segments_of, sync_folder
from authz_service.journal.lines import Header, KeptEntry, Line, NotALine, header_line, parse_line
from authz_service.questions import Ruling

log = structlog.get_logger()


@dataclass(slots=True)
class Tail:
    """The end of a chain, where the next entry goes.

    Attributes:
        chain: The name of the chain.
        segment: The number of the open segment.
        size: Its bytes.
        day: The day in UTC that it was begun.
        first: The number of its first entry.
        sequence: The number of the last entry; 0 for none.
        head: Its hash.
        closed: What the last checkpoint has closed.
        open_hashes: The hashes of the entries since.
        rulings: The digests of the rulings in the segment.
    """

    chain: str
    segment: int = 0
    size: int = 0
    day: date = date.min
    first: int = 1
    sequence: int = 0
    head: bytes = b""
    closed: Closed = field(default_factory=Closed)
    open_hashes: list[bytes] = field(default_factory=list)
    rulings: set[str] = field(default_factory=set)

    def header(self) -> Header:
        """That of a segment which is begun here."""
        return Header(
            self.chain, self.segment, self.sequence + 1, self.head.hex(), self.closed.block, self.closed.digest
        )

    def take(self, line: Line) -> None:
        """Goes on to the end of a line."""
        match line:
            case Header():
                self.sequence, self.head = line.first - 1, bytes.fromhex(line.previous)
                self.first = line.first
                self.closed = Closed(line.block, line.first - 1, line.checkpoint)
            case KeptEntry():
                self.sequence, self.head = line.sequence, bytes.fromhex(line.hash)
                self.open_hashes.append(self.head)
            case SignedCheckpoint():
                self.closed = Closed.by(line)
                self.open_hashes.clear()
            case Ruling():
                self.rulings.add(line.digest)


def find_tail(chain: Path) -> Tail:
    """The end of a chain; what a crash has left half written behind it is put aside.

    Raises:
        OSError: The chain cannot be read or mended.
    """
    for segment in reversed(segments_of(chain)):
        tail = _tail_of(chain.name, segment)
        if tail is not None:
            return tail
        # A process died before its first line was whole.
        segment.rename(segment.with_name(f"{segment.name}.torn-0"))
    return Tail(chain.name, head=genesis(chain.name))


def begin_segment(folder: Path, tail: Tail) -> int:
    """Begins the segment after the one that the tail is in; returns the file, open for appending.

    Raises:
        OSError: It cannot be written.
    """
    tail.segment += 1
    line = header_line(tail.header())
    segment = segment_file(folder, tail.segment)
    # It has its name only once it is whole: where it is seen, nobody writes the one before.
    draft = segment.with_suffix(".draft")
    opened = None
    try:
        opened = os.open(draft, os.O_WRONLY | os.O_APPEND | os.O_DSYNC | os.O_CREAT | os.O_TRUNC, 0o600)
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(opened, rest) :]
        draft.rename(segment)
        sync_folder(folder)
    except BaseException:
        tail.segment -= 1
        if opened is not None:
            os.close(opened)
        segment.unlink(missing_ok=True)
        raise
    tail.size = len(line)
    tail.day, tail.first = datetime.now(UTC).date(), tail.sequence + 1
    tail.rulings.clear()
    return opened


def _tail_of(chain: str, segment: Path) -> Tail | None:
    content = segment.read_bytes()
    lines = content.splitlines(keepends=True)
    end = len(content)
    while lines and not _is_whole(lines[-1]):
        end -= len(lines.pop())
    if not lines:
        return None
    if end < len(content):
        _put_aside(segment, content[end:], end)
    tail = Tail(chain, number_of(segment), end, datetime.fromtimestamp(segment.stat().st_mtime, UTC).date())
    for line in lines:
        try:
            tail.take(parse_line(line[:-1]))
        except ValueError:
            # What is wrong in the middle stays as it is, for whoever verifies.
            log.error("journal.line_is_wrong", segment=str(segment))  # noqa: TRY400 - no traceback says more
    return tail


def _is_whole(line: bytes) -> bool:
    if not line.endswith(b"\n"):
        return False
    try:
        parse_line(line[:-1])
    except NotALine:
        return False
    return True


def _put_aside(segment: Path, rest: bytes, end: int) -> None:
    aside = segment.with_name(f"{segment.name}.torn-{end}")
    log.warning("journal.half_a_line_put_aside", segment=str(segment), aside=str(aside), bytes=len(rest))
    aside.touch(mode=0o600)
    aside.write_bytes(rest)
    os.truncate(segment, end)
