import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from authz_service.journal.checkpoint import SignedCheckpoint
from authz_service.journal.lines import (
    Header,
    KeptEntry,
    NotALine,
    checkpoint_line,
    entry_line,
    header_line,
    parse_line,
    ruling_line,
)
from authz_service.questions import Ruling

DIGEST = "0123456789abcdef" * 4
SIGNATURE = DIGEST * 2
HEADER = Header("01ARYZ6S410000000000000000", 2, 7, DIGEST, 3, DIGEST)

numbers = st.integers(1, 10**18 - 1)
digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
texts = st.binary().filter(lambda text: b"\n" not in text)
headers = st.builds(
    Header, st.text(), numbers, numbers, digests, st.integers(0, 10**18 - 2), digests | st.just("")
).filter(lambda header: header.chain.isprintable())


# there and back


@given(headers)
@example(HEADER._replace(number=1, first=1, block=0, checkpoint=""))
def test_a_header_is_read_back(header: Header) -> None:
    assert parse_line(_without_end(header_line(header))) == header


@given(digests, texts)
def test_a_ruling_is_read_back(digest: str, content: bytes) -> None:
    ruling = Ruling(digest, content)
    assert parse_line(_without_end(ruling_line(ruling))) == ruling


@given(numbers, digests, texts)
def test_an_entry_is_read_back_to_the_byte(sequence: int, digest: str, body: bytes) -> None:
    line = _without_end(entry_line(sequence, bytes.fromhex(digest), body))
    assert parse_line(line) == KeptEntry(sequence, digest, body)


@given(st.binary(min_size=64, max_size=64).map(bytes.hex), texts)
def test_a_checkpoint_is_read_back_to_the_byte(signature: str, payload: bytes) -> None:
    signed = SignedCheckpoint(signature, payload)
    assert parse_line(_without_end(checkpoint_line(signed))) == signed


@given(st.from_regex(rb"entry [0-9_+]{1,2} [0-9a-f]{63,65} [^\n]*", fullmatch=True))
def test_an_entry_is_read_from_one_spelling_alone(text: bytes) -> None:
    try:
        line = parse_line(text)
    except NotALine:
        return
    assert isinstance(line, KeptEntry)
    assert _without_end(entry_line(line.sequence, bytes.fromhex(line.hash), line.body)) == text


def test_the_lines_are_spelled_as_the_files_have_them() -> None:
    """What stands on disk is read by later versions, and by other programs."""
    assert header_line(HEADER) == (
        b'segment {"format":1,"chain":"01ARYZ6S410000000000000000","number":2,"first":7,"previous":"%s","block":3,'
        b'"checkpoint":"%s"}\n' % (DIGEST.encode(), DIGEST.encode())
    )
    assert ruling_line(Ruling(DIGEST, b"{}")) == b"ruling %s {}\n" % DIGEST.encode()
    assert entry_line(12, bytes.fromhex(DIGEST), b'{"id":"A"}') == b'entry 12 %s {"id":"A"}\n' % DIGEST.encode()
    assert checkpoint_line(SignedCheckpoint(SIGNATURE, b"{}")) == b"checkpoint %s {}\n" % SIGNATURE.encode()


# what is no line

_NO_LINES: dict[str, bytes] = {
    "nothing": b"",
    "a space": b" ",
    "a word": b"entry",
    "an unknown word": b"letter 1 2 3",
    "another case": b"Entry 1 " + DIGEST.encode() + b" {}",
    "a space before": b" entry 1 " + DIGEST.encode() + b" {}",
    "bytes that are no text": b"\xff\xfe\x00",
    "zeros of a lost block": b"\0" * 512,
    "an entry without a body": b"entry 1 " + DIGEST.encode(),
    "an entry without a hash": b"entry 1 {}",
    "an entry with half a hash": b"entry 1 " + DIGEST[:32].encode() + b" {}",
    "an entry with a hash in capitals": b"entry 1 " + DIGEST.upper().encode() + b" {}",
    "an entry with a hash that is not ASCII": b"entry 1 " + "é".encode() * 32 + b" {}",
    "a ruling without content": b"ruling " + DIGEST.encode(),
    "a ruling with half a digest": b"ruling " + DIGEST[:32].encode() + b" {}",
    "a ruling with a NUL in its digest": b"ruling " + DIGEST[:63].encode() + b"\0 {}",
    "a checkpoint without a payload": b"checkpoint " + SIGNATURE.encode(),
    "a checkpoint with half a signature": b"checkpoint " + SIGNATURE[:64].encode() + b" {}",
    "a segment without JSON": b"segment ",
    "a segment with half a JSON": header_line(HEADER)[:40],
    "a segment that is deep": b"segment " + b"[" * 100_000,
    "a segment that is deep inside": b'segment {"format":1,"chain":' + b"[" * 100_000,
    "a segment in UTF-16": b"segment " + header_line(HEADER)[8:-1].decode().encode("utf-16-be"),
    "a segment that is not ASCII": b'segment {"format":1,"chain":"\xc3\xa9"}',
}


