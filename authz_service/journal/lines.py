"""The lines of a segment file: a word, what tells it from others, and JSON.

    segment {"format":1,"chain":…,"number":…,"first":…,"previous":…,"block":…,"checkpoint":…}
    ruling DIGEST {…}
    entry SEQUENCE HASH {…}
    checkpoint SIGNATURE {…}

A ruling stands before the first entry of its segment that refers to it, so that a segment can be read by itself.
"""

import json
import re
from typing import NamedTuple, TypeAlias

from authz_service.journal.checkpoint import SignedCheckpoint
from authz_service.questions import Ruling

_FORMAT = 1
# No number is longer than a database takes.
SEQUENCE = rb"[1-9][0-9]{0,17}"
_SEQUENCE = re.compile(SEQUENCE)
_DIGEST = re.compile(rb"[0-9a-f]{64}")
_ENTRY = re.compile(rb"entry (%b) (%b) (.*)" % (SEQUENCE, _DIGEST.pattern), re.DOTALL)
_SIGNATURE = re.compile(rb"[0-9a-f]{128}")


class NotALine(ValueError):
    """It is none that this version writes."""


class Header(NamedTuple):
    """Where a segment stands in its chain.

    Attributes:
        chain: The chain.
        number: The number of the segment, from 1.
        first: The sequence number of its first entry.
        previous: The hash of the entry before, in hexadecimal.
        block: The number of the last block closed before.
        checkpoint: The digest of its checkpoint; empty for none.
    """

    chain: str
    number: int
    first: int
    previous: str
    block: int
    checkpoint: str


class KeptEntry(NamedTuple):
    """An entry with its place in the chain.

    Attributes:
        sequence: Its number in the chain, from 1.
        hash: The hash kept with it, in hexadecimal.
        body: JSON, to the byte as it was hashed.
    """

    sequence: int
    hash: str
    body: bytes


Line: TypeAlias = Header | Ruling | KeptEntry | SignedCheckpoint


def header_line(header: Header) -> bytes:
    return b"segment %s\n" % json.dumps({"format": _FORMAT, **header._asdict()}, separators=(",", ":")).encode()


def ruling_line(ruling: Ruling) -> bytes:
    return b"ruling %s %s\n" % (ruling.digest.encode(), ruling.content)


def entry_line(sequence: int, hash_: bytes, body: bytes) -> bytes:
    return b"entry %d %s %s\n" % (sequence, hash_.hex().encode(), body)


def checkpoint_line(signed: SignedCheckpoint) -> bytes:
    return b"checkpoint %s %s\n" % (signed.signature.encode(), signed.payload)


def parse_line(line: bytes) -> Line:
    """What a line without its end says.

    Raises:
        NotALine: It is none.
    """
    # First and at once, as nearly all lines are entries.
    entry = _ENTRY.fullmatch(line)
    if entry:
        sequence, hash_, body = entry.groups()
        return KeptEntry(int(sequence), hash_.decode("ascii"), body)
    try:
        word, rest = line.split(b" ", 1)
        match word:
            case b"ruling":
                digest, content = rest.split(b" ", 1)
                return Ruling(_spelled(_DIGEST, digest), content)
            case b"checkpoint":
                signature, payload = rest.split(b" ", 1)
                return SignedCheckpoint(_spelled(_SIGNATURE, signature), payload)
            case b"segment":
                return _header(rest)
    except NotALine:
        raise
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise NotALine("is no line of a journal") from error
    raise NotALine("is no line of a journal")


def _header(text: bytes) -> Header:
    members = json.loads(text.decode("ascii"))
    if members.pop("format", None) != _FORMAT:
        raise NotALine("is a segment of another version of this program")
    header = Header(**members)
    if [type(value) for value in header] != [str, int, int, str, int, str]:
        raise NotALine("is no line of a journal")
    for number in (header.number, header.first, header.block + 1):
        _spelled(_SEQUENCE, b"%d" % number)
    for digest in (header.previous, header.checkpoint or header.previous):
        _spelled(_DIGEST, digest.encode())
    return header


def _spelled(pattern: re.Pattern[bytes], text: bytes) -> str:
    if pattern.fullmatch(text) is None:
        raise NotALine("is no line of a journal")
    return text.decode("ascii")
