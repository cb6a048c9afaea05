"""Pseudonyms: the same for the same person or thing, and nobody's without the key."""

import hashlib
import json
from binascii import b2a_base64
from collections.abc import Callable

_BYTES = 16
_BLOCK_BYTES = 64
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_MARK = "~"
_quoted = json.encoder.encode_basestring_ascii


class Pseudonyms:
    """Gives people and things their names in the journal.

    Args:
        key: What they are made with, the same in every process on one database.
        are_plain: Whether ids stay as they are.
    """

    def __init__(self, key: bytes, *, are_plain: bool = False) -> None:
        self._inner, self._outer = _hmac(key)
        self._are_plain = are_plain

    def of(self, kind: str, name: str) -> str:
        """The name in the journal of a person or thing of that kind."""
        return name if self._are_plain and _can_be_plain(name) else self._pseudonym(f"{kind}\0{name}")

    def quoted_names(self) -> dict[str, str]:
        """The same as JSON, by kind and name with a NUL between them: each is made when it is first looked up."""
        return _QuotedNames(self._as_json)

    def _as_json(self, kind_and_name: str) -> str:
        if self._are_plain:
            # Of a kind with a NUL, which no domain knows, this has one as well, and cannot be plain.
            name = kind_and_name.partition("\0")[2]
            if _can_be_plain(name):
                return _quoted(name)
        return f'"{self._pseudonym(kind_and_name)}"'

    def all_of(self, kind: str, name: str) -> list[str]:
        """Every name that it may have there, whatever was set at the time; a pseudonym is taken for one."""
        pseudonym = self._pseudonym(f"{kind}\0{name}")
        return [name, pseudonym] if _is_storable(name) else [pseudonym]

    def _pseudonym(self, kind_and_name: str) -> str:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(kind_and_name.encode("utf-8", "surrogatepass"))
        outer.update(inner.digest())
        keyed = outer.digest()[:_BYTES]
        return f"{_MARK}{b2a_base64(keyed, newline=False).translate(_URL_SAFE, b'=').decode()}"


class _QuotedNames(dict[str, str]):
    def __init__(self, make: Callable[[str], str]) -> None:
        self._make = make

    def __missing__(self, kind_and_name: str) -> str:
        made = self[kind_and_name] = self._make(kind_and_name)
        return made


def _hmac(key: bytes) -> "tuple[hashlib._Hash, hashlib._Hash]":
    """HMAC-SHA-256 (RFC 2104) with the key taken in: what the name goes through, and what that goes through.

    As the library has it, each call would give up the interpreter to other threads, and wait for it again.
    """
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK_BYTES else key).ljust(_BLOCK_BYTES, b"\0")
    return hashlib.sha256(bytes(byte ^ 0x36 for byte in block)), hashlib.sha256(bytes(byte ^ 0x5C for byte in block))


def _can_be_plain(name: str) -> bool:
    # A name is not to pass for a pseudonym.
    return not name.startswith(_MARK) and _is_storable(name)


def _is_storable(name: str) -> bool:
    # No database takes a NUL in JSON, nor half of a surrogate pair.
    return "\0" not in name and not any("\ud800" <= each <= "\udfff" for each in name)