@pytest.mark.parametrize("line", _NO_LINES.values(), ids=_NO_LINES)
def test_what_is_no_line_is_refused(line: bytes) -> None:
    with pytest.raises(NotALine):
        parse_line(line)


@pytest.mark.parametrize(
    "number", [b"", b"0", b"-1", b"+1", b"01", b"1_0", b"1.0", b"x", b"\xd9\xa1", b"1" * 19, b"9" * 5_000]
)
def test_an_entry_is_numbered_by_digits_and_no_more_than_a_database_takes(number: bytes) -> None:
    with pytest.raises(NotALine):
        parse_line(b"entry %s %s {}" % (number, DIGEST.encode()))


@pytest.mark.parametrize("text", ["null", "true", "1", "1.5", '"text"', "[]", '["format"]', '[{"format":1}]'])
def test_a_header_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(NotALine):
        parse_line(f"segment {text}".encode())


@pytest.mark.parametrize("member", Header._fields)
def test_a_header_without_one_of_its_members_is_refused(member: str) -> None:
    members = {name: value for name, value in _members().items() if name != member}
    with pytest.raises(NotALine):
        parse_line(b"segment " + json.dumps(members).encode())


def test_a_header_with_a_member_more_is_refused() -> None:
    with pytest.raises(NotALine):
        parse_line(b"segment " + json.dumps({**_members(), "more": 1}).encode())


@pytest.mark.parametrize("member", Header._fields)
@pytest.mark.parametrize("value", [None, True, 1.5, [], {}, -1, 10**18, 10**400])
def test_a_header_with_a_member_of_another_type_or_beyond_its_bounds_is_refused(member: str, value: object) -> None:
    with pytest.raises(NotALine):
        parse_line(b"segment " + json.dumps({**_members(), member: value}).encode())


@pytest.mark.parametrize("member", ["previous", "checkpoint"])
@pytest.mark.parametrize("text", ["x", DIGEST[:-1], DIGEST.upper(), "\ud800" * 64, f" {DIGEST[1:]}"])
def test_a_header_with_a_hash_that_is_none_is_refused(member: str, text: str) -> None:
    with pytest.raises(NotALine):
        parse_line(b"segment " + json.dumps({**_members(), member: text}).encode())


def test_a_header_without_a_hash_before_is_refused() -> None:
    with pytest.raises(NotALine):
        parse_line(b"segment " + json.dumps({**_members(), "previous": ""}).encode())


@pytest.mark.parametrize("said", [{"format": 2}, {"format": None}, {"format": "1"}, {}])
def test_a_segment_of_another_version_is_refused_as_that(said: dict[str, Any]) -> None:
    members = {name: value for name, value in _members().items() if name != "format"}
    with pytest.raises(NotALine, match="of another version of this program"):
        parse_line(b"segment " + json.dumps({**members, **said}).encode())


@given(st.sampled_from([b"", b"entry ", b"ruling ", b"checkpoint ", b"segment "]), st.binary())
def test_no_bytes_raise_anything_else(word: bytes, rest: bytes) -> None:
    try:
        line = parse_line(word + rest)
    except NotALine:
        return
    assert isinstance(line, KeptEntry | Ruling | SignedCheckpoint | Header)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["format", *Header._fields]), inner),
    max_leaves=8,
)


@given(_json)
def test_no_json_of_a_header_raises_anything_else(value: object) -> None:
    with pytest.raises(NotALine):
        parse_line(b"segment " + json.dumps(value).encode())


def _members() -> dict[str, Any]:
    return {"format": 1, **HEADER._asdict()}


def _without_end(line: bytes) -> bytes:
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    return line[:-1]
